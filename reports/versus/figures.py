"""Every figure of both models, in the order in which METRICS lists them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from reports import phrases, words
from reports.sections import MEASURES, SHARES
from reports.versus import amounts
from testbed.quality_figures import FACTORS

if TYPE_CHECKING:
    from collections.abc import Callable

    from testbed.figures import ModelFigures

    Text = Callable[[ModelFigures], str]


@dataclass(frozen=True, kw_only=True)
class Line:
    """One figure: its name, and how it is printed for one model."""

    id: str
    """That of the `FigurePair` which tells the two models apart, where there is one."""
    name: str
    definition: str
    """Anchor of its meaning: `def-<definition>` in `templates/definitions.html`."""
    text: Text | None
    """As the leaderboard prints it; `None`: the pair's own number is all there is."""
    number: Callable[[float | None], str] = words.number
    """Prints the pair's own number."""
    change: Callable[[float], str] = amounts.plain_number
    """Prints a difference; a ratio prints itself."""
    beside: str = ""
    """What stands behind the slash in its text."""


def _line(id_: str, name: str, definition: str, text: Text, *, beside: str = "") -> Line:
    return Line(id=id_, name=name, definition=definition, text=text, beside=beside)


def _share(id_: str, name: str, definition: str, text: Text) -> Line:
    """Make the line of a share: its differences are percentage points."""
    return Line(id=id_, name=name, definition=definition, text=text, change=amounts.as_points)


def _bare(id_: str, name: str, definition: str, number: Callable[[float | None], str]) -> Line:
    return Line(id=id_, name=name, definition=definition, text=None, number=number)


def success_lines(k: int) -> tuple[Line, ...]:
    """List the figures of success; `k` is the largest that both models have pass@k of."""
    return (
        _share(
            "single_prompt",
            "single-prompt success",
            "single-prompt",
            lambda m: words.score(m.single_prompt),
        ),
        _share("pass_1", "pass@1", "pass-1", lambda m: words.rate(m.pass_1)),
        *(_several(k) if k > 1 else ()),
        _share("best_of_k", "best of k", "best-of-k", lambda m: words.score(m.best_of_k)),
        _share("bug_detection", "bug detection", "bugs", lambda m: words.score(m.bug_detection)),
        _share("localisation", "localisation", "bugs", lambda m: words.score(m.localisation)),
        _share("adherence", "prompt adherence", "adherence", lambda m: words.score(m.adherence)),
        _line("prompts", "prompts to success", "prompts", lambda m: phrases.prompts(m.prompts)),
        _line("", "ungraded trials", "ungraded", lambda m: words.ungraded(m.counts)),
    )


def _several(k: int) -> tuple[Line, ...]:
    return (
        _share("pass_at_k", f"pass@{k}", "pass-k", lambda m: words.percent(m.pass_at.get(k))),
        _share("pass_all_k", f"pass^{k}", "pass-k", lambda m: words.percent(m.pass_all.get(k))),
    )


CALLS: Final = (
    _share(
        "tool_call_accuracy",
        "tool-call accuracy",
        "tool-calls",
        lambda m: words.percent(m.measures.tool_calls.micro),
    ),
    _share(
        "tool_call_accuracy_per_trial",
        "the same, mean per trial",
        "tool-calls",
        lambda m: words.percent_mean(m.measures.tool_calls.macro),
    ),
    _share(
        "schema_accuracy",
        "schema accuracy",
        "schema-accuracy",
        lambda m: words.accuracy(m.measures.tool_calls.schema),
    ),
    _line(
        "unused_per_trial",
        "unused names per trial",
        "unused",
        lambda m: words.number_mean(m.measures.unused.per_trial),
    ),
    _share(
        "trials_with_unused",
        "trials with unused names",
        "unused",
        lambda m: words.score(m.measures.unused.trials_with),
    ),
    _bare("turns", "turns per trial", "", words.number),
    _bare("tool_calls_per_trial", "tool calls per trial", "tool-calls", words.number),
)
TIMES: Final = (
    _line(
        "response",
        "response time",
        "response",
        lambda m: words.median_p90(m.measures.times.response),
        beside="p90",
    ),
    _line("ttft", "TTFT", "ttft", lambda m: words.median_p90(m.measures.times.ttft), beside="p90"),
    _line("ttfo", "TTFO", "ttft", lambda m: words.median_p90(m.measures.times.ttfo), beside="p90"),
    _line(
        "output_speed",
        "output speed",
        "speed",
        lambda m: words.speed(m.measures.times.output_speed),
    ),
    _line("wall", "wall time per trial", "wall", lambda m: words.median(m.measures.times.wall)),
    _line(
        "rate_limits",
        "rate limits per 100 requests",
        "limits",
        lambda m: words.number(m.measures.waits.per_100_requests),
    ),
    _bare("waited_per_try", "seconds waited per try", "limits", words.number),
    _share(
        "waited_share",
        "waited / wall time",
        "limits",
        lambda m: words.percent(m.measures.waits.share_of_wall),
    ),
)
TOKENS: Final = (
    _bare("tokens_input", "input tokens per trial", "tokens", words.count),
    _bare("tokens_output", "output tokens per trial", "tokens", words.count),
    _line(
        "",
        "fresh input, all trials",
        "tokens",
        lambda m: words.count_total(m.measures.tokens.fresh_input),
    ),
    _line(
        "",
        "cache read, all trials",
        "tokens",
        lambda m: words.count_total(m.measures.tokens.cache_read),
    ),
    _line(
        "",
        "cache write, all trials",
        "tokens",
        lambda m: words.count_total(m.measures.tokens.cache_write),
    ),
    _line(
        "", "output, all trials", "tokens", lambda m: words.count_total(m.measures.tokens.output)
    ),
    _line(
        "", "of it reasoning", "tokens", lambda m: words.count_total(m.measures.tokens.reasoning)
    ),
)
MONEY: Final = (
    _line(
        "cost_per_trial",
        "cost per trial",
        "cost",
        lambda m: words.money_mean(m.measures.cost.per_trial),
    ),
    _line(
        "cost_per_solved",
        "cost per solved task",
        "cost",
        lambda m: words.per_solved(m.measures.cost),
    ),
    _line("", "cost per scenario", "cost", lambda m: words.money_mean(m.cost_per_scenario)),
    _line("", "cost per point of pass@1", "cost", phrases.per_point),
    _line("", "cost of valid trials", "cost", lambda m: words.money_total(m.measures.cost.counted)),
    _line("", "cost of all tries", "cost", lambda m: words.money_total(m.measures.cost.all_tries)),
)
GROUPS: Final = {
    "tool calls and tidiness": CALLS,
    "time": TIMES,
    "tokens": TOKENS,
    "money": MONEY,
}
"""All but the figures of success."""
LINES: Final = tuple(line for lines in GROUPS.values() for line in lines)


def _measure(factor: str, name: str) -> Line:
    share = name in SHARES
    return Line(
        id=f"quality_{name}",
        name=MEASURES.get(name, name.replace("_", " ")),
        definition=factor,
        text=lambda m: phrases.beside(m.quality.measures[name], share=share),
        change=amounts.as_points if share else amounts.plain_number,
        beside="reference",
    )


QUALITY: Final = (
    *(_measure(factor, name) for factor, names in FACTORS.items() for name in names),
    _line("", "own tests added", "own-tests", lambda m: words.count_total(m.own_tests.added)),
    _line(
        "",
        "of them proving",
        "own-tests",
        lambda m: words.percent(m.own_tests.proving_share.rate),
    ),
    _share(
        "failed_harmlessly",
        "failed harmlessly",
        "harm",
        lambda m: words.score(m.measures.harms.harmless),
    ),
)
"""The measured factors; below them the tests that patches brought along, and harm."""


def named() -> frozenset[str]:
    """List the ids of the pairs that have a line."""
    return frozenset(line.id for line in (*success_lines(2), *LINES, *QUALITY))
