from __future__ import annotations

import os
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from testbed.findings import Harm, OwnTests, Quality
from testbed.marks import Factor, Mark
from testbed.preflight import Outcome, Preflight, Probe
from testbed.records import (
    Ending,
    Failure,
    Funnel,
    Latency,
    Origin,
    Patch,
    Trial,
    Usage,
    Verdict,
)
from testbed.view import ModelView, RunView, ScenarioView

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
RICH = {"docx-upload", "interview-slots", "split-pipeline"}
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
    scenarios = tuple(
        ScenarioView(id=f"{i}{kind}", title=names[0], kind=kind, difficulty=names[1])
        for i, kind in (("</style><svg onload=alert(4)>", "bug"), ("b", names[0]))
    )
    trials = [
        _trial(name, (s.id, s.title, s.kind, s.difficulty), "+", 1).model_copy(
            update={
                "served_models": names[:2],
                "patch": Patch(digest="d", files=(names[0],), added=1, deleted=0),
            }
        )
        for name in names
        for s in scenarios
    ]
    return RunView(
        run_id=names[0],
        created=names[1],
        models=tuple(
            ModelView(
                name=name, scripted=False, card=name, asked=name, preflights=(_hostile(*names),)
            )
            for name in names
        ),
        scenarios=scenarios,
        repeats=1,
        trials=trials,
        marks=[
            mark.model_copy(update={"by": f"{mark.by}{name}", "note": names[1]})
            for trial in trials[:1]
            for name in names
            for mark in _marks(trial)
        ],
        conditions={"engine": names[0], names[1]: names[2]},
    )


def _hostile(*names: str) -> Preflight:
    honest = _preflight("m", cost=None)
    return honest.model_copy(
        update={
            "served_models": names,
            "probes": tuple(Probe(id=n, outcome=Outcome.FAILED, detail=n) for n in names),
        }
    )


@pytest.fixture
def rich_view(view: RunView) -> RunView:
    """Show a run with follow-ups, preflights, findings about patches, and marks."""
    scenarios = tuple(s for s in view.scenarios if s.id in RICH)
    trials = [_found(t) for t in view.trials if t.scenario in RICH and t.model != "noop"]
    return replace(
        view,
        models=(
            replace(
                view.models[0],
                asked="moonbeam-2-0905",
                preflights=(
                    _preflight("moonbeam-2", cost=None),
                    _preflight("moonbeam-2", red="tools_whole", cost=0.0123),
                ),
            ),
            replace(
                view.models[1],
                asked="halyard-4-fast",
                preflights=(_preflight("halyard-4-fast", cost=0.02),),
            ),
            view.models[3],
        ),
        scenarios=scenarios,
        trials=trials,
        spoiled=[],
        follow_ups=2,
        references={"docx-upload": _quality(3), "interview-slots": _quality(5)},
        marks=[mark for t in trials if t.model != "oracle" for mark in _marks(t)],
        conditions={**view.conditions, "follow-ups": "2"},
    )


def _preflight(model: str, *, cost: float | None, red: str = "") -> Preflight:
    names = ("answers", "streams", "usage", "tools_whole")
    return Preflight(
        model=model,
        card="d1",
        base_url="https://models.example/v1",
        served_models=(model,),
        started_at="2026-11-22T13:54:00+00:00",
        seconds=7.5,
        requests=6,
        usage=None,
        cost_usd=cost,
        probes=tuple(
            Probe(
                id=name,
                outcome=Outcome.FAILED if name == red else Outcome.OK,
                detail="two calls came as one" if name == red else "as the card says",
            )
            for name in names
        ),
    )


def _found(trial: Trial) -> Trial:
    """Add what is found about a patch; the refactoring's quality is never measured."""
    size = trial.turns
    valid = trial.verdict is not Verdict.UNGRADED
    passed = trial.verdict is Verdict.PASS
    answers = (Verdict.FAIL,) * (size % 2) if passed else (Verdict.FAIL,) * 3
    return trial.model_copy(
        update={
            "patch": Patch(digest=f"sha-{size}", files=("lib/a.ts",), added=size, deleted=3),
            "quality": _quality(size) if trial.kind != "refactor" and valid else None,
            "own_tests": OwnTests(added=2, passing=2, proving=size % 2) if size % 3 else None,
            "harm": _harm(size, passed=passed) if valid else None,
            "prompts": (*answers, *([Verdict.PASS] if passed else [])) if valid else (),
            "tool_replies": 0 if trial.scripted else size,
            "schema_valid_replies": 0 if trial.scripted else size - 1,
            "served_models": _served(trial.model, size),
            "reported_cost_usd": 0.0025 * size if trial.model == "moonbeam-2" else None,
        },
    )


def _served(model: str, size: int) -> tuple[str, ...]:
    names = {
        "moonbeam-2": ("moonbeam-2-0905-b",),
        "halyard-4-fast": (("halyard-4-fast",), ("halyard-4-fast-0915",))[size % 2],
    }
    return names.get(model, ())


def _harm(size: int, *, passed: bool) -> tuple[Harm, ...]:
    if passed:
        return (Harm.FORBIDDEN_FILES,) if size % 5 == 0 else ()
    return (Harm.BROKEN_TYPES, Harm.BROKEN_TESTS) if size % 2 else ()


def _quality(size: int) -> Quality:
    return Quality(
        longest_function=4 * size,
        most_complex_function=size,
        complexity_added=size - 4,
        functions_per_file=size / 4,
        largest_component=None,
        comment_share=size / 100,
        identifier_length=8.25,
        single_letter_names=0,
        deepest_nesting=size % 4,
        duplicated_lines=-size,
        type_escapes=0,
        unused_exports=size - 3,
        lint_findings=size % 2,
        exported_units=1,
    )


def _marks(trial: Trial) -> list[Mark]:
    """Two samples of a judge, and a person for one model alone."""
    raters = [("judge:someone/grader-1", 1), ("judge:someone/grader-1", 2)]
    raters += [("human:Ada", 1)] if trial.model == "moonbeam-2" else []
    return [
        Mark(
            model=trial.model,
            scenario=trial.scenario,
            repeat=trial.repeat,
            attempt=trial.attempt,
            patch=trial.patch.digest if trial.patch else "",
            by=by,
            sample=sample,
            scores={f: 2 + (len(f) * trial.turns + sample) % 3 for f in Factor},
            rubric="r1",
            blinded=not by.startswith("human:"),
            card=None if by.startswith("human:") else "d2",
            cost_usd=0.0 if by.startswith("human:") else 0.004,
            at="2026-11-22T15:00:00+00:00",
        )
        for by, sample in raters
    ]


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
        quota={} if scripted else {"x-ratelimit-limit-requests": "500 | a day"},
        usage=_usage(model, size),
        cost_usd=_cost(model, size),
        funnel=Funnel(
            stages=stages,
            causes=causes,
            causes_by_tool={"read_file": causes} if causes else {},
        ),
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
