"""The tables with a row per model: what every scoreboard has, and what only some runs have."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from reports import columns, phrases, words
from reports.columns import Column
from testbed.marks import Factor
from testbed.quality_figures import FACTORS

if TYPE_CHECKING:
    from collections.abc import Sequence

    from testbed.figures import ModelFigures


@dataclass(frozen=True, kw_only=True)
class Section:
    """One table with a row per model."""

    id: str
    title: str
    caption: str
    columns: tuple[Column, ...]


RESULTS: Final = Section(
    id="results",
    title="Leaderboard",
    caption="Ordered by pass@1, then single-prompt success. The whisker is the 95 % interval; "
    "the pale end of a bar are trials without a verdict.",
    columns=columns.RESULTS,
)
COSTS: Final = Section(
    id="costs",
    title="Cost and time",
    caption="Costs are means, times are medians.",
    columns=columns.COSTS,
)
MONEY: Final = Section(
    id="money",
    title="Money in full",
    caption="Per scenario and per percentage point of pass@1; the trials that count, all tries.",
    columns=columns.MONEY,
)
BESIDE: Final = Section(
    id="money-beside",
    title="Money beside the trials",
    caption="What judges and the preflight cost, and what the provider itself says of all tries.",
    columns=columns.BESIDE,
)
WORK: Final = (
    Section(
        id="repeats",
        title="Bugs, repeats and tidiness",
        caption="Bug figures are of the first valid trial of each bug scenario.",
        columns=columns.REPEATS,
    ),
    Section(
        id="tool-calls",
        title="Tool calls",
        caption="Calls of the valid trials that got at least so far.",
        columns=columns.FUNNEL,
    ),
    Section(
        id="endings",
        title="Endings",
        caption="How the trials ended, and what infrastructure spoiled.",
        columns=columns.ENDINGS,
    ),
    Section(
        id="tokens",
        title="Tokens",
        caption="Sums over the valid trials.",
        columns=columns.TOKENS,
    ),
    Section(
        id="times",
        title="Speed and rate limits",
        caption="Median / 90th percentile per reply.",
        columns=columns.TIMES,
    ),
)
OWN_TESTS: Final = Section(
    id="own-tests",
    title="Own tests",
    caption="Tests that the patches of valid trials brought along; they decide nothing.",
    columns=columns.OWN_TESTS,
)
HARM: Final = Section(
    id="harm",
    title="Harm",
    caption="What valid trials left behind; one trial may leave several.",
    columns=columns.HARM,
)
PREFLIGHT: Final = Section(
    id="preflight",
    title="Preflight",
    caption="What was asked before the trials; in no figure of theirs.",
    columns=columns.PREFLIGHT,
)
KIND_TITLES: Final = {"bug": "Bug fixes", "feature": "Features", "refactor": "Refactorings"}
MEASURES: Final = {
    "most_complex_function": "most complex",
    "single_letter_names": "single-letter names",
}
"""Measures of quality whose heading is not their name."""
SHARES: Final = {"comment_share"}
"""Measures of quality that are fractions of 1."""


def all_sections(models: Sequence[ModelFigures]) -> list[Section]:
    """List every table that there is something to show in, in the page's order."""
    return [RESULTS, *_kinds(models), COSTS, MONEY, *_beside(models), *WORK, *_findings(models)]


def further_sections(models: Sequence[ModelFigures]) -> list[Section]:
    """List what a terminal shows after the results, the costs and the scenarios."""
    money = [MONEY] if any(m.measures.cost.all_tries.known_part for m in models) else []
    return [*_kinds(models), *money, *_beside(models), *_findings(models)]


def _beside(models: Sequence[ModelFigures]) -> list[Section]:
    costs = [m.measures.cost for m in models]
    asked = any(m.preflight.cost.known for m in models if m.preflight)
    return [BESIDE] if asked or any(c.judges.of or c.check.reported.known for c in costs) else []


def _kinds(models: Sequence[ModelFigures]) -> list[Section]:
    """Make a table for each kind of scenario, unless all are of one."""
    found = list(dict.fromkeys(kind for m in models for kind in m.kinds))
    return [_kind(kind, f"kind-{n}") for n, kind in enumerate(found, 1)] if len(found) > 1 else []


def _kind(kind: str, anchor: str) -> Section:
    return Section(
        id=anchor,
        title=KIND_TITLES.get(kind, words.clean(kind)),
        caption="Over the scenarios of this kind alone.",
        columns=(
            Column("scenarios", "kinds", lambda m: words.number(m.kinds[kind].scenarios)),
            Column(
                "single prompt", "single-prompt", lambda m: words.score(m.kinds[kind].single_prompt)
            ),
            Column("pass@1", "pass-1", lambda m: words.rate(m.kinds[kind].pass_1), whole=True),
            Column(
                "tool calls",
                "tool-calls",
                lambda m: words.percent(m.kinds[kind].tool_calls.micro),
            ),
            Column("cost per solved", "cost", lambda m: words.per_solved(m.kinds[kind].cost)),
        ),
    )


def _findings(models: Sequence[ModelFigures]) -> list[Section]:
    """Make the tables of what only some runs look for."""
    sections = [*_prompts(models), *_quality(models)]
    if any(m.own_tests.added.known for m in models):
        sections.append(OWN_TESTS)
    if any(
        m.measures.harms.harmless.known + m.measures.harms.passed_harmless.known for m in models
    ):
        sections.append(HARM)
    sections += _marks(models)
    if any(m.preflight for m in models):
        sections.append(PREFLIGHT)
    return sections


def _prompts(models: Sequence[ModelFigures]) -> list[Section]:
    found = next((m.prompts for m in models if m.prompts), None)
    if found is None:
        return []
    section = Section(
        id="prompts",
        title="Prompts to success",
        caption="Trials solved by so many prompts, as a mean over scenarios with its 95 % "
        "interval.",
        columns=(
            *(_solved_by(n) for n in found.solved_by),
            Column("solved at all", "prompts", lambda m: phrases.solved(m.prompts)),
            Column("median prompts", "prompts", lambda m: phrases.prompts(m.prompts)),
        ),
    )
    return [section]


def _solved_by(prompts: int) -> Column:
    return Column(
        f"by {words.plural(prompts, 'prompt')}",
        "prompts",
        lambda m: phrases.solved_by(m.prompts, prompts),
    )


def _quality(models: Sequence[ModelFigures]) -> list[Section]:
    """Make a table for each factor, of the measures that some model's patches have."""
    measured = {
        name for m in models for name, beside in m.quality.measures.items() if beside.own.known
    }
    return [
        Section(
            id=f"quality-{factor}",
            title=f"Code quality, {factor}",
            caption="Mean of the valid trials with a patch / of the reference solutions to the "
            "same tasks.",
            columns=tuple(_measure(factor, name) for name in names if name in measured),
        )
        for factor, names in FACTORS.items()
        if measured.intersection(names)
    ]


def _measure(factor: str, name: str) -> Column:
    return Column(
        MEASURES.get(name, name.replace("_", " ")),
        factor,
        lambda m: phrases.beside(m.quality.measures[name], share=name in SHARES),
    )


def _marks(models: Sequence[ModelFigures]) -> list[Section]:
    """Make a table for each rater; what was measured stands in none of them."""
    raters = sorted({by for m in models for by in m.raters})
    return [_rater(by, f"marks-{number}") for number, by in enumerate(raters, 1)]


def _rater(by: str, anchor: str) -> Section:
    return Section(
        id=anchor,
        title=f"Marks of {words.clean(by).replace(':', ' ', 1)}",
        caption="An opinion, from 1 (poor) to 5 (excellent): nothing measured is in it, and it is "
        "in no other figure.",
        columns=(
            *(_mark(by, factor) for factor in Factor),
            Column("patches marked", "marks", lambda m: phrases.marked(m.raters.get(by))),
        ),
    )


def _mark(by: str, factor: str) -> Column:
    return Column(factor, "marks", lambda m: phrases.mark(m.raters.get(by), factor), whole=True)
