"""A batch makes what is missing, tries again what was spoiled, and knows when to stop."""

from __future__ import annotations

import asyncio
from collections import Counter
from typing import TYPE_CHECKING

import pytest

from runner.batch import MAX_TRIES, Batch
from testbed.catalog import find_card
from testbed.errors import EnvironmentFault, SandboxUnavailable
from testbed.plan import PlannedScenario, PlannedTrial, RunConfig, RunLock
from testbed.records import Ending, Failure, Funnel, Origin, Trial, Verdict
from testbed.store import Run

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

LOCK = RunLock(
    testbed="0", engine="fake", images={}, prompt="", fixtures={}, scenarios={}, models={}
)


def a_trial(
    planned: PlannedTrial, attempt: int, verdict: Verdict, cost: float | None = None
) -> Trial:
    spoiled = verdict is Verdict.UNGRADED
    return Trial(
        model=planned.model,
        scripted=True,
        scenario=planned.scenario,
        kind="bug",
        repeat=planned.repeat,
        attempt=attempt,
        ending=Ending.INFRA_ERROR if spoiled else Ending.FINISHED,
        verdict=verdict,
        failure=Failure(origin=Origin.SANDBOX, detail="gone") if spoiled else None,
        started_at="2026-01-01T00:00:00+00:00",
        phases={},
        turns=0,
        requests=0,
        rate_limited=0,
        usage=None,
        cost_usd=cost,
        funnel=Funnel(),
        latencies=(),
        patch=None,
    )


@pytest.fixture
def run(tmp_path: Path) -> Iterator[Run]:
    config = RunConfig(
        run_id="r1",
        created_at="2026-01-01T00:00:00+00:00",
        suite=str(tmp_path),
        models=(find_card("scripted/oracle"), find_card("scripted/noop")),
        scenarios=tuple(
            PlannedScenario(id=name, title=name, kind="bug", difficulty="easy")
            for name in ("one", "two")
        ),
        repeats=3,
        engine="auto",
        max_cost_usd=1.0,
    )
    run = Run.create(tmp_path, config)
    with run.writing(LOCK):
        yield run


async def test_every_planned_trial_is_made_once(run: Run) -> None:
    made: Counter[PlannedTrial] = Counter()

    async def make(planned: PlannedTrial, attempt: int) -> Trial:
        made[planned] += 1
        await asyncio.sleep(0)
        return a_trial(planned, attempt, Verdict.FAIL)

    await Batch(run=run, make=make, jobs=5).work()

    assert made == Counter(run.config.trials())
    assert run.missing() == []


async def test_models_take_turns_within_each_repeat(run: Run) -> None:
    order = [(p.repeat, p.scenario, p.model) for p in run.config.trials()]

    assert order[:4] == [
        (1, "one", "scripted/oracle"),
        (1, "one", "scripted/noop"),
        (1, "two", "scripted/oracle"),
        (1, "two", "scripted/noop"),
    ]


async def test_a_spoiled_trial_is_tried_again_within_bounds(run: Run) -> None:
    bad = PlannedTrial("scripted/oracle", "two", 3)

    async def make(planned: PlannedTrial, attempt: int) -> Trial:
        verdict = Verdict.UNGRADED if planned == bad else Verdict.PASS
        return a_trial(planned, attempt, verdict)

    await Batch(run=run, make=make, jobs=2).work()

    assert run.missing() == [bad]
    assert sorted(run.tries()[bad]) == list(range(1, MAX_TRIES + 1))


async def test_a_machine_that_spoils_everything_stops_the_batch(run: Run) -> None:
    made = 0

    async def make(planned: PlannedTrial, attempt: int) -> Trial:
        nonlocal made
        made += 1
        return a_trial(planned, attempt, Verdict.UNGRADED)

    with pytest.raises(EnvironmentFault, match=r"spoiled.*gone.*--resume r1"):
        await Batch(run=run, make=make, jobs=1).work()

    assert made == 6


async def test_a_model_whose_quota_is_used_up_is_given_up_and_the_other_goes_on(run: Run) -> None:
    refused = Failure(origin=Origin.MODEL_API, detail="quota: pay first", final=True)

    async def make(planned: PlannedTrial, attempt: int) -> Trial:
        if planned.model == "scripted/noop":
            return a_trial(planned, attempt, Verdict.PASS)
        spoiled = a_trial(planned, attempt, Verdict.UNGRADED)
        return spoiled.model_copy(update={"failure": refused})

    batch = Batch(run=run, make=make, jobs=1)
    await batch.work()

    assert batch.given_up == {"scripted/oracle": "quota: pay first"}
    assert len(run.tries()) == 7
    assert {planned.model for planned in run.missing()} == {"scripted/oracle"}


async def test_an_expected_error_stops_the_others_and_keeps_what_is_done(run: Run) -> None:
    cancelled = 0

    async def make(planned: PlannedTrial, attempt: int) -> Trial:
        nonlocal cancelled
        if planned.repeat == 1:
            return a_trial(planned, attempt, Verdict.PASS)
        if planned.model == "scripted/oracle":
            await asyncio.sleep(0.01)
            raise SandboxUnavailable("no engine")
        try:
            await asyncio.sleep(60)
        finally:
            cancelled += 1
        raise AssertionError

    with pytest.raises(SandboxUnavailable, match="no engine"):
        await Batch(run=run, make=make, jobs=2).work()

    assert cancelled == 1
    assert len(run.trials()[0]) == 4


async def test_no_trial_is_started_beyond_the_cost_limit(run: Run) -> None:
    async def make(planned: PlannedTrial, attempt: int) -> Trial:
        return a_trial(planned, attempt, Verdict.PASS, cost=0.4)

    batch = Batch(run=run, make=make, jobs=1)
    await batch.work()

    assert batch.capped
    assert len(run.trials()[0]) == 3
