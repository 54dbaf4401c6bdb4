"""Runs on disk with everything that a trial leaves."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import pytest

from testbed.briefs import Brief, Briefs
from testbed.catalog import ModelCard
from testbed.plan import PlannedScenario, PlannedTrial, RunConfig, RunLock
from testbed.records import (
    Check,
    CheckKind,
    Ending,
    Exchange,
    Funnel,
    Grade,
    Latency,
    Patch,
    Stage,
    ToolCall,
    Trial,
    Turn,
    Usage,
    Verdict,
)
from testbed.store import Run, write_atomically, write_record
from tests.reports.site.reading import Built

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

DIFF = (
    "diff --git a/lib/a.ts b/lib/a.ts\n--- a/lib/a.ts\n+++ b/lib/a.ts\n"
    "@@ -1 +1 @@\n-const a = 1\n+const a = 2\n"
)
VERDICTS = {"+": Verdict.PASS, "-": Verdict.FAIL, "?": Verdict.UNGRADED}


@dataclass(frozen=True)
class Foreign:
    """What a model or a provider says in one trial."""

    text: str = "I look."
    name: str = "read_file"
    arguments: str = '{"path": "lib/a.ts"}'
    diff: str = DIFF
    file: str = "lib/a.ts"
    test: str = "lib/a.test.ts::adds"
    output: str = "expected 1 to be 2"
    served: tuple[str, ...] = ("m-1",)
    headers: dict[str, str] = field(default_factory=dict)


USUAL = Foreign()


@dataclass(frozen=True)
class Maker:
    """Makes run directories below a folder."""

    folder: Path

    def saying(self, **fields: Any) -> Foreign:  # noqa: ANN401  (any field)
        """Let a model and a provider say something unusual."""
        return Foreign(**fields)

    def __call__(
        self,
        run_id: str,
        results: dict[str, dict[str, str]],
        *,
        foreign: Foreign = USUAL,
        created: str = "2026-11-20T08:00:00+00:00",
        **changes: Any,  # noqa: ANN401  (any field of the plan)
    ) -> Run:
        """Make a run of `{model: {scenario: "+-?"}}`: a sign per repeat, a dot for none yet."""
        run = Run.create(self.folder, _config(run_id, created, results, changes))
        write_record(run.paths.lock, _lock(run.config))
        write_record(run.paths.briefs, _briefs(run.config, foreign))
        for repeat in range(1, run.config.repeats + 1):
            for model, cells in results.items():
                for scenario, signs in cells.items():
                    if signs[repeat - 1] != ".":
                        trial = _trial((model, scenario, repeat), signs[repeat - 1], foreign)
                        _leave(run, trial, foreign)
        return run


@pytest.fixture
def make_run(tmp_path: Path) -> Maker:
    return Maker(tmp_path / "runs")


def _config(
    run_id: str, created: str, results: dict[str, dict[str, str]], changes: dict[str, Any]
) -> RunConfig:
    scenarios = dict.fromkeys(scenario for cells in results.values() for scenario in cells)
    usual: dict[str, Any] = {
        "run_id": run_id,
        "created_at": created,
        "suite": "suite",
        "models": tuple(
            ModelCard(
                schema_version=1,
                id=model,
                title=f"{model}, no price card",
                provider="mine",
                model="m-1",
                base_url="https://models.example/v1",
            )
            for model in results
        ),
        "scenarios": tuple(
            PlannedScenario(id=s, title=f"Mend {s}", kind="bug", difficulty="easy")
            for s in scenarios
        ),
        "repeats": max(len(signs) for cells in results.values() for signs in cells.values()),
        "engine": "local",
    }
    return RunConfig(**(usual | changes))


def _lock(config: RunConfig) -> RunLock:
    return RunLock(
        testbed="0.1.0",
        engine="local",
        images={"app": "image-1"},
        prompt="p",
        fixtures={"app": "f"},
        scenarios={s.id: "s" for s in config.scenarios},
        models={card.id: card.digest() for card in config.models},
    )


def _briefs(config: RunConfig, foreign: Foreign) -> Briefs:
    return Briefs(
        scenarios={
            s.id: Brief(
                prompt=f"Mend it.\n{foreign.text}"[:5000],
                seed=DIFF,
                seeded_files=("lib/a.ts",),
                constraints={"max_changed_lines": "250"},
                commands={"test": "npm test"},
                fail_to_pass=1,
                pass_to_pass=1,
            )
            for s in config.scenarios
        }
    )


def _trial(key: tuple[str, str, int], sign: str, foreign: Foreign) -> Trial:
    verdict = VERDICTS[sign]
    ungraded = verdict is Verdict.UNGRADED
    diff = foreign.diff.encode("utf-8", "surrogateescape")
    return Trial(
        model=key[0],
        scripted=False,
        scenario=key[1],
        kind="bug",
        repeat=key[2],
        attempt=1,
        ending=Ending.INFRA_ERROR if ungraded else Ending.FINISHED,
        verdict=verdict,
        started_at="2026-11-20T08:01:00+00:00",
        phases={"total": 20.0, "waiting": 1.0},
        turns=1,
        requests=1,
        rate_limited=0,
        usage=Usage(fresh_input=100, cache_read=0, cache_write=0, output=50, reasoning=0),
        cost_usd=0.25,
        funnel=Funnel(stages={"effective": 1}),
        latencies=(Latency(response_s=2.0, ttft_s=0.5, ttfo_s=0.5, output_tokens_per_s=40.0),),
        patch=Patch(
            digest=hashlib.sha256(diff).hexdigest(), files=(foreign.file,), added=1, deleted=1
        ),
        checks_total=2,
        checks_failed=() if verdict is Verdict.PASS else (foreign.test,),
        violations=None if ungraded else (),
        unused=None if ungraded else 0,
        served_models=foreign.served,
        quota=foreign.headers,
    )


def _leave(run: Run, trial: Trial, foreign: Foreign) -> None:
    """Write every file of the try, then commit it."""
    paths = run.paths.attempt(PlannedTrial(*trial.key), trial.attempt)
    turn = Turn(
        index=1,
        text=foreign.text,
        reasoning=foreign.text[:1000],
        finish_reason="tool_calls",
        tool_calls=(
            ToolCall(
                id="c1",
                name=foreign.name,
                raw_arguments=foreign.arguments,
                stage=Stage.EFFECTIVE,
                result=foreign.text[:5000],
            ),
        ),
        model_s=2.0,
        tool_s=0.1,
    )
    exchange = Exchange(
        turn=1,
        attempt=1,
        sent_at="2026-11-20T08:01:00.000000+00:00",
        status=200,
        last_byte_s=2.0,
        served_model=foreign.served[0],
        headers=foreign.headers,
    )
    check = Check(
        id=foreign.test,
        kind=CheckKind.FAIL_TO_PASS,
        passed=trial.verdict is Verdict.PASS,
        detail=foreign.output[:1000].encode("utf-8", "replace").decode(),
    )
    write_atomically(paths.turns, turn.model_dump_json().encode() + b"\n")
    write_atomically(paths.requests, exchange.model_dump_json().encode() + b"\n")
    write_atomically(paths.patch, foreign.diff.encode("utf-8", "surrogateescape"))
    write_atomically(paths.log, foreign.output.encode("utf-8", "surrogateescape"))
    write_record(paths.grade, Grade(verdict=trial.verdict, checks=(check,)))
    run.add(trial)


@pytest.fixture
def read_site() -> Callable[[Path], Built]:
    return Built
