"""`testbed compare --until settled`: more repeats of both models, until the result is settled.

When to stop is said by `testbed.comparing.looks` and declared before the first look.
"""

from __future__ import annotations

import shutil
from dataclasses import replace
from typing import TYPE_CHECKING, Final, NamedTuple

from testbed.cli.common import talk
from testbed.errors import EnvironmentFault, Interrupted, RunError, TestbedError, UsageError

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from testbed.cli.again import Terms
    from testbed.cli.sides import Entrant
    from testbed.comparing.looks import Look
    from testbed.stats import Tally
    from testbed.store import Run

MEANINGS: Final = {
    "better": "better",
    "worse": "worse",
    "not_worse": "not worse by more than the margin",
    "inconclusive": "inconclusive",
}


class Pair(NamedTuple):
    """One scenario that both models have a valid trial of."""

    scenario: str
    a: Tally
    b: Tally


class Settled(NamedTuple):
    """Both sides with the runs that were added, and the looks that were taken."""

    a: Entrant
    b: Entrant
    looks: tuple[Look, ...]
    """At least one; the last of them says why it ended."""

    @property
    def note(self) -> str:
        """Say in one sentence how the comparison came to its number of repeats."""
        last = self.looks[-1]
        return (
            f"Repeats were added by a sequential rule: {len(self.looks)} of at most {last.of} "
            f"looks, earlier ones at 99.9 %; {_ending(last)}"
        )


def settle(
    a: Entrant,
    b: Entrant,
    *,
    runs: Path,
    max_repeats: int,
    max_cost_usd: float | None,
    margin: float,
    jobs: int,
    suite: Path | None = None,
) -> Settled:
    """Add repeats of both models, one run each, until the rule says that it is enough.

    The scenarios are those that both sides have a valid trial of. `max_repeats` counts the valid
    trials per scenario and model, those that are there included; `max_cost_usd` is for the added
    runs together, and required when a model has prices. Every look is told on stderr. `suite` is
    where the scenarios are [where they were].

    Raises `UsageError` or `RunError` before a trial is made when it cannot work, `Interrupted`
    upon Ctrl-C, and `EnvironmentFault` when a model is given up; finished trials are kept.
    """
    from testbed.cli.again import terms_of

    pairs = _pairs(a, b)
    declared = _declare(pairs, max_repeats)
    terms = terms_of(a, b, [pair.scenario for pair in pairs], suite=suite)
    terms.demand_bounded(max_cost_usd)
    left, capped = max_cost_usd, False
    looks: list[Look] = []
    while True:
        affordable = not capped and terms.fits(left)
        look = _look(pairs, len(looks) + 1, of=declared, margin=margin, affordable=affordable)
        looks.append(look)
        if look.stop is not None:
            return Settled(a, b, tuple(looks))
        run = terms.begin(runs, left)
        capped = _make(run, terms, jobs=jobs)
        left = _left(left, run)
        a, b = (replace(side, runs=(*side.runs, run)) for side in (a, b))
        pairs = _pairs(a, b)


def _pairs(a: Entrant, b: Entrant) -> list[Pair]:
    """Compare what is there, and keep the scenarios that both have a valid trial of."""
    from testbed.comparing.compare import compare
    from testbed.comparing.pooled import pool

    views = [pool([run.view() for run in side.runs], side.model) for side in (a, b)]
    found = compare(*views, model_a=a.model, model_b=b.model).scenarios
    return [Pair(one.scenario, one.a, one.b) for one in found if one.a and one.b]


def _declare(pairs: Sequence[Pair], max_repeats: int) -> int:
    """Fix the number of looks: one at what is there, and one after each added repeat."""
    from testbed.comparing.looks import MOST_LOOKS

    if len(pairs) < 2:  # noqa: PLR2004  (one scenario has no error over scenarios)
        raise RunError(
            f"both sides have valid trials of {len(pairs)} scenarios, and no repeats settle "
            "anything below two",
            next_step="Run both models on more scenarios",
        )
    there = min(tally.trials for pair in pairs for tally in (pair.a, pair.b))
    most = there + MOST_LOOKS - 1
    if not there < max_repeats <= most:
        raise UsageError(
            f"--max-repeats {max_repeats} cannot hold: {there} are there already, and no more "
            f"than {MOST_LOOKS} looks keep the error near 5 %",
            next_step=f"Give {there + 1} to {most}, or first make a run of more repeats",
        )
    return max_repeats - there + 1


def _look(pairs: Sequence[Pair], number: int, *, of: int, margin: float, affordable: bool) -> Look:
    """Look, and tell what is seen."""
    from testbed.comparing.looks import take_look

    sides = [pair.a for pair in pairs], [pair.b for pair in pairs]
    look = take_look(*sides, number=number, of=of, margin=margin, affordable=affordable)
    if look is None:
        raise RunError("a scenario that both sides had is gone", next_step="Compare once more")
    talk().print(told(look), markup=False)
    return look


def told(look: Look) -> str:
    """Tell a look in one line."""
    low, high = (f"{100 * end:+.0f}" for end in (look.interval.low, look.interval.high))
    seen = (
        f"look {look.number} of at most {look.of}: {100 * look.value:+.0f} points, "
        f"{100 * look.confidence:g} % interval {low} to {high}, {look.trials} trials"
    )
    return f"{seen}: {'one more repeat' if look.stop is None else _ending(look)}"


def _ending(look: Look) -> str:
    """Say what the last look found, and why it was the last."""
    from testbed.comparing.looks import Stop

    meaning = MEANINGS[look.conclusion]
    if look.stop is Stop.SETTLED:
        return f"settled, {meaning}"
    if look.stop is Stop.LAST_LOOK:
        return f"the last look, {meaning} by the 95 % interval"
    if look.stop is Stop.BUDGET:
        return f"no money for another repeat, {meaning} by the 95 % interval"
    reach = "" if look.floor is None else f" by {100 * look.floor:.0f} points to either side"
    return (
        f"the scenarios disagree so much that endless repeats of them would leave it open{reach}: "
        "only more scenarios can settle it"
    )


def _make(run: Run, terms: Terms, *, jobs: int) -> bool:
    """Make the trials of an added run; say whether the money ended it."""
    from testbed.cli.conduct import make_trials

    later = (
        f"Finish it with `testbed run --resume {run.config.run_id}`, then compare with that run "
        "beside the others: MODEL@RUN1,RUN2"
    )
    try:
        batch = make_trials(run, terms.suite, jobs=jobs)
    except KeyboardInterrupt:
        raise Interrupted("interrupted, finished trials are kept", next_step=later) from None
    except TestbedError:
        if not run.tries() and not run.preflights().asked:
            # A run that spent nothing would be the latest one, and in everybody's way.
            shutil.rmtree(run.paths.folder)
        raise
    for model, why in batch.given_up.items():
        raise EnvironmentFault(f"{model} was given up: {why}", next_step=later)
    return batch.capped is not None


def _left(budget_usd: float | None, run: Run) -> float | None:
    """Subtract what an added run has cost."""
    from runner.spending import spent_by_run

    return None if budget_usd is None else budget_usd - spent_by_run(run)
