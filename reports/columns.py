"""The columns of every table: the same words in the terminal, in Markdown and in HTML."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from reports import words
from testbed.records import Stage

if TYPE_CHECKING:
    from collections.abc import Callable

    from testbed.figures import ModelFigures


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

QUALITY: Final = (
    Column("bug detection", "bugs", lambda m: words.score(m.bug_detection)),
    Column("localisation", "bugs", lambda m: words.score(m.localisation)),
    Column("pass@k", "pass-k", lambda m: words.largest_k(m.pass_at)),
    Column("pass^k", "pass-k", lambda m: words.largest_k(m.pass_all)),
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
    Column("cost, valid trials", "cost", lambda m: words.money_total(m.measures.cost.counted)),
    Column("cost, all tries", "cost", lambda m: words.money_total(m.measures.cost.all_tries)),
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
