"""The columns of every table: the same words in the terminal, in Markdown and in HTML."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from reports import phrases, words
from testbed.records import Stage

if TYPE_CHECKING:
    from collections.abc import Callable

    from testbed.figures import ModelFigures, PreflightFigures
    from testbed.sums import Total


@dataclass(frozen=True)
class Column:
    """One column: a row's model -> text."""

    heading: str
    definition: str
    """Anchor of its meaning: `def-<definition>` in `templates/definitions.html`."""
    cell: Callable[[ModelFigures], str]
    whole: bool = field(default=False, kw_only=True)
    """Its cells are short and stand on one line."""
    prose: bool = field(default=False, kw_only=True)
    """Its cells are words, not a figure."""


def _preflight_cost(model: ModelFigures) -> Total | None:
    return model.preflight.cost if model.preflight else None


def _trials_with_tests(model: ModelFigures) -> str:
    tests = model.own_tests
    return f"{tests.trials_with:,} of {tests.trials:,}" if tests.trials else words.UNKNOWN


def _preflight(
    figure: Callable[[PreflightFigures], float], text: Callable[[float | None], str]
) -> Callable[[ModelFigures], str]:
    return lambda m: text(figure(m.preflight) if m.preflight else None)


def _reached(stage: Stage) -> Callable[[ModelFigures], str]:
    return lambda m: words.number(m.measures.tool_calls.reached[stage])


RESULTS: Final = (
    Column("single prompt", "single-prompt", lambda m: words.score(m.single_prompt), whole=True),
    Column("pass@1", "pass-1", lambda m: words.rate(m.pass_1), whole=True),
    Column(
        "tool calls",
        "tool-calls",
        lambda m: words.percent(m.measures.tool_calls.micro),
        whole=True,
    ),
    Column("unused per trial", "unused", lambda m: words.number_mean(m.measures.unused.per_trial)),
    Column("adherence", "adherence", lambda m: words.score(m.adherence), whole=True),
    Column("ungraded", "ungraded", lambda m: words.ungraded(m.counts)),
)

COSTS: Final = (
    Column("cost per trial", "cost", lambda m: words.money_mean(m.measures.cost.per_trial)),
    Column("cost per solved", "cost", lambda m: words.per_solved(m.measures.cost)),
    Column("response", "response", lambda m: words.median(m.measures.times.response), whole=True),
    Column("TTFT", "ttft", lambda m: words.median(m.measures.times.ttft), whole=True),
    Column("wall per trial", "wall", lambda m: words.median(m.measures.times.wall), whole=True),
)

REPEATS: Final = (
    Column("bug detection", "bugs", lambda m: words.score(m.bug_detection)),
    Column("localisation", "bugs", lambda m: words.score(m.localisation)),
    Column("pass@k", "pass-k", lambda m: words.largest_k(m.pass_at)),
    Column("pass^k", "pass-k", lambda m: words.largest_k(m.pass_all)),
    Column("best of k", "best-of-k", lambda m: words.score(m.best_of_k)),
    Column("unused in total", "unused", lambda m: words.count_total(m.measures.unused.total)),
    Column("trials with unused", "unused", lambda m: words.score(m.measures.unused.trials_with)),
)

FUNNEL: Final = (
    *(Column(stage.replace("_", "-"), "tool-calls", _reached(stage)) for stage in Stage),
    Column("accuracy", "tool-calls", lambda m: words.percent(m.measures.tool_calls.micro)),
    Column(
        "mean per trial", "tool-calls", lambda m: words.percent_mean(m.measures.tool_calls.macro)
    ),
    Column(
        "schema accuracy",
        "schema-accuracy",
        lambda m: words.accuracy(m.measures.tool_calls.schema),
    ),
    Column(
        "went no further",
        "tool-calls",
        lambda m: words.tally(m.measures.tool_calls.causes),
        prose=True,
    ),
)

ENDINGS: Final = (
    Column("verdicts", "ungraded", lambda m: words.tally(m.measures.verdicts), prose=True),
    Column("endings", "endings", lambda m: words.tally(m.measures.endings), prose=True),
    Column(
        "tries spoiled by", "ungraded", lambda m: words.tally(m.measures.spoiled_by), prose=True
    ),
)

TOKENS: Final = (
    Column("fresh input", "tokens", lambda m: words.count_total(m.measures.tokens.fresh_input)),
    Column("cache read", "tokens", lambda m: words.count_total(m.measures.tokens.cache_read)),
    Column("cache write", "tokens", lambda m: words.count_total(m.measures.tokens.cache_write)),
    Column("output", "tokens", lambda m: words.count_total(m.measures.tokens.output)),
    Column("of it reasoning", "tokens", lambda m: words.count_total(m.measures.tokens.reasoning)),
)

MONEY: Final = (
    Column("per scenario", "cost", lambda m: words.money_mean(m.cost_per_scenario)),
    Column("per point", "cost", phrases.per_point),
    Column("valid trials", "cost", lambda m: words.money_total(m.measures.cost.counted)),
    Column("all tries", "cost", lambda m: words.money_total(m.measures.cost.all_tries)),
)

BESIDE: Final = (
    Column("judges", "cost", lambda m: words.money_total(m.measures.cost.judges)),
    Column("with judges", "cost", lambda m: words.money_total(m.measures.cost.with_judges)),
    Column("preflight", "cost", lambda m: words.money_total(_preflight_cost(m))),
    Column(
        "provider says",
        "price-check",
        lambda m: words.money_total(m.measures.cost.check.reported),
    ),
    Column("tries off", "price-check", lambda m: words.score(m.measures.cost.check.differing)),
)

TIMES: Final = (
    Column("replies", "response", lambda m: words.number(m.measures.times.response.known)),
    Column("response", "response", lambda m: words.median_p90(m.measures.times.response)),
    Column("TTFT", "ttft", lambda m: words.median_p90(m.measures.times.ttft)),
    Column("TTFO", "ttft", lambda m: words.median_p90(m.measures.times.ttfo)),
    Column("output speed", "speed", lambda m: words.speed(m.measures.times.output_speed)),
    Column("limits per 100", "limits", lambda m: words.number(m.measures.waits.per_100_requests)),
    Column("waited", "limits", lambda m: words.seconds_total(m.measures.waits.seconds)),
    Column("waited / wall", "limits", lambda m: words.percent(m.measures.waits.share_of_wall)),
)

OWN_TESTS: Final = (
    Column("trials with", "own-tests", _trials_with_tests),
    Column("tests added", "own-tests", lambda m: words.count_total(m.own_tests.added)),
    Column("passing", "own-tests", lambda m: words.count_total(m.own_tests.passing)),
    Column("proving", "own-tests", lambda m: words.count_total(m.own_tests.proving)),
    Column("proving / added", "own-tests", lambda m: words.percent(m.own_tests.proving_share.rate)),
)

HARM: Final = (
    Column("failed harmlessly", "harm", lambda m: words.score(m.measures.harms.harmless)),
    Column(
        "failed with",
        "harm",
        lambda m: phrases.harms(m.measures.harms.failed, m.measures.harms.harmless),
        prose=True,
    ),
    Column(
        "passed with",
        "harm",
        lambda m: phrases.harms(m.measures.harms.passed, m.measures.harms.passed_harmless),
        prose=True,
    ),
)

PREFLIGHT: Final = (
    Column("outcome", "preflight", phrases.preflight, prose=True),
    Column("answered as", "served", phrases.answered_as, prose=True),
    Column("requests", "preflight", _preflight(lambda p: p.requests, words.number)),
    Column("time", "preflight", _preflight(lambda p: p.seconds, words.seconds)),
)
