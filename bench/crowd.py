"""A generated run of many models, scenarios and repeats: a journal, without the trials' files."""

from __future__ import annotations

import json
import random
from typing import TYPE_CHECKING, Any, Final

from testbed.catalog import ModelCard
from testbed.plan import PlannedScenario, RunConfig, RunLock
from testbed.store import Run, write_record

if TYPE_CHECKING:
    from pathlib import Path

MODELS: Final = 20
SCENARIOS: Final = 50
REPEATS: Final = 10
KINDS: Final = ("bug", "bug", "feature", "refactor")


def write_crowd(
    runs: Path, *, models: int = MODELS, scenarios: int = SCENARIOS, repeats: int = REPEATS
) -> Run:
    """Write a run of so many made-up trials; the same numbers give the same bytes."""
    run = Run.create(runs, _config(models, scenarios, repeats))
    write_record(run.paths.lock, _lock(run.config))
    chance = random.Random(7)  # noqa: S311  (made-up figures, no secret)
    skill = {card.id: chance.uniform(0.2, 0.9) for card in run.config.models}
    ease = {s.id: chance.uniform(-0.3, 0.3) for s in run.config.scenarios}
    kinds = {s.id: s.kind for s in run.config.scenarios}
    with run.paths.journal.open("w", encoding="utf-8") as file:
        for model, scenario, repeat in run.config.trials():
            passed = chance.random() < skill[model] + ease[scenario]
            trial = _trial(model, scenario, kinds[scenario], repeat, passed=passed, chance=chance)
            file.write(json.dumps(trial, separators=(",", ":")) + "\n")
    return run


def _config(models: int, scenarios: int, repeats: int) -> RunConfig:
    return RunConfig(
        run_id="20261101-080000-c0de",
        created_at="2026-11-01T08:00:00+00:00",
        suite="suite",
        models=tuple(
            ModelCard(
                schema_version=1,
                id=f"vendor-{n % 5}/model-{n:02}",
                title=f"Model {n:02}, prices of 2026-10-{n % 28 + 1:02}",
                provider=f"vendor-{n % 5}",
                model=f"model-{n:02}",
                base_url="https://models.example/v1",
            )
            for n in range(models)
        ),
        scenarios=tuple(
            PlannedScenario(
                id=f"scenario-{n:02}",
                title=f"What has to be done in scenario {n:02}",
                kind=KINDS[n % len(KINDS)],
                difficulty=("easy", "medium", "hard")[n % 3],
            )
            for n in range(scenarios)
        ),
        repeats=repeats,
        engine="docker",
    )


def _lock(config: RunConfig) -> RunLock:
    return RunLock(
        testbed="0.1.0",
        engine="docker",
        images={"app": "testbed-sandbox:0123456789abcdef"},
        prompt="e" * 64,
        fixtures={"app": "f" * 64},
        scenarios={s.id: f"{n:064x}" for n, s in enumerate(config.scenarios)},
        models={card.id: card.digest() for card in config.models},
    )


def _trial(
    model: str, scenario: str, kind: str, repeat: int, *, passed: bool, chance: random.Random
) -> dict[str, Any]:
    """Make up a journal line; one in a hundred trials has no verdict."""
    turns, spoiled = chance.randint(6, 18), chance.randrange(100) == 0
    calls, wrong = turns + chance.randint(0, 8), chance.randint(0, 3)
    verdict = "ungraded" if spoiled else "pass" if passed else "fail"
    return {
        "model": model,
        "scripted": False,
        "scenario": scenario,
        "kind": kind,
        "repeat": repeat,
        "attempt": 1,
        "ending": "infra_error" if spoiled else "finished",
        "verdict": verdict,
        "failure": {"origin": "model_api", "detail": "503 for 300 s"} if spoiled else None,
        "started_at": f"2026-11-01T{8 + repeat:02}:00:00+00:00",
        "phases": {
            "total": round(chance.uniform(60, 400), 3),
            "waiting": round(chance.uniform(0, 20), 3),
            "agent": 50.0,
            "model": 40.0,
            "tools": 5.0,
            "grade": 12.0,
        },
        "turns": turns,
        "requests": turns + 1,
        "rate_limited": chance.randint(0, 2),
        "usage": {
            "fresh_input": chance.randint(10_000, 90_000),
            "cache_read": chance.randint(0, 90_000),
            "cache_write": None,
            "output": chance.randint(500, 9_000),
            "reasoning": 0,
        },
        "cost_usd": round(chance.uniform(0.01, 0.9), 6),
        "funnel": {
            "stages": {"effective": calls, "parsed": wrong},
            "causes": {"unknown_tool": wrong} if wrong else {},
            "causes_by_tool": {"unknown": {"unknown_tool": wrong}} if wrong else {},
        },
        "latencies": [_latency(chance) for _ in range(turns)],
        "patch": {
            "digest": f"{chance.getrandbits(256):064x}",
            "files": ["app/page.tsx", "lib/data.ts"],
            "added": chance.randint(3, 90),
            "deleted": chance.randint(0, 30),
        },
        "checks_total": 200,
        "checks_failed": [] if passed else ["unit/pages.test.ts::holds everybody once"],
        "unused": None if spoiled else chance.randint(0, 2),
        "localised": None if spoiled else calls % 5 > 0,
        "tool_replies": turns,
        "schema_valid_replies": turns - wrong,
        "served_models": [model.rpartition("/")[2]],
        "harm": None if spoiled else [],
        "files": dict.fromkeys(("turns.jsonl", "patch.diff", "grade.json"), "0" * 64),
        "lock": "1" * 64,
    }


def _latency(chance: random.Random) -> dict[str, float]:
    ttft = chance.uniform(0.2, 2)
    return {
        "response_s": ttft + chance.uniform(1, 20),
        "ttft_s": ttft,
        "ttfo_s": ttft,
        "output_tokens_per_s": chance.uniform(30, 150),
    }
