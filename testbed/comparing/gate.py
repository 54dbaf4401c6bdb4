"""The gate: whether a candidate may take the baseline's place, by a policy written beforehand."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Annotated, Literal

from pydantic import Field

from testbed.comparing.paired import fisher_p, holm
from testbed.errors import Inconclusive, UsageError, VerificationFailed
from testbed.settings import Settings, load_settings
from testbed.stats import Tally

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from testbed.comparing.comparison import Comparison, FigurePair, ScenarioPair

LEVEL = 0.05
Share = Annotated[float, Field(ge=0, le=1)]
Limit = Annotated[float, Field(gt=0, allow_inf_nan=False)]


class Policy(Settings):
    """What the gate demands, as its TOML file says it."""

    margin: Share = 0.10
    """How far below the baseline's pass rate still is "not worse", as a fraction of 1."""
    min_scenarios: Annotated[int, Field(ge=1)] = 6
    """Scenarios that both have a valid trial of."""
    min_repeats: Annotated[int, Field(ge=2)] = 3
    """Planned trials of each model at each of these; one trial says nothing about chance."""
    max_ungraded: Share = 0.05
    """Of either model's planned trials: the share that may lack a verdict, wherever they are."""
    regression: Literal["worse", "not-shown"] = "worse"
    """`worse`: the suite's interval lies below 0. `not-shown`: it is not shown to lie above minus
    the margin."""
    max_cost_ratio: Limit | None = None
    """Cost per trial, candidate / baseline: the geometric mean over scenarios."""
    max_cost_per_solved_usd: Limit | None = None
    """Cost of the candidate's valid trials / those that passed."""
    protected: tuple[str, ...] = ()
    """Scenarios none of which may get worse: Fisher's exact test, Holm over these."""


class GateOutcome(StrEnum):
    """What the gate says."""

    PASS = "pass"  # noqa: S105  (an outcome's name, no secret)
    REGRESSION = "regression"
    INCONCLUSIVE = "inconclusive"


@dataclass(frozen=True, kw_only=True)
class Reason:
    """One demand of the policy, and whether it is met."""

    outcome: GateOutcome
    text: str
    """A sentence."""


@dataclass(frozen=True, kw_only=True)
class Decision:
    """What the gate says, and why: every demand that was looked at."""

    outcome: GateOutcome
    reasons: tuple[Reason, ...]

    @property
    def exit_code(self) -> int:
        """Give 0 for a pass, 1 for a regression, 4 for neither."""
        codes = {
            GateOutcome.REGRESSION: VerificationFailed.exit_code,
            GateOutcome.INCONCLUSIVE: Inconclusive.exit_code,
        }
        return codes.get(self.outcome, 0)


def load_policy(path: Path | None) -> Policy:
    """Read a policy; the defaults without one. Raises `UsageError` naming file and key."""
    return Policy() if path is None else load_settings(Policy, path, UsageError)


def decide(comparison: Comparison, policy: Policy) -> Decision:
    """Hold a comparison against a policy; a regression outweighs what is inconclusive.

    Rates are judged on this very suite: the question is whether these tasks got worse. Raises
    `UsageError` when the policy protects a scenario that neither side knows.
    """
    missing = tuple(_missing(comparison, policy))
    reasons = (
        *(missing or [_rates(comparison, policy)]),
        *_protected(comparison, policy),
        *_costs(comparison, policy),
    )
    found = {reason.outcome for reason in reasons}
    order = (GateOutcome.REGRESSION, GateOutcome.INCONCLUSIVE)
    outcome = next((one for one in order if one in found), GateOutcome.PASS)
    return Decision(outcome=outcome, reasons=reasons)


def _missing(comparison: Comparison, policy: Policy) -> Iterator[Reason]:
    """Say what is too little to judge the rates by."""
    if comparison.paired < policy.min_scenarios:
        yield _open(
            f"Scenarios compared: {comparison.paired}, and the policy wants {policy.min_scenarios}."
        )
    fewest = min((pair.planned for pair in _pairs(comparison)), default=0)
    if fewest < policy.min_repeats:
        yield _open(
            f"Planned trials of a model at a scenario: {fewest}, and the policy wants "
            f"{policy.min_repeats}."
        )
    for side in (comparison.a, comparison.b):
        lost = side.counts.planned - side.counts.valid
        if lost > policy.max_ungraded * side.counts.planned:
            yield _open(
                f"{lost} of {side.counts.planned} planned trials of {side.model} have no verdict, "
                f"and the policy allows {policy.max_ungraded:.3g} of them."
            )


def _rates(comparison: Comparison, policy: Policy) -> Reason:
    suite = comparison.suite
    if suite is None or suite.interval is None:
        return _open("The pass rates on this suite have no interval.")
    low, high = suite.interval.low, suite.interval.high
    span = f"95 % interval on this suite {_points(low)} to {_points(high)} points"
    margin = f"{100 * policy.margin:.3g} points"
    if low > -policy.margin and (high >= 0 or policy.regression == "not-shown"):
        return _met(f"Not worse by more than {margin}: {span}.")
    if policy.regression == "not-shown":
        return _broken(f"Not shown to be not worse by more than {margin}: {span}.")
    if high < 0:
        return _broken(f"Worse: {span}.")
    return _open(f"Neither worse nor shown to be not worse by more than {margin}: {span}.")


def _protected(comparison: Comparison, policy: Policy) -> Iterator[Reason]:
    known = {pair.scenario: pair for pair in comparison.scenarios}
    strange = [name for name in policy.protected if name not in known]
    if strange:
        raise UsageError(
            f"the policy protects {', '.join(strange)}, which neither side has",
            next_step="Mend `protected` in the policy",
        )
    named = [known[name] for name in dict.fromkeys(policy.protected)]
    told = [(pair.scenario, pair.a, pair.b) for pair in named if pair.a and pair.b]
    ps = holm([fisher_p(a, b) for _, a, b in told])
    for (name, a, b), p in zip(told, ps, strict=True):
        yield _scenario(name, a, b, p, of=len(told))
    for pair in named:
        if pair.gain is None:
            yield _open(f"{pair.scenario} has no valid trial of both models.")


def _scenario(name: str, a: Tally, b: Tally, p: float, *, of: int) -> Reason:
    seen = f"{a.passes}/{a.trials} before, {b.passes}/{b.trials} now"
    if b.rate < a.rate and p < LEVEL:
        return _broken(f"{name} got worse: {seen}, p {p:.2g}.")
    most = fisher_p(Tally(passes=a.trials, trials=a.trials), Tally(passes=0, trials=b.trials))
    if b.rate < a.rate and most * of >= LEVEL:
        return _open(
            f"{name} passes less often ({seen}), and so few trials can never show whether it is "
            "chance."
        )
    return _met(f"{name} is not shown to be worse: {seen}.")


def _costs(comparison: Comparison, policy: Policy) -> Iterator[Reason]:
    per_trial, per_solved = (
        comparison.figure(name) for name in ("cost_per_trial", "cost_per_solved")
    )
    if policy.max_cost_ratio is not None:
        yield _ceiling(
            "Cost per trial, candidate / baseline,",
            _whole(per_trial),
            policy.max_cost_ratio,
        )
    if policy.max_cost_per_solved_usd is not None:
        yield _ceiling(
            "Cost per solved task in US dollars",
            per_solved.b if per_solved else None,
            policy.max_cost_per_solved_usd,
        )


def _whole(cost: FigurePair | None) -> float | None:
    """Give the ratio where it rests on every scenario; what costs nothing is 0 of anything."""
    if cost is None or cost.ratio is None:
        return None
    if cost.b == 0:
        return 0.0
    return cost.ratio.value if cost.ratio.known == cost.ratio.of else None


def _ceiling(what: str, value: float | None, most: float) -> Reason:
    """Hold what was spent against a ceiling; a budget asks what was paid, not what is likely."""
    if value is None:
        return _open(f"{what} is unknown, and the policy allows {most:.3g}.")
    told = f"{what} is {value:.3g}, and the policy allows {most:.3g}."
    return _met(told) if value <= most else _broken(told)


def _pairs(comparison: Comparison) -> list[ScenarioPair]:
    return [pair for pair in comparison.scenarios if pair.gain is not None]


def _points(share: float) -> str:
    return f"{100 * share:+.1f}".replace("-", "\N{MINUS SIGN}")


def _met(text: str) -> Reason:
    return Reason(outcome=GateOutcome.PASS, text=text)


def _broken(text: str) -> Reason:
    return Reason(outcome=GateOutcome.REGRESSION, text=text)


def _open(text: str) -> Reason:
    return Reason(outcome=GateOutcome.INCONCLUSIVE, text=text)
