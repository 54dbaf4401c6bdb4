"""`testbed action plan`: inputs checked, costs bounded, and one plan for every job after it."""

from __future__ import annotations

import shutil
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from testbed.action_inputs import Inputs, InputsRefused
from testbed.errors import RunError, UsageError

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from testbed.catalog import ModelCard
    from testbed.comparing.comparison import Unlike
    from testbed.comparing.gate import Policy
    from testbed.plan import RunConfig
    from testbed.scenario import Suite
    from testbed.shards import Plan
    from testbed.store import Run

POLICY = "gate.toml"
"""Beside `scenarios/`: what the gate demands, where the suite says it itself."""


class OverBudget(UsageError):
    """The cost limit could not hold, or no trial could be started under it."""


@dataclass(frozen=True, kw_only=True)
class Planned:
    """A plan, and what it may cost."""

    plan: Plan
    trials: int
    most_usd: float | None
    """By the limits of its trials and of the whole; `None`: nothing bounds it."""
    warnings: tuple[str, ...]
    """What may keep it from being made whole, or from showing anything."""


def make_plan(inputs: Inputs, folder: Path) -> Planned:
    """Resolve the inputs, refuse what cannot be paid for, and write the plan into `folder`.

    Raises `UsageError` for whatever is wrong, before anything is spent.
    """
    from testbed.cli.common import open_suite
    from testbed.shards import PLAN, Plan, fitting_shards
    from testbed.store import write_record

    suite = open_suite(Path(inputs.suite), list(inputs.scenarios))
    policy = _policy(inputs)
    earlier = _earlier(inputs, folder)
    candidate, baseline = _cards(inputs, earlier)
    config = _config(inputs, suite, earlier)
    if earlier is not None:
        _demand_alike(earlier, inputs, baseline, suite, config)
    now = datetime.now(UTC)
    dearest = _dearest(config, now)
    _demand_known(policy, suite)
    plan = Plan(
        config=config,
        shards=fitting_shards(config, inputs.shards, dearest),
        candidate=candidate,
        baseline=baseline,
        policy=policy,
        inputs=inputs,
        baseline_run=earlier.config.run_id if earlier else None,
    )
    write_record(folder / PLAN, plan)
    return _priced(plan, now)


def _policy(inputs: Inputs) -> Policy:
    from testbed.comparing.gate import load_policy

    path = Path(inputs.suite) / POLICY
    policy = load_policy(path if path.is_file() else None)
    if inputs.margin is None:
        return policy
    if "margin" in policy.model_fields_set and policy.margin != inputs.margin:
        raise InputsRefused((f"INPUT_MARGIN is not the margin of {path}: leave one of them out",))
    return policy.model_copy(update={"margin": inputs.margin})


def _demand_known(policy: Policy, suite: Suite) -> None:
    """Refuse a policy that protects what is not run: that would come out after all is paid."""
    strange = sorted({*policy.protected} - {scenario.id for scenario in suite.scenarios})
    if strange:
        raise InputsRefused(
            tuple(
                f"the policy protects {name}, which is not among the scenarios" for name in strange
            )
        )


def _too_few(plan: Plan) -> Iterator[str]:
    """Say what the policy could never see a regression by."""
    wanted = (
        ("INPUT_REPEATS", plan.config.repeats, plan.policy.min_repeats),
        ("scenarios chosen", len(plan.config.scenarios), plan.policy.min_scenarios),
    )
    for what, found, least in wanted:
        if found < least:
            yield f"{what}: {found}, and the policy wants {least}: it will see no regression"


def _earlier(inputs: Inputs, folder: Path) -> Run | None:
    """Take in the earlier run that has the baseline, and keep it with the plan."""
    from runner.intake import Intake
    from testbed.shards import BASELINE

    if inputs.baseline_results is None:
        return None
    place = folder / BASELINE
    if place.is_dir():
        shutil.rmtree(place)
    source = _only_run(Path(inputs.baseline_results), _card(inputs.baseline).id)
    try:
        return Intake(config=None, trials=None).take(source, place / source.name)
    except RunError as fault:
        raise RunError(
            f"INPUT_BASELINE_RESULTS: {source}: {fault.what}",
            next_step="Give results as the action or `testbed run` left them, or leave it out",
        ) from fault


def _only_run(folder: Path, model: str) -> Path:
    """Find the one run that has the model: the folder itself, or one in it."""
    from testbed.store import Run

    places = sorted(path.parent for path in (*folder.glob("run.json"), *folder.glob("*/run.json")))
    found = [p for p in places if model in {card.id for card in Run(p).config.models}]
    if len(found) != 1:
        raise RunError(
            f"INPUT_BASELINE_RESULTS: {folder} holds {len(found)} runs of {model}",
            next_step="Give the folder of one run",
        )
    return found[0].resolve()


def _cards(inputs: Inputs, earlier: Run | None) -> tuple[str, str]:
    candidate, baseline = _card(inputs.candidate).id, _card(inputs.baseline).id
    if earlier is None and candidate == baseline:
        raise InputsRefused((f"both cards are of {candidate}: it would be compared with itself",))
    return candidate, baseline


def _card(name: str) -> ModelCard:
    from testbed.catalog import find_card

    return find_card(name)


def _config(inputs: Inputs, suite: Suite, earlier: Run | None) -> RunConfig:
    """Put the run together; beside an earlier one, under the very limits of that one."""
    from testbed.cli.run import configure
    from testbed.plan import TrialLimits

    config = configure(
        suite,
        [inputs.candidate] if earlier else [inputs.baseline, inputs.candidate],
        repeats=inputs.repeats,
        engine="auto",
        limits=earlier.config.limits if earlier else TrialLimits(),
        max_cost_usd=inputs.max_cost_usd,
        follow_ups=earlier.config.follow_ups if earlier else 0,
    )
    lock = earlier.resolved() if earlier else None
    if lock is None or lock.engine not in ("docker", "local"):
        return config
    return config.model_copy(update={"engine": lock.engine})


def _demand_alike(
    earlier: Run, inputs: Inputs, baseline: str, suite: Suite, config: RunConfig
) -> None:
    """Refuse earlier results of other tasks now; the machine itself is known after the run."""
    from runner.agent.prompts import prompts_digest
    from runner.scene import digest_fixture, digest_scenario
    from runner.workspace import seed_workspace
    from testbed.comparing.likeness import unlike
    from testbed.comparing.pooled import alone

    asked, used = _card(inputs.baseline), earlier.config.card(baseline)
    if asked.model_copy(update={"prices": used.prices}).digest() != used.digest():
        raise RunError(
            f"INPUT_BASELINE_RESULTS: {baseline} was run under another card than it has now",
            next_step="Leave the input out, so that both models are run",
        )
    lacking = {s.id for s in suite.scenarios} - {s.id for s in earlier.config.scenarios}
    if lacking:
        raise RunError(
            f"INPUT_BASELINE_RESULTS: nothing in it is about {min(lacking)}",
            next_step="Choose its scenarios, or leave it out so that both models are run",
        )
    fixtures = {s.fixture.id: s.fixture for s in suite.scenarios}
    now = {
        "prompt": prompts_digest(follow_ups=config.follow_ups > 0),
        **{f"fixtures.{name}": digest_fixture(one) for name, one in fixtures.items()},
        **{f"scenarios.{s.id}": digest_scenario(s, seed_workspace(s)) for s in suite.scenarios},
    }
    then = alone(earlier.view(), baseline).conditions
    refuse_unlike(unlike({name: then[name] for name in now if name in then}, now))


def refuse_unlike(found: Sequence[Unlike]) -> None:
    """Raise `RunError` when earlier results were made under conditions that change results."""
    from testbed.comparing.likeness import SHOWN, refused, rule

    grave = refused(found)
    if grave:
        names = ", ".join(one.condition for one in grave[:SHOWN])
        more = f" and {len(grave) - SHOWN} more" if len(grave) > SHOWN else ""
        raise RunError(
            f"INPUT_BASELINE_RESULTS were made under other conditions: {names}{more} "
            f"({rule(grave[0]).why})",
            next_step="Leave the input out, so that both models are run",
        )


def _dearest(config: RunConfig, now: datetime) -> float:
    """Say what the dearest trial may cost at most; refuse money without a limit that holds."""
    from reports.words import money
    from testbed.bounds import fits, reservation
    from testbed.pricing import price_at

    limit = config.max_cost_usd
    for card in config.models:
        if limit is None and card.prices:
            raise InputsRefused(
                (f"INPUT_MAX_COST_USD is empty, and {card.id} costs money: say how much at most",)
            )
        if limit is not None and not card.scripted and not price_at(card.prices, now):
            raise OverBudget(
                f"{card.id} has no price valid today, so INPUT_MAX_COST_USD could not hold",
                next_step="Add `[[prices]]` to its card",
            )
    dearest = max(reservation(card, config.limits, now) for card in config.models)
    if limit is not None and not fits(dearest, limit):
        raise OverBudget(
            f"over budget: one trial may cost up to {money(dearest)}, and INPUT_MAX_COST_USD is "
            f"{money(limit)}",
            next_step="Raise the limit, or choose cheaper models",
        )
    return dearest if limit is not None else 0.0


def _priced(plan: Plan, now: datetime) -> Planned:
    from reports.words import money
    from testbed.estimate import Evidence, estimate_plan

    config, limit = plan.config, plan.config.max_cost_usd
    trials = list(config.trials())
    found = estimate_plan(config, trials, Evidence(trials={}), jobs=1, now=now)
    paid = any(not card.scripted for card in config.models)
    most = found.cost_usd.high if paid else 0.0
    warnings = tuple(_too_few(plan))
    if limit is None or (most is not None and most <= limit):
        return Planned(plan=plan, trials=len(trials), most_usd=most, warnings=warnings)
    cut = (
        f"the trials' own limits allow more than INPUT_MAX_COST_USD, {money(limit)}: it may end "
        "the run before all are made, which is no result"
    )
    return Planned(plan=plan, trials=len(trials), most_usd=limit, warnings=(cut, *warnings))
