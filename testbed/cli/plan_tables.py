"""How `testbed plan` tells what a run would make, cost and show."""

from __future__ import annotations

import math
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

import typer

from testbed.cli.common import answer
from testbed.cli.conduct import told

if TYPE_CHECKING:
    from collections.abc import Callable

    from testbed.bounds import Room
    from testbed.estimate import Detectable, ModelEstimate, PlanEstimate, Range
    from testbed.plan import RunConfig


def print_plan(config: RunConfig, estimate: PlanEstimate, room: Room | None, *, jobs: int) -> None:
    """Print one row a model, and what it comes to."""
    from rich.box import SIMPLE_HEAD
    from rich.table import Table

    from reports.words import money, number

    table = Table(box=SIMPLE_HEAD, show_edge=False, padding=(0, 1, 0, 0))
    table.add_column("model", overflow="fold")
    for heading in ("to make", "done", "tokens", "cost", "a trial"):
        table.add_column(heading, justify="right")
    table.add_column("rests on")
    for row in estimate.models:
        table.add_row(
            row.model,
            str(row.to_make),
            str(row.done),
            _span(row.tokens, lambda tokens: number(tokens, digits=0)),
            _span(row.cost_usd, money),
            _span(_at_most(row), money),
            _basis(row),
        )
    console = answer()
    console.print(table)
    lines = [_sentence(config, estimate, jobs=jobs), *([_limit(room, estimate)] if room else [])]
    for line in lines:
        console.print(line, markup=False, soft_wrap=True)


def print_json(config: RunConfig, estimate: PlanEstimate, room: Room | None, *, jobs: int) -> None:
    """Print the same facts as JSON; what is unknown or unbounded is null."""
    import json

    facts: dict[str, Any] = {
        "scenarios": [scenario.id for scenario in config.scenarios],
        "repeats": config.repeats,
        "jobs": jobs,
        "limits": config.limits.model_dump(),
        **asdict(estimate),
        "limit": None,
    }
    if room is not None:
        most = None if math.isinf(room.next_trial) else room.next_trial
        facts["limit"] = {**asdict(room), "next_trial": most, "fits": room.fits}
    typer.echo(json.dumps(facts, indent=1))


def _at_most(row: ModelEstimate) -> Range:
    from testbed.estimate import Range

    return Range(low=None, high=row.trial.cost_usd)


def _basis(row: ModelEstimate) -> str:
    """Say what a row's ranges rest on, and what speaks against it."""
    from reports.words import plural

    if not row.to_make:
        return ""
    bounded = row.tokens.high is not None
    otherwise = "the budget, an upper bound" if bounded else "nothing"
    if not row.rests_on:
        return otherwise
    parts = [plural(row.rests_on, "earlier trial")]
    if row.outdated:
        count = "all" if row.outdated == row.rests_on else row.outdated
        parts.append(f"{count} on another version of the task")
    if row.repriced:
        count = "all" if row.repriced == row.rests_on else row.repriced
        parts.append(f"{count} at other prices")
    if row.from_budget:
        parts.append(f"{row.from_budget} to make on {otherwise}")
    return "; ".join(parts)


def _sentence(config: RunConfig, estimate: PlanEstimate, *, jobs: int) -> str:
    from reports.words import money, plural, seconds

    to_make = sum(row.to_make for row in estimate.models)
    done = sum(row.done for row in estimate.models)
    time = _span(estimate.seconds, seconds)
    return (
        f"{plural(to_make, 'trial')} to make, {done} done: cost {_span(estimate.cost_usd, money)}, "
        f"wall time {time} with {jobs} at a time; {_shown(config, estimate.detectable)}."
    )


def _shown(config: RunConfig, detectable: tuple[Detectable, ...]) -> str:
    """Say which differences would likely show: one figure when they are all alike."""
    from reports.words import plural

    alike = len({(one.effect, one.rests_on) for one in detectable}) == 1
    effects = [_effect(one, named=not alike) for one in (detectable[:1] if alike else detectable)]
    what = (
        f"{plural(len(config.scenarios), 'scenario')} with {plural(config.repeats, 'trial')} each"
    )
    return f"{what} would likely show {', '.join(effects)}"


def _effect(one: Detectable, *, named: bool) -> str:
    against = f" of {one.b} against {one.a}" if named else ""
    if one.effect is None:
        return f"no difference{against} on other tasks: that takes two scenarios"
    if one.effect >= 1:
        return f"no difference{against} at all: that takes more scenarios"
    v = one.variances
    known = f"from {one.rests_on} earlier trials" if one.rests_on else "assumed, without a pilot"
    return (
        f"differences{against} from about {100 * one.effect:.0f} points on (80 % power; variances "
        f"{known}: {v.within_a:.3f} and {v.within_b:.3f} within scenarios, {v.between:.3f} between)"
    )


def _limit(room: Room, estimate: PlanEstimate) -> str:
    from reports.words import money

    if not room.fits:
        return f"A trial cannot be started: {told(room)}."
    most = estimate.cost_usd.high
    if most is not None and room.spent + most <= room.limit and not _seen(estimate):
        return f"The limit of {money(room.limit)} is enough."
    return (
        f"The limit of {money(room.limit)} holds, and may end the run early: a trial is started "
        f"only when what it may cost at most is left; {money(room.spent)} is spent."
    )


def _seen(estimate: PlanEstimate) -> bool:
    """Say whether the upper end rests on trials that were seen: the next may be dearer."""
    return any(row.rests_on and row.cost_usd.high is not None for row in estimate.models)


def _span(span: Range | None, word: Callable[[float | None], str]) -> str:
    if span is None or (span.low is None and span.high is None):
        return word(None)
    if span.low is None:
        return f"≤ {word(span.high)}"
    if span.high is None:
        return f"≥ {word(span.low)}"
    low, high = word(span.low), word(span.high)
    return low if low == high else f"{low} to {high}"
