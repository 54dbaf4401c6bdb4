"""What a plan may cost before it is begun: from earlier trials, else from its limits. Pure."""

from __future__ import annotations

from collections import Counter, defaultdict
from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING

from testbed.bounds import TrialBound, trial_bound
from testbed.pricing import Rates, price_at
from testbed.records import Verdict
from testbed.stats import (
    ASSUMED,
    Tally,
    Variances,
    estimate_variances,
    minimal_detectable_effect,
)

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from testbed.catalog import ModelCard
    from testbed.plan import PlannedTrial, RunConfig
    from testbed.pricing import Price
    from testbed.records import Trial

Cell = tuple[str, str]
"""Model and scenario."""


@dataclass(frozen=True, kw_only=True)
class Range:
    """From the least to the most; `None` where nothing is known on that side."""

    low: float | None
    high: float | None


@dataclass(frozen=True, kw_only=True)
class Evidence:
    """Earlier valid trials of the planned models on the planned scenarios."""

    trials: Mapping[Cell, Sequence[Trial]]
    outdated: Counter[Cell] = field(default_factory=Counter)
    """How many of them met another version of the scenario."""
    repriced: Counter[Cell] = field(default_factory=Counter)
    """How many of them were booked at other prices than today's."""


@dataclass(frozen=True, kw_only=True)
class EarlierRun:
    """A run made before."""

    config: RunConfig
    digests: Mapping[str, str]
    """Scenario -> digest, as the run was locked."""
    trials: Sequence[Trial]


@dataclass(frozen=True, kw_only=True)
class ModelEstimate:
    """What a model's trials may take; sums over the trials to make."""

    model: str
    to_make: int
    done: int
    rests_on: int
    """Earlier trials behind the range."""
    outdated: int
    repriced: int
    from_budget: int
    """Trials to make that no earlier one speaks for: they stand in the upper end alone."""
    trial: TrialBound
    tokens: Range
    cost_usd: Range
    """Both ends `None` for a card without a price today."""


@dataclass(frozen=True, kw_only=True)
class Detectable:
    """The smallest difference between two models that a plan would likely show."""

    a: str
    b: str | None
    """`None` for any other model, run alike."""
    effect: float | None
    """Of 1, in pass@1; `None` for one scenario."""
    variances: Variances
    rests_on: int
    """Earlier trials behind the variances; 0 when they are assumed."""


@dataclass(frozen=True, kw_only=True)
class PlanEstimate:
    """Everything that can be said before spending."""

    models: tuple[ModelEstimate, ...]
    cost_usd: Range
    """Of all models, players apart."""
    seconds: Range | None
    """Wall time of the trials; `None` when a part has never been run."""
    detectable: tuple[Detectable, ...]


def estimate_plan(
    config: RunConfig,
    missing: Sequence[PlannedTrial],
    evidence: Evidence,
    *,
    jobs: int,
    now: datetime,
) -> PlanEstimate:
    """Estimate the missing trials of a plan, `jobs` at a time, at the prices of `now`."""
    left = Counter((planned.model, planned.scenario) for planned in missing)
    cards = config.models
    rivals: list[str | None] = [card.id for card in cards[1:]] or [None]
    models = tuple(_model(config, card, left, evidence, now) for card in cards)
    paid = [(1, m.cost_usd) for m, card in zip(models, cards, strict=True) if not card.scripted]
    return PlanEstimate(
        models=models,
        cost_usd=_sum(paid) if paid else Range(low=None, high=None),
        seconds=_seconds(left, evidence, jobs),
        detectable=tuple(_detectable(config, cards[0].id, rival, evidence) for rival in rivals),
    )


def gather(
    config: RunConfig, runs: Iterable[EarlierRun], *, digests: Mapping[str, str], now: datetime
) -> Evidence:
    """Keep the valid trials of the same model and scenario, made in the same mode of prompting."""
    cards = {card.id: card for card in config.models}
    cells = {(model, scenario.id) for model in cards for scenario in config.scenarios}
    found: dict[Cell, list[Trial]] = defaultdict(list)
    evidence = Evidence(trials=found)
    for run in runs:
        if run.config.follow_ups != config.follow_ups:
            continue
        for trial in run.trials:
            cell = (trial.model, trial.scenario)
            if cell not in cells or trial.verdict is Verdict.UNGRADED:
                continue
            found[cell].append(trial)
            same = run.digests.get(trial.scenario) == digests.get(trial.scenario, "unknown")
            evidence.outdated[cell] += not same
            sent = datetime.fromisoformat(trial.started_at)
            then = price_at(run.config.card(trial.model).prices, sent)
            alike = _rates(then) == _rates(price_at(cards[trial.model].prices, now))
            evidence.repriced[cell] += not alike
    return evidence


def _model(
    config: RunConfig, card: ModelCard, left: Counter[Cell], evidence: Evidence, now: datetime
) -> ModelEstimate:
    cells = [(card.id, scenario.id) for scenario in config.scenarios if left[card.id, scenario.id]]
    to_make = sum(left[cell] for cell in cells)
    bound = trial_bound(card, config.limits, now)
    priced = price_at(card.prices, now) is not None
    seen = {cell: evidence.trials.get(cell, ()) for cell in cells}
    costs = {cell: [t.cost_usd for t in seen[cell]] if priced else [] for cell in cells}
    tokens = {cell: [t.usage.total if t.usage else None for t in seen[cell]] for cell in cells}
    unseen = [
        cell
        for cell in cells
        if _range(tokens[cell], None).high is None
        or (priced and _range(costs[cell], None).high is None)
    ]
    at_most = None if card.scripted else bound.tokens
    return ModelEstimate(
        model=card.id,
        to_make=to_make,
        done=len(config.scenarios) * config.repeats - to_make,
        rests_on=sum(len(trials) for trials in seen.values()),
        outdated=sum(evidence.outdated[cell] for cell in cells),
        repriced=sum(evidence.repriced[cell] for cell in cells) if priced else 0,
        from_budget=sum(left[cell] for cell in unseen),
        trial=bound,
        tokens=_sum([(left[cell], _range(tokens[cell], at_most)) for cell in cells]),
        cost_usd=_sum([(left[cell], _range(costs[cell], bound.cost_usd)) for cell in cells]),
    )


def _seconds(left: Counter[Cell], evidence: Evidence, jobs: int) -> Range | None:
    ranges = [
        (count, _range([t.phases.get("total") for t in evidence.trials.get(cell, ())], None))
        for cell, count in left.items()
    ]
    total = _sum(ranges)
    lows, highs = [r.low for _, r in ranges], [r.high for _, r in ranges]
    if total.low is None or total.high is None or None in lows or None in highs:
        return None
    # However many run side by side, the longest has to end.
    return Range(
        low=max([total.low / jobs, *(s for s in lows if s is not None)]),
        high=max([total.high / jobs, *(s for s in highs if s is not None)]),
    )


def _detectable(config: RunConfig, a: str, b: str | None, evidence: Evidence) -> Detectable:
    scenarios = [scenario.id for scenario in config.scenarios]
    variances, rests_on = ASSUMED, 0
    if b is not None:
        pairs = [_tallies(evidence, a, scenarios), _tallies(evidence, b, scenarios)]
        found = estimate_variances(*pairs) if all(map(len, pairs)) else None
        # Where nothing varied yet, the scatter is unseen, not absent.
        if found is not None and found.within_a + found.within_b + found.between > 0:
            variances = found
            rests_on = sum(tally.trials for tallies in pairs for tally in tallies)
    effect = minimal_detectable_effect(variances, scenarios=len(scenarios), repeats=config.repeats)
    return Detectable(a=a, b=b, effect=effect, variances=variances, rests_on=rests_on)


def _tallies(evidence: Evidence, model: str, scenarios: Sequence[str]) -> list[Tally]:
    """Tally every scenario, or none: a model's outdated trials, or a gap, are no pilot."""
    cells = [(model, scenario) for scenario in scenarios]
    if any(evidence.outdated[cell] or not evidence.trials.get(cell) for cell in cells):
        return []
    return [
        Tally(
            passes=sum(t.verdict is Verdict.PASS for t in evidence.trials[cell]),
            trials=len(evidence.trials[cell]),
        )
        for cell in cells
    ]


def _range(values: Sequence[float | None], at_most: float | None) -> Range:
    """Span the known values, none of them beyond what the limits allow now."""
    known = [value for value in values if value is not None]
    if not known:
        return Range(low=None, high=at_most)
    if at_most is None:
        return Range(low=min(known), high=max(known))
    return Range(low=min(*known, at_most), high=min(max(known), at_most))


def _sum(parts: Sequence[tuple[int, Range]]) -> Range:
    """Add up; what is unknown from below adds nothing there, and leaves the sum a lower bound."""
    lows = [count * part.low for count, part in parts if part.low is not None]
    highs = [None if part.high is None else count * part.high for count, part in parts]
    return Range(
        low=sum(lows) if lows or not parts else None,
        high=None if None in highs else sum(high for high in highs if high is not None),
    )


def _rates(price: Price | None) -> dict[str, object] | None:
    return None if price is None else price.model_dump(include={*Rates.model_fields, "tiers"})
