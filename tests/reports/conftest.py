from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from testbed.metrics import ModelView, RunView, ScenarioView
from testbed.records import (
    Ending,
    Failure,
    Funnel,
    Latency,
    Origin,
    Trial,
    Usage,
    Verdict,
)

if TYPE_CHECKING:
    from collections.abc import Callable

GOLDEN = Path(__file__).parent.parent / "golden"
SCENARIOS = (
    ("cursor-paging", "Paging skips a candidate", "bug", "medium"),
    ("docx-upload", "Uploads of .docx are refused", "bug", "easy"),
    ("email-case", "Duplicate e-mail addresses differ in case", "bug", "easy"),
    ("interview-slots", "Offer free interview slots", "feature", "hard"),
    ("search-filter", "Filter candidates by skill", "feature", "medium"),
    ("split-pipeline", "Split the pipeline component", "refactor", "hard"),
    ("stage-race", "Two moves at once lose one", "bug", "hard"),
    ("tag-export", "Export tags as CSV", "feature", "easy"),
    ("timezone-shift", "Interviews move by an hour", "bug", "medium"),
)
PASSES = {
    "moonbeam-2": ("++-", "+++", "+++", "--+", "+++", "-+-", "---", "+++", "+-+"),
    "halyard-4-fast": ("+++", "+++", "+-+", "-?-", "++?", "--.", "-+-", "+++", "???"),
    "noop": ("---",) * 9,
    "oracle": ("+++",) * 9,
}
VERDICTS = {"+": Verdict.PASS, "-": Verdict.FAIL, "?": Verdict.UNGRADED}


@pytest.fixture
def golden() -> Callable[[str, str], None]:
    """Compare a text with a file of tests/golden; TESTBED_UPDATE_GOLDEN=1 writes it anew."""

    def check(name: str, text: str) -> None:
        path = GOLDEN / name
        if os.environ.get("TESTBED_UPDATE_GOLDEN") == "1":
            path.parent.mkdir(exist_ok=True)
            path.write_text(text, encoding="utf-8")
        assert text == path.read_text(encoding="utf-8")

    return check


@pytest.fixture
def view() -> RunView:
    """Two models with flaws and gaps, and two scripted players, on nine scenarios."""
    trials = [
        _trial(model, scenario, mark, repeat)
        for model, marks in PASSES.items()
        for scenario, row in zip(SCENARIOS, marks, strict=True)
        for repeat, mark in enumerate(row, 1)
        if mark != "."
    ]
    spoiled = [
        _trial("halyard-4-fast", SCENARIOS[0], "?", 2),
        _trial("oracle", SCENARIOS[3], "?", 1),
    ]
    return RunView(
        run_id="2026-11-22-1355-a7f3",
        created="2026-11-22T13:55:02.112233+00:00",
        models=tuple(
            ModelView(name=name, scripted=name in {"noop", "oracle"}, card=card)
            for name, card in (
                ("moonbeam-2", "moonbeam-2-0905, prices of 2026-09-05"),
                ("halyard-4-fast", "halyard-4-fast, no price card"),
                ("noop", ""),
                ("oracle", ""),
            )
        ),
        scenarios=tuple(
            ScenarioView(id=i, title=t, kind=k, difficulty=d) for i, t, k, d in SCENARIOS
        ),
        repeats=3,
        trials=trials,
        spoiled=spoiled,
        conditions={
            "engine": "docker 20.10.24",
            "fixture": "nextjs-ats sha256:5f0c9a41",
            "image": "testbed-task sha256:9be1d2c4",
            "prompt": "sha256:0c4413aa",
            "testbed": "0.1.0",
        },
        files={
            t.key: tuple(
                f"trials/{t.model}/{t.scenario}/{t.repeat}/{name}"
                for name in ("trial.json", "patch.diff", "turns.jsonl")
            )
            for t in trials
        },
    )


@pytest.fixture
def hostile_view() -> RunView:
    """Names and conditions that try to become markup, code, addresses or escape sequences."""
    names = (
        "<script>alert(1)</script>",
        "\"'><img src=x onerror=alert(2)>",
        "javascript:alert(3)",
        "//evil.example/[link](https://evil.example)|`x`\x1b[31m\u202e{{ 7 * 7 }}",
    )
    scenario = ("</style><svg onload=alert(4)>", names[0], "bug", names[1])
    trials = [_trial(name, scenario, "+", 1) for name in names]
    return RunView(
        run_id=names[0],
        created=names[1],
        models=tuple(ModelView(name=name, scripted=False, card=name) for name in names),
        scenarios=(ScenarioView(id=scenario[0], title=names[0], kind="bug", difficulty=names[1]),),
        repeats=1,
        trials=trials,
        conditions={"engine": names[0], names[1]: names[2]},
        files={t.key: (f"{t.model}/trial.json", "//evil.example/x?y#z") for t in trials},
    )


def _trial(model: str, scenario: tuple[str, str, str, str], mark: str, repeat: int) -> Trial:
    """Make up a trial whose numbers depend on its names only."""
    size = len(scenario[0]) + 3 * repeat
    scripted, verdict = model in {"noop", "oracle"}, VERDICTS[mark]
    pace = 0.02 if scripted else 0.4 * len(model)
    stages = {"effective": 0 if model == "noop" else size, "executable": size // 8}
    causes = {"repeated": size // 8} if size // 8 else {}
    if model.startswith("moonbeam"):
        stages |= {"parsed": size // 6, "known": 2}
        causes |= {"unknown_tool": size // 6, "missing_required": 2}
    graded = verdict is not Verdict.UNGRADED
    return Trial(
        model=model,
        scripted=scripted,
        scenario=scenario[0],
        kind=scenario[2],
        repeat=repeat,
        attempt=1,
        ending=_ending(mark, size, graded=graded),
        verdict=verdict,
        failure=None if graded else Failure(origin=Origin.MODEL_API, detail="503 for 300 s"),
        started_at="2026-11-22T13:55:10+00:00",
        phases={"total": 14 * pace + size, "waiting": 0.0 if scripted else size % 5},
        turns=size,
        requests=size + 1,
        rate_limited=0 if scripted else size % 3,
        usage=_usage(model, size),
        cost_usd=_cost(model, size),
        funnel=Funnel(stages=stages, causes=causes),
        latencies=tuple(_latency(pace + 0.11 * turn, scripted=scripted) for turn in range(size)),
        patch=None,
        violations=((("forbidden_paths",) if size % 11 == 0 else ()) if graded else None),
        unused=(0 if scripted else size % 3) if graded else None,
        localised=mark == "+" or size % 2 == 0 if scenario[2] == "bug" and graded else None,
    )


def _ending(mark: str, size: int, *, graded: bool) -> Ending:
    if not graded:
        return Ending.INFRA_ERROR
    if mark == "+":
        return Ending.FINISHED
    return Ending.TURN_LIMIT if size % 2 else Ending.STOPPED_TALKING


def _usage(model: str, size: int) -> Usage | None:
    if model.startswith("halyard") and size % 7 == 0:
        return None
    return Usage(
        fresh_input=900 * size,
        cache_read=2400 * size,
        cache_write=None if model.startswith("halyard") else 0,
        output=310 * size,
        reasoning=None if model == "moonbeam-2" else 40 * size,
    )


def _cost(model: str, size: int) -> float | None:
    if model.startswith("moonbeam"):
        return None if size == 20 else 0.0021 * size
    return 0.0 if model in {"noop", "oracle"} else None


def _latency(response: float, *, scripted: bool) -> Latency:
    return Latency(
        response_s=response,
        ttft_s=response / 5,
        ttfo_s=response / 3,
        output_tokens_per_s=None if scripted else 300 / response,
    )
