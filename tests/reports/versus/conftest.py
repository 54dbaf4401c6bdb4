from __future__ import annotations

from dataclasses import replace

import pytest

from testbed.comparing.comparison import (
    Comparison,
    Contest,
    Difference,
    Direction,
    FigurePair,
    KindPair,
    Outcome,
    Ratio,
    ScenarioPair,
    Settling,
    Severity,
    Side,
    Unlike,
)
from testbed.findings import Harm, OwnTests, Quality
from testbed.metrics import run_figures
from testbed.records import Ending, Funnel, Latency, Patch, Trial, Usage, Verdict
from testbed.stats import Interval, Tally
from testbed.view import ModelView, RunView, ScenarioView

SCENARIOS = (
    ("stale-stage", "A changed stage does not show on other pages", "bug"),
    ("docx-upload", "Word résumés are rejected", "bug"),
    ("pagination", "Applicants go missing between pages", "bug"),
    ("endless-search", "The search page hammers the server", "bug"),
    ("loading-glitch", "Search and upload flicker, hang and send twice", "bug"),
    ("chat-agent", "An assistant that uses each recruiter's own tools", "feature"),
    ("applicant-filters", "Filters, sorting and paging without JavaScript", "feature"),
    ("dark-mode", "A dark theme without a flash", "feature"),
    ("signup-validation", "A form whose fields depend on the role", "feature"),
    ("shared-action-helper", "One helper instead of nine repeated bodies", "refactor"),
)
PASSES_A = (5, 4, 3, 5, 2, 1, 0, 0, 3, 1)
PASSES_B = (5, 5, 5, 4, 5, 4, 2, 0, 2, 5)
COSTS_A = (0.40, 0.35, 0.60, 0.80, 1.20, 1.50, 2.00, 1.80, 0.90, 0.70)
COSTS_B = (0.50, 0.45, 0.60, 0.90, 1.00, 1.40, 2.20, 2.10, 1.10, 0.75)
REPEATS = 5
HOSTILE = (
    "<script>alert(1)</script>",
    "\"'><img src=x onerror=alert(2)>|`x`\x1b[31m\u202e{{ 7 * 7 }}",
    "javascript:alert(3)",
    "</style>&lt;[link](https://evil.example)",
)


@pytest.fixture
def worked() -> Comparison:
    """Give the worked example of METRICS, with figures of trials that have these passes."""
    a = side("moonbeam-2", PASSES_A, COSTS_A, run="20261101-090000-1a2b")
    b = side("moonbeam-3", PASSES_B, COSTS_B, run="20261120-090000-3c4d")
    return Comparison(
        a=a,
        b=b,
        scenarios=tuple(
            ScenarioPair(
                scenario=id_,
                title=title,
                kind=kind,
                a=Tally(passes=before, trials=REPEATS),
                b=Tally(passes=after, trials=REPEATS),
                planned=REPEATS,
                fisher_p=0.0794 if after - before == 4 else 1.0,
            )
            for (id_, title, kind), before, after in zip(SCENARIOS, PASSES_A, PASSES_B, strict=True)
        ),
        paired=10,
        rate_a=0.48,
        rate_b=0.74,
        tasks=difference(0.26, 0.0071956, 0.5128044, se=0.1117537, p=0.0450010),
        suite=difference(0.26, 0.1214096, 0.3985904, se=0.0707107, p=0.0002360),
        sign_flip_p=0.0703125,
        mcnemar_p=None,
        bounds=None,
        holm_p=None,
        margin=0.10,
        outcome=Outcome.BETTER,
        up=tuple(s[0] for s, x, y in zip(SCENARIOS, PASSES_A, PASSES_B, strict=True) if y > x),
        down=("endless-search", "signup-validation"),
        kinds=(
            kind_pair("bug", 5, 0.76, 0.96, difference(0.20, -0.1337, 0.5337, se=0.1202, p=0.171)),
            kind_pair("feature", 4, 0.2, 0.4, difference(0.20, -0.3502, 0.7502, se=0.17, p=0.33)),
            kind_pair("refactor", 1, 0.2, 1.0, difference(0.80, None, None)),
        ),
        figures=figure_pairs(),
        detectable=0.3515281,
        settling=None,
        unlike=(),
    )


@pytest.fixture
def doubtful(worked: Comparison) -> Comparison:
    """Give an inconclusive comparison with every reason for doubt that there is."""
    a, b = worked.a, worked.b
    tasks = difference(0.20, -0.0412, 0.4412, se=0.1046, p=0.0924)
    return replace(
        worked,
        figures=tuple(
            replace(f, difference=tasks) if f.id == "pass_1" else f for f in worked.figures
        ),
        a=replace(a, counts=replace(a.counts, planned=55, not_run=3, ungraded=2)),
        b=replace(b, counts=replace(b.counts, planned=51, ungraded=1)),
        scenarios=(
            *worked.scenarios[:9],
            replace(worked.scenarios[9], b=None, fisher_p=None),
        ),
        paired=9,
        rate_a=0.5111,
        rate_b=0.7111,
        tasks=tasks,
        bounds=difference(0.1556, -0.1103, 0.4214, se=0.1153, p=0.2142),
        sign_flip_p=0.1328125,
        outcome=Outcome.INCONCLUSIVE,
        margin=0.02,
        settling=Settling(repeats=None, scenarios=14),
        up=worked.up[:-1],
        unlike=(
            Unlike(
                condition="fixture",
                a="nextjs-ats sha256:5f0c9a41",
                b="nextjs-ats sha256:77d1e2b0",
                severity=Severity.REFUSED,
            ),
            Unlike(condition="engine", a="docker 20.10.24", b="", severity=Severity.LISTED),
        ),
        notes=("9 of 10 scenarios are paired: the others lack a valid trial of one model.",),
    )


@pytest.fixture
def equal(worked: Comparison) -> Comparison:
    """Give two scripted players that pass everything: METRICS' example of s_d = 0."""
    everything = (REPEATS,) * 10
    a = side("noop", everything, (0.0,) * 10, run="r", scripted=True)
    b = side("oracle", everything, (0.0,) * 10, run="r", scripted=True)
    whole = Tally(passes=REPEATS, trials=REPEATS)
    return replace(
        worked,
        a=a,
        b=b,
        scenarios=tuple(replace(s, a=whole, b=whole, fisher_p=1.0) for s in worked.scenarios),
        rate_a=1.0,
        rate_b=1.0,
        tasks=difference(0.0, -0.1250454, 0.1250454, se=0.0552771, degenerate=True),
        suite=difference(0.0, None, None),
        sign_flip_p=1.0,
        outcome=Outcome.INCONCLUSIVE,
        settling=Settling(repeats=None, scenarios=13),
        up=(),
        down=(),
        kinds=(),
        figures=(pair("pass_1", Direction.HIGHER, 1.0, 1.0, difference(0.0, -0.125, 0.125)),),
    )


@pytest.fixture
def alone(worked: Comparison) -> Comparison:
    """Give a comparison over a single scenario: it has no interval."""
    first = worked.scenarios[4]
    return replace(
        worked,
        scenarios=(first,),
        paired=1,
        rate_a=0.4,
        rate_b=1.0,
        tasks=difference(0.6, None, None),
        suite=difference(0.6, 0.12, 1.0, se=0.24, p=0.014),
        sign_flip_p=1.0,
        outcome=Outcome.INCONCLUSIVE,
        up=(first.scenario,),
        down=(),
        kinds=(),
        detectable=None,
        figures=(
            ratio_pair(
                "cost_per_trial", 0.24, 0.2, Ratio(value=0.8333, interval=None, known=1, of=1)
            ),
        ),
    )


@pytest.fixture
def nothing(worked: Comparison) -> Comparison:
    """Give two sides without a scenario in common."""
    half = [
        replace(s, a=None if n % 2 else s.a, b=s.b if n % 2 else None, fisher_p=None)
        for n, s in enumerate(worked.scenarios)
    ]
    return replace(
        worked,
        scenarios=tuple(half),
        paired=0,
        rate_a=None,
        rate_b=None,
        tasks=None,
        suite=None,
        sign_flip_p=None,
        outcome=Outcome.INCONCLUSIVE,
        up=(),
        down=(),
        kinds=(),
        figures=(),
        detectable=None,
    )


@pytest.fixture
def contest(worked: Comparison) -> Contest:
    """Give three candidates against one baseline: better, not worse, worse."""
    return Contest(
        baseline="moonbeam-2",
        comparisons=(
            replace(worked, holm_p=0.048, tasks=difference(0.26, 0.09, 0.43, se=0.07, p=0.016)),
            replace(
                rival(worked, "halyard-5", (5, 4, 3, 5, 2, 1, 0, 0, 3, 2)),
                holm_p=0.31,
                outcome=Outcome.NOT_WORSE,
                tasks=difference(0.02, -0.03, 0.07, se=0.02, p=0.31),
            ),
            replace(
                rival(worked, "quill-mini", (2, 1, 1, 2, 1, 0, 0, 0, 1, 1)),
                holm_p=0.01,
                outcome=Outcome.WORSE,
                tasks=difference(-0.3, -0.45, -0.15, se=0.07, p=0.003),
            ),
        ),
        ranks={"moonbeam-3": 1, "moonbeam-2": 2, "halyard-5": 2, "quill-mini": 4},
    )


@pytest.fixture
def hostile(doubtful: Comparison) -> Comparison:
    """Give names that try to become markup, code, addresses or escape sequences, everywhere."""
    script, image, address, style = HOSTILE
    return replace(
        doubtful,
        a=replace(doubtful.a, model=script, runs=(address, style)),
        b=replace(doubtful.b, model=image, runs=(image,)),
        scenarios=tuple(
            replace(s, scenario=HOSTILE[n % 4] + str(n), title=image, kind=style)
            for n, s in enumerate(doubtful.scenarios)
        ),
        up=(script + "0",),
        down=(image + "1",),
        kinds=tuple(
            replace(k, kind=name) for k, name in zip(doubtful.kinds, HOSTILE, strict=False)
        ),
        figures=(*doubtful.figures, pair(image, Direction.HIGHER, 1.0, 2.0, None)),
        unlike=tuple(replace(u, condition=address, a=script, b=image) for u in doubtful.unlike),
        notes=HOSTILE,
    )


def rival(worked: Comparison, model: str, passes: tuple[int, ...]) -> Comparison:
    """Put another candidate in the place of the worked example's."""
    moves = {
        s[0]: after - before for s, before, after in zip(SCENARIOS, PASSES_A, passes, strict=True)
    }
    return replace(
        worked,
        b=side(model, passes, COSTS_B, run="20261121-090000-5e6f"),
        rate_b=sum(passes) / 50,
        scenarios=tuple(
            replace(one, b=Tally(passes=count, trials=REPEATS), fisher_p=1.0)
            for one, count in zip(worked.scenarios, passes, strict=True)
        ),
        up=tuple(name for name, move in moves.items() if move > 0),
        down=tuple(name for name, move in moves.items() if move < 0),
        kinds=(),
        figures=(),
    )


def side(
    model: str,
    passes: tuple[int, ...],
    costs: tuple[float, ...],
    *,
    run: str,
    scripted: bool = False,
) -> Side:
    """Make a side whose figures are those of trials with these passes and costs."""
    trials = [
        trial(
            model, scenario, repeat, passed=repeat <= passed, cost=cost / REPEATS, scripted=scripted
        )
        for scenario, passed, cost in zip(SCENARIOS, passes, costs, strict=True)
        for repeat in range(1, REPEATS + 1)
    ]
    view = RunView(
        run_id=run,
        created="2026-11-20T09:00:00+00:00",
        models=(ModelView(name=model, scripted=scripted, card=f"{model}, prices of 2026-11-01"),),
        scenarios=tuple(
            ScenarioView(id=i, title=t, kind=k, difficulty="medium") for i, t, k in SCENARIOS
        ),
        repeats=REPEATS,
        trials=trials,
        references={s[0]: quality(3) for s in SCENARIOS},
    )
    (figures,) = run_figures(view).models
    return Side(model=model, scripted=scripted, runs=(run,), counts=figures.counts, figures=figures)


def trial(
    model: str,
    scenario: tuple[str, str, str],
    repeat: int,
    *,
    passed: bool,
    cost: float,
    scripted: bool,
) -> Trial:
    """Make up a trial whose numbers depend on its names only."""
    size = len(scenario[0]) + 2 * repeat
    later = model.endswith("3")
    pace = 3.1 if later else 4.4
    stages = {"effective": size, "executable": 2}
    stages |= {"schema_valid": 1, "parsed": 1} if not later else {}
    return Trial(
        model=model,
        scripted=scripted,
        scenario=scenario[0],
        kind=scenario[2],
        repeat=repeat,
        attempt=1,
        ending=Ending.FINISHED if passed else Ending.TURN_LIMIT,
        verdict=Verdict.PASS if passed else Verdict.FAIL,
        started_at="2026-11-20T09:00:10+00:00",
        phases={"total": 20 * pace + size, "waiting": 1.5},
        turns=size,
        requests=size + 1,
        rate_limited=size % 2,
        usage=Usage(fresh_input=900 * size, cache_read=2400 * size, output=310 * size),
        cost_usd=cost,
        funnel=Funnel(
            stages=stages,
            causes={"repeated": 2, **({} if later else {"unknown_tool": 1, "path_missing": 1})},
        ),
        latencies=tuple(
            Latency(
                response_s=pace + 0.1 * turn,
                ttft_s=pace / 5,
                ttfo_s=pace / 3,
                output_tokens_per_s=300 / pace,
            )
            for turn in range(size)
        ),
        patch=Patch(digest=f"sha-{size}", files=("lib/a.ts",), added=size, deleted=3),
        violations=("forbidden_paths",) if size % 7 == 0 else (),
        unused=0 if later else size % 3,
        localised=passed if scenario[2] == "bug" else None,
        tool_replies=size,
        schema_valid_replies=size - (not later),
        quality=quality(size % 9 + (0 if later else 2)),
        own_tests=OwnTests(added=2, passing=2, proving=1 + later),
        harm=() if passed else (Harm.BROKEN_TESTS,),
    )


def quality(size: int) -> Quality:
    """Make up the measures of a patch."""
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


def difference(
    value: float,
    low: float | None,
    high: float | None,
    *,
    se: float | None = None,
    p: float | None = None,
    degenerate: bool = False,
) -> Difference:
    """Make a difference from its ends."""
    interval = None if low is None or high is None else Interval(low=low, high=high)
    return Difference(value=value, se=se, interval=interval, p=p, degenerate=degenerate)


def kind_pair(kind: str, scenarios: int, a: float, b: float, found: Difference) -> KindPair:
    """Make the row of a kind."""
    return KindPair(kind=kind, scenarios=scenarios, a=a, b=b, difference=found)


def pair(
    id_: str, direction: Direction, a: float, b: float, found: Difference | None
) -> FigurePair:
    """Make a figure that is compared by its difference."""
    return FigurePair(id=id_, direction=direction, a=a, b=b, difference=found, ratio=None)


def ratio_pair(
    id_: str,
    a: float | None,
    b: float | None,
    ratio: Ratio,
    *,
    direction: Direction = Direction.LOWER,
) -> FigurePair:
    """Make a figure that is compared as a ratio."""
    return FigurePair(id=id_, direction=direction, a=a, b=b, difference=None, ratio=ratio)


def ratio(value: float, low: float, high: float, *, known: int = 10) -> Ratio:
    """Make a ratio with its interval."""
    return Ratio(value=value, interval=Interval(low=low, high=high), known=known, of=10)


def figure_pairs() -> tuple[FigurePair, ...]:
    """Make the pairs of the worked example."""
    higher, lower = Direction.HIGHER, Direction.LOWER
    return (
        pair("single_prompt", higher, 0.8, 0.9, difference(0.1, -0.1262, 0.3262, p=0.343)),
        pair("pass_1", higher, 0.48, 0.74, difference(0.26, 0.0071956, 0.5128044, p=0.045001)),
        pair("adherence", higher, 0.8, 0.8, difference(0.0, None, None, degenerate=True)),
        pair("tool_call_accuracy", higher, 0.92, 1.0, difference(0.081, 0.072, 0.09, p=1e-6)),
        pair("unused_per_trial", lower, 0.94, 0.0, difference(-0.94, -1.1, -0.78, p=1e-5)),
        ratio_pair("response", 5.5, 4.2, ratio(0.76, 0.74, 0.78)),
        ratio_pair("ttft", 0.88, 0.62, ratio(0.704, 0.704, 0.704)),
        ratio_pair("output_speed", 68.2, 96.8, ratio(1.42, 1.42, 1.42), direction=higher),
        ratio_pair("wall", 108.0, 82.0, ratio(0.76, 0.75, 0.78, known=7)),
        ratio_pair("cost_per_trial", 0.205, 0.22, ratio(1.0898119, 0.9881270, 1.2019609)),
        ratio_pair("cost_per_solved", 0.4270833, 0.2972973, ratio(0.6961107, 0.4034880, 1.2009532)),
        pair(
            "quality_longest_function", Direction.NEITHER, 22.0, 14.0, difference(-8.0, -9.5, -6.5)
        ),
    )
