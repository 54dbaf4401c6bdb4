"""A batch makes what is missing, tries again what was spoiled, and knows when to stop."""

from __future__ import annotations

import asyncio
from collections import Counter
from datetime import date
from typing import TYPE_CHECKING

import pytest

from runner.batch import MAX_TRIES, Batch
from runner.recording import Recording
from runner.spending import spent_by_run
from testbed.catalog import ModelCard, find_card
from testbed.errors import EnvironmentFault, SandboxUnavailable
from testbed.plan import Part, PlannedScenario, PlannedTrial, RunConfig, RunLock, TrialLimits
from testbed.preflight import Preflight, Preflights
from testbed.pricing import Price
from testbed.records import Ending, Exchange, Failure, Funnel, Origin, Trial, Usage, Verdict
from testbed.store import Run, write_record

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


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"part": Part(1, 2)}, "continue with the same command"),
        ({"max_cost_usd": 5.0}, "continue with `testbed run --resume r1 --max-cost-usd 5`"),
    ],
)
async def test_a_batch_that_stops_says_how_to_go_on_with_what_was_asked_for(
    run: Run, change: dict[str, object], words: str
) -> None:
    run.config = run.config.model_copy(update=change)

    async def make(planned: PlannedTrial, attempt: int) -> Trial:
        return a_trial(planned, attempt, Verdict.UNGRADED)

    with pytest.raises(EnvironmentFault) as stopped:
        await Batch(run=run, make=make, jobs=1).work()

    assert stopped.value.next_step.endswith(words)


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


def a_card(name: str, *, dollars: float) -> ModelCard:
    """Make a card whose single request costs at most so many dollars, half for input."""
    price = Price(
        valid_from=date(2020, 1, 1),
        input=dollars / 2,
        output=dollars * 500,
        source="a test",
        checked_on=date(2020, 1, 1),
    )
    return ModelCard(
        schema_version=1,
        id=name,
        title=name,
        provider="acme",
        model=name,
        base_url="http://127.0.0.1:9/v1",
        context_window=1_000_000,
        max_output_tokens=1000,
        prices=(price,),
    )


def a_priced_run(runs: Path, *cards: ModelCard, limit: float | None, repeats: int = 9) -> Run:
    """Make a run of trials of one turn: each costs at most what its card's request costs."""
    config = RunConfig(
        run_id="priced",
        created_at="2026-01-01T00:00:00+00:00",
        suite=str(runs),
        models=cards,
        scenarios=(PlannedScenario(id="one", title="one", kind="bug", difficulty="easy"),),
        repeats=repeats,
        engine="auto",
        limits=TrialLimits(max_turns=1),
        max_cost_usd=limit,
    )
    return Run.create(runs, config)


class Spender:
    """Makes trials of a given cost, and notes what ran at the same time."""

    def __init__(self, **costs: float | None) -> None:
        self.costs = costs
        self.order: list[str] = []
        self.together: list[int] = []
        self._running = 0

    async def __call__(self, planned: PlannedTrial, attempt: int) -> Trial:
        self._running += 1
        self.order.append(planned.model)
        self.together.append(self._running)
        await asyncio.sleep(0.001)
        self._running -= 1
        trial = a_trial(planned, attempt, Verdict.PASS, self.costs[planned.model])
        return trial.model_copy(update={"phases": {"agent": 1.0}})


async def test_no_trial_is_started_that_could_exceed_the_cost_limit(tmp_path: Path) -> None:
    run = a_priced_run(tmp_path, a_card("a", dollars=1.0), limit=3.0)

    batch = Batch(run=run, make=(spender := Spender(a=0.4)), jobs=1)
    await batch.work()

    assert len(spender.order) == 6
    assert batch.capped is not None
    assert batch.capped.spent == pytest.approx(2.4)
    assert batch.capped.next_trial == pytest.approx(1.0)
    assert not batch.capped.fits


async def test_running_trials_count_with_what_they_may_still_cost(tmp_path: Path) -> None:
    run = a_priced_run(tmp_path, a_card("a", dollars=1.0), limit=3.0)

    await Batch(run=run, make=(spender := Spender(a=0.4)), jobs=8).work()

    assert max(spender.together) == 3
    assert len(spender.order) == 6


async def test_a_limit_that_fits_exactly_lets_every_trial_run(tmp_path: Path) -> None:
    run = a_priced_run(tmp_path, a_card("a", dollars=0.1), limit=0.3, repeats=3)

    batch = Batch(run=run, make=Spender(a=0.1), jobs=2)
    await batch.work()

    assert batch.capped is None
    assert run.missing() == []


async def test_a_cheaper_trial_never_overtakes_one_that_waits_for_money(tmp_path: Path) -> None:
    dear, cheap = a_card("dear", dollars=2.0), a_card("cheap", dollars=0.1)
    run = a_priced_run(tmp_path, dear, cheap, limit=3.0, repeats=4)

    await Batch(run=run, make=(spender := Spender(dear=1.0, cheap=0.1)), jobs=4).work()

    assert spender.order == ["dear", "cheap"]


async def test_a_trial_of_unknown_cost_counts_with_its_bound(tmp_path: Path) -> None:
    run = a_priced_run(tmp_path, a_card("a", dollars=1.0), limit=3.0)

    await Batch(run=run, make=(spender := Spender(a=None)), jobs=2).work()

    assert len(spender.order) == 3
    assert spent_by_run(run) == pytest.approx(3.0)


async def test_players_cost_nothing_and_pass_beside_a_model_that_no_longer_fits(
    tmp_path: Path,
) -> None:
    cards = (find_card("scripted/noop"), a_card("a", dollars=1.0))
    run = a_priced_run(tmp_path, *cards, limit=1.5)

    batch = Batch(run=run, make=(spender := Spender(**{"scripted/noop": None, "a": 1.0})), jobs=1)
    await batch.work()

    assert spender.order == ["scripted/noop", "a", "scripted/noop"]
    assert batch.capped is not None


async def test_a_raised_limit_goes_on_where_the_lower_one_stopped(tmp_path: Path) -> None:
    run = a_priced_run(tmp_path, a_card("a", dollars=1.0), limit=2.0)
    await Batch(run=run, make=Spender(a=0.9), jobs=1).work()
    asked = run.paths.config.read_bytes()

    run.config = run.config.model_copy(update={"max_cost_usd": 4.0})
    await Batch(run=run, make=(spender := Spender(a=0.9)), jobs=1).work()

    assert len(spender.order) == 2
    assert len(run.trials()[0]) == 4
    assert run.paths.config.read_bytes() == asked


def test_broken_off_tries_and_preflights_were_paid_for_too(tmp_path: Path) -> None:
    run = a_priced_run(tmp_path, a_card("a", dollars=1.0), limit=2.0)
    flight = Preflight(
        model="a",
        card="",
        base_url="",
        served_models=(),
        started_at="2026-01-01T00:00:00+00:00",
        seconds=1.0,
        requests=6,
        usage=None,
        cost_usd=0.02,
        probes=(),
    )
    write_record(run.paths.preflight, Preflights(asked=(flight,)))
    for repeat, cost in ((1, 0.1), (2, None)):
        recording = Recording(run.paths.attempt(PlannedTrial("a", "one", repeat), 1))
        recording.begin()
        sent = Exchange(
            turn=1,
            attempt=1,
            sent_at="2026-01-01T00:00:00.000000+00:00",
            usage=Usage(fresh_input=1, output=1),
            cost_usd=cost,
            dropped_params=("top_p",),
        )
        recording.exchange(sent, {}, [])
    Recording(run.paths.attempt(PlannedTrial("a", "one", 3), 1)).begin()

    assert spent_by_run(run) == pytest.approx(0.02 + 0.1 + 1.0)
