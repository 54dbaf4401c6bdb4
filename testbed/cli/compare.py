"""`testbed compare`: candidates against a baseline, and a gate between them."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from testbed.cli.common import CORES, RUNS, JobsOption, JsonOption, RunsOption, SuiteOption

if TYPE_CHECKING:
    from collections.abc import Sequence

    from testbed.cli.compare_tables import Form
    from testbed.cli.sides import Entrant
    from testbed.comparing.comparison import Comparison, Contest
    from testbed.view import RunView

SIDE = "MODEL, MODEL@RUN, MODEL@RUN1,RUN2, or RUN when it has one model"
MOST_REPEATS = 10

MarginOption = Annotated[
    float | None,
    typer.Option(
        min=0, max=1, help='Loss in pass@1 that is still "not worse" [the policy\'s, else 0.1].'
    ),
]
UntilOption = Annotated[
    Literal["settled"] | None,
    typer.Option("--until", help="Make more repeats of both, by a sequential rule."),
]
BudgetOption = Annotated[
    float | None,
    typer.Option("--max-cost-usd", min=0, help="With --until: USD of the added repeats together."),
]


def command(
    baseline: Annotated[str, typer.Argument(metavar="BASELINE", help=f"What is in use: {SIDE}.")],
    candidates: Annotated[
        list[str], typer.Argument(metavar="CANDIDATE", help="What might take its place, likewise.")
    ],
    *,
    margin: MarginOption = None,
    across: Annotated[
        bool, typer.Option("--across", help="Compare although conditions differ that matter.")
    ] = False,
    gate: Annotated[
        bool, typer.Option("--gate", help="Exit 0 for a pass, 1 for a regression, 4 for neither.")
    ] = False,
    policy: Annotated[
        Path | None, typer.Option(metavar="FILE", help="With --gate: what it demands, as TOML.")
    ] = None,
    until: UntilOption = None,
    max_repeats: Annotated[
        int, typer.Option(min=2, help="With --until: trials per scenario and model, in all.")
    ] = MOST_REPEATS,
    max_cost_usd: BudgetOption = None,
    jobs: JobsOption = CORES,
    suite: SuiteOption = None,
    html: Annotated[
        Path | None, typer.Option(metavar="DIR", help="Write a page per comparison there, too.")
    ] = None,
    markdown: Annotated[bool, typer.Option(help="Print Markdown.")] = False,
    runs: RunsOption = RUNS,
    json: JsonOption = False,
) -> None:
    """Compare models on the scenarios that both did. Needs a sandbox with --until alone."""
    from testbed.cli.compare_tables import show_comparison, show_contest, write_pages
    from testbed.cli.sides import find_entrant
    from testbed.comparing.gate import decide, load_policy

    several = len(candidates) > 1
    _demand_sensible(
        several=several,
        both=markdown and json,
        gate=gate,
        policy=policy,
        until=until,
        margin=margin,
        added=max_repeats != MOST_REPEATS or max_cost_usd is not None or suite is not None,
    )
    rules = load_policy(policy)
    limit = rules.margin if margin is None else margin
    form: Form = "json" if json else "markdown" if markdown else "terminal"
    sides = [find_entrant(runs, name) for name in (baseline, *candidates)]
    if several:
        contest = _contest(sides, margin=limit, across=across)
        show_contest(contest, form=form, pages=write_pages(contest.comparisons, html))
        return
    comparison = _pair(sides, margin=limit, across=across)
    if until:
        budget = _Budget(repeats=max_repeats, cost_usd=max_cost_usd, jobs=jobs, suite=suite)
        comparison = _settled(sides, runs, budget, margin=limit, across=across)
    decision = decide(comparison, rules) if gate else None
    show_comparison(comparison, form=form, pages=write_pages([comparison], html), decision=decision)
    raise typer.Exit(decision.exit_code if decision else 0)


@dataclass(frozen=True, kw_only=True)
class _Budget:
    """What added repeats may take."""

    repeats: int
    cost_usd: float | None
    jobs: int
    suite: Path | None


def _demand_sensible(
    *,
    several: bool,
    both: bool,
    gate: bool,
    policy: Path | None,
    until: str | None,
    margin: float | None,
    added: bool,
) -> None:
    """Refuse options that would do nothing, or contradict each other."""
    from testbed.errors import UsageError

    refusals = (
        (several and gate, "--gate judges one candidate", "Name one"),
        (several and until, "--until settles one candidate", "Name one"),
        (policy and not gate, "--policy is for --gate", "Give --gate as well"),
        (policy and margin is not None, "the policy says the margin", "Leave out --margin"),
        (added and not until, "that option is for repeats that are added", "Give --until as well"),
        (both, "--json and --markdown are two answers", "Give one of them"),
    )
    for wrong, what, next_step in refusals:
        if wrong:
            raise UsageError(what, next_step=next_step)


def _settled(
    sides: Sequence[Entrant], runs: Path, budget: _Budget, *, margin: float, across: bool
) -> Comparison:
    """Make more repeats until the rule says that it is enough, and compare once more."""
    from dataclasses import replace

    from testbed.cli.settle import settle

    settled = settle(
        *sides,
        runs=runs,
        max_repeats=budget.repeats,
        max_cost_usd=budget.cost_usd,
        margin=margin,
        jobs=budget.jobs,
        suite=budget.suite,
    )
    found = _pair([settled.a, settled.b], margin=margin, across=across)
    return replace(found, notes=(f"{settled.note}.", *found.notes))


def _pair(sides: Sequence[Entrant], *, margin: float, across: bool) -> Comparison:
    """Compare two sides; refuse unlike conditions unless `across`."""
    from testbed.comparing.compare import compare
    from testbed.comparing.likeness import demand_alike

    a, b = _views(sides, across=across)
    found = compare(a, b, model_a=sides[0].model, model_b=sides[1].model, margin=margin)
    if not across:
        demand_alike(found.unlike)
    return found


def _contest(sides: Sequence[Entrant], *, margin: float, across: bool) -> Contest:
    """Compare every side with the first; one that shares its model's name is told by its runs."""
    from collections import Counter

    from testbed.comparing.compare import contest_between
    from testbed.comparing.likeness import demand_alike
    from testbed.comparing.pooled import renamed
    from testbed.errors import UsageError

    times = Counter(side.model for side in sides)
    found: dict[str, RunView] = {}
    for side, view in zip(sides, _views(sides, across=across), strict=True):
        name = f"{side.model}@{view.run_id}" if times[side.model] > 1 else side.model
        if name in found:
            raise UsageError(f"{name} is named twice", next_step="Name each side once")
        found[name] = view if name == side.model else renamed(view, name)
    contest = contest_between(found, next(iter(found)), margin=margin)
    for one in () if across else contest.comparisons:
        demand_alike(one.unlike, what=f"{one.a.model} and {one.b.model}")
    return contest


def _views(sides: Sequence[Entrant], *, across: bool) -> list[RunView]:
    """Read every run once, and see each side's runs as one."""
    from testbed.comparing.pooled import pool

    made = {run.paths.folder.resolve(): run for side in sides for run in side.runs}
    views = {folder: run.view() for folder, run in made.items()}
    return [
        pool([views[run.paths.folder.resolve()] for run in side.runs], side.model, across=across)
        for side in sides
    ]
