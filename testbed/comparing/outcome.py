"""What a comparison in GitHub Actions comes to: one verdict, one exit code. Pure."""

from __future__ import annotations

from enum import StrEnum
from typing import TYPE_CHECKING, Final

from testbed.comparing.gate import GateOutcome
from testbed.errors import EnvironmentFault, Inconclusive, UsageError, VerificationFailed
from testbed.record import SCHEMA_VERSION, Record

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from testbed.action_inputs import FailOn
    from testbed.comparing.comparison import Comparison
    from testbed.comparing.gate import Decision, Policy


MARKER: Final = "<!-- testbed: comparison -->"
"""Opens the comment, so that it is found again; whoever reads the page does not see it."""
MOST_CHARACTERS: Final = 65_536
"""The platform refuses a comment that is as long."""


class ActionVerdict(StrEnum):
    """The action's output `verdict`."""

    BETTER = "better"
    """The gate passes, and the suite's interval lies above 0."""
    NOT_WORSE = "not-worse"
    REGRESSION = "regression"
    INCONCLUSIVE = "inconclusive"
    INFRASTRUCTURE = "infrastructure"
    """Trials or shards are missing, or without a verdict, beyond what the policy allows."""
    OVER_BUDGET = "over-budget"
    """Nothing was run: the cost limit could not hold."""
    REFUSED = "refused"
    """Nothing was compared: the earlier results were made under other conditions."""


class Outcome(Record):
    """What the jobs after the report read (`outcome.json`). Differences are fractions of 1."""

    schema_version: int = SCHEMA_VERSION
    verdict: ActionVerdict
    exit_code: int
    run_id: str = ""
    candidate: str = ""
    baseline: str = ""
    delta: float | None = None
    """pass@1 of the candidate minus the baseline's, on this very suite: what the gate judges."""
    ci_low: float | None = None
    """Of the 95 % interval."""
    ci_high: float | None = None
    p_value: float | None = None
    tasks_delta: float | None = None
    """The same over tasks like these: scenarios taken as a sample."""
    tasks_ci_low: float | None = None
    tasks_ci_high: float | None = None
    tasks_p_value: float | None = None
    cost_usd: float | None = None
    """Of every try of this run and its preflights; `None` when a part is unknown."""
    planned: int = 0
    valid: int = 0
    """Trials with a verdict, of those planned for both models."""
    faults: tuple[str, ...] = ()
    """What infrastructure did, each a sentence; also where the policy allows it."""
    reasons: tuple[str, ...] = ()
    """What the gate looked at, each a sentence."""


def judge(
    comparison: Comparison,
    decision: Decision,
    policy: Policy,
    *,
    broken: bool,
) -> ActionVerdict:
    """Give the verdict; nothing that is missing hides behind another one.

    `broken` says that a shard is missing or was refused: no share of trials excuses that.
    """
    if broken or any(_beyond(comparison, policy)):
        return ActionVerdict.INFRASTRUCTURE
    if decision.outcome is GateOutcome.REGRESSION:
        return ActionVerdict.REGRESSION
    if decision.outcome is GateOutcome.INCONCLUSIVE:
        return ActionVerdict.INCONCLUSIVE
    interval = comparison.suite.interval if comparison.suite else None
    above = interval is not None and interval.low > 0
    return ActionVerdict.BETTER if above else ActionVerdict.NOT_WORSE


def exit_code(verdict: ActionVerdict, fail_on: FailOn) -> int:
    """Give the exit code: infrastructure is 3 whatever a run is to fail on."""
    failing = {
        "regression": {ActionVerdict.REGRESSION: VerificationFailed.exit_code},
        "inconclusive": {
            ActionVerdict.REGRESSION: VerificationFailed.exit_code,
            ActionVerdict.INCONCLUSIVE: Inconclusive.exit_code,
        },
        "never": {},
    }[fail_on]
    always = {
        ActionVerdict.INFRASTRUCTURE: EnvironmentFault.exit_code,
        ActionVerdict.OVER_BUDGET: UsageError.exit_code,
        ActionVerdict.REFUSED: UsageError.exit_code,
    }
    return (always | failing).get(verdict, 0)


def lost_trials(comparison: Comparison) -> Iterator[str]:
    """Say of each model how many planned trials have no verdict, where any has none."""
    for side in (comparison.a, comparison.b):
        counts = side.counts
        lost = counts.ungraded + counts.not_run
        if lost:
            yield (
                f"{lost} of {counts.planned} planned trials of {side.model} have no verdict: "
                f"{counts.ungraded} spoiled by infrastructure, {counts.not_run} never made."
            )


def _beyond(comparison: Comparison, policy: Policy) -> Sequence[bool]:
    counts = [side.counts for side in (comparison.a, comparison.b)]
    return [c.planned - c.valid > policy.max_ungraded * c.planned for c in counts]
