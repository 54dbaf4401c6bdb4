"""The preflight as part of a run: asked once, stored, heeded."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from runner.preflight.gate import Gate
from testbed.errors import EndpointError, RunError
from testbed.plan import PlannedScenario, RunConfig
from testbed.preflight import Preflights
from testbed.store import Run

if TYPE_CHECKING:
    from collections.abc import Callable
    from contextlib import AbstractAsyncContextManager
    from pathlib import Path

    from testbed.catalog import ModelCard

    Good = Callable[..., Any]
    Served = Callable[..., AbstractAsyncContextManager[ModelCard]]


def begun(runs: Path, *cards: ModelCard) -> Run:
    config = RunConfig(
        run_id="a-run",
        created_at="2026-11-22T12:00:00+00:00",
        suite=str(runs),
        models=cards,
        scenarios=(PlannedScenario(id="minus", title="Minus", kind="bugfix", difficulty="easy"),),
        repeats=1,
        engine="local",
    )
    return Run.create(runs, config)


def stored(run: Run) -> Preflights:
    return Preflights.model_validate_json(run.paths.preflight.read_bytes())


async def gate(run: Run, *, forced: bool = False) -> list[str]:
    """Pass the gate; return what was told on the way."""
    told: list[str] = []
    await Gate(run, places={}, progress=told.append).pass_all(forced=forced)
    return told


async def test_what_a_model_can_do_is_stored_with_the_run_and_asked_once(
    good: Good, served: Served, tmp_path: Path
) -> None:
    endpoint = good()
    async with served(endpoint) as card:
        run = begun(tmp_path, card)
        await gate(run)
        await gate(run)

    (flight,) = stored(run).asked
    assert len(endpoint.seen) == flight.requests == 6
    assert (flight.model, flight.card, flight.failed) == (card.id, card.digest(), ())
    assert stored(run).cost_usd == flight.cost_usd
    assert not stored(run).forced


async def test_a_red_model_is_named_with_its_probes_and_what_asking_cost_is_kept(
    good: Good, served: Served, tmp_path: Path
) -> None:
    async with served(good(as_text="streamed")) as card:
        run = begun(tmp_path, card)
        with pytest.raises(
            EndpointError, match=r"acme/coder .*tools_streamed, parallel_calls"
        ) as e:
            await gate(run)

    assert e.value.next_step.endswith("`testbed run --resume a-run --force`")
    assert e.value.exit_code == 3
    (flight,) = stored(run).asked
    assert flight.cost_usd
    assert not stored(run).forced


async def test_force_lets_a_red_model_pass_and_marks_the_run(
    good: Good, served: Served, tmp_path: Path
) -> None:
    endpoint = good(as_text="streamed")
    async with served(endpoint) as card:
        run = begun(tmp_path, card)
        told = await gate(run, forced=True)
        asked = len(endpoint.seen)
        await gate(run, forced=True)

    assert "tools_streamed, parallel_calls: run all the same" in told[-1]
    assert len(endpoint.seen) == asked
    assert stored(run).forced


async def test_a_green_model_is_not_marked_by_force(
    good: Good, served: Served, tmp_path: Path
) -> None:
    async with served(good()) as card:
        run = begun(tmp_path, card)
        await gate(run, forced=True)

    assert not stored(run).forced


async def test_a_mended_endpoint_passes_on_resume_and_both_preflights_stay_booked(
    good: Good, served: Served, tmp_path: Path
) -> None:
    endpoint = good(as_text="streamed")
    async with served(endpoint) as card:
        run = begun(tmp_path, card)
        with pytest.raises(EndpointError):
            await gate(run)
        endpoint.as_text = ""
        await gate(run)

    red, green = stored(run).asked
    assert red.failed
    assert not green.failed
    assert red.cost_usd is not None
    assert green.cost_usd is not None
    assert stored(run).cost_usd == pytest.approx(red.cost_usd + green.cost_usd)
    assert stored(run).latest(card.id, card=card.digest()) == green


async def test_another_card_is_asked_again(good: Good, served: Served, tmp_path: Path) -> None:
    async with served(good()) as card:
        run = begun(tmp_path, card)
        await gate(run)
        changed = card.model_copy(update={"temperature": 0.5})

    assert stored(run).latest(card.id, card=card.digest()) is not None
    assert stored(run).latest(card.id, card=changed.digest()) is None


async def test_every_model_is_asked_before_a_red_one_is_told(
    good: Good, served: Served, tmp_path: Path
) -> None:
    async with served(good(as_text="whole"), id="acme/red") as red, served(good()) as green:
        run = begun(tmp_path, red, green)
        with pytest.raises(EndpointError, match=r"acme/red fails the preflight in tools_whole"):
            await gate(run)

    assert {flight.model for flight in stored(run).asked} == {"acme/red", "acme/coder"}


async def test_a_record_that_cannot_be_read_is_no_licence_to_ask_again(
    good: Good, served: Served, tmp_path: Path
) -> None:
    endpoint = good()
    async with served(endpoint) as card:
        run = begun(tmp_path, card)
        run.paths.preflight.write_text('{"asked": 1}')
        with pytest.raises(RunError, match=r"preflight\.json"):
            await gate(run)

    assert endpoint.seen == []


async def test_a_key_that_the_model_was_made_to_say_is_not_stored(
    good: Good, served: Served, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ACME_KEY", "sk-very-secret-0123456789")
    endpoint = good(told="It is sk-very-secret-0123456789.")
    async with served(endpoint, key_variable="ACME_KEY") as card:
        run = begun(tmp_path, card)
        await gate(run, forced=True)

    kept = run.paths.preflight.read_text()
    assert "does not tell the result" in kept
    assert "sk-very-secret" not in kept


async def test_players_are_not_asked(tmp_path: Path) -> None:
    from testbed.catalog import find_card

    run = begun(tmp_path, find_card("scripted/noop"))

    assert await gate(run) == []
    assert not run.paths.preflight.exists()
