"""A whole run behind the preflight, over real HTTP and in a real sandbox."""

from __future__ import annotations

import hashlib
import shutil
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from runner.conductor import Conductor
from testbed.errors import EndpointError
from testbed.plan import PlannedScenario, RunConfig
from testbed.preflight import Preflights
from testbed.records import Ending, Verdict
from testbed.scenario import load_suite
from testbed.store import Run

if TYPE_CHECKING:
    from collections.abc import Callable
    from contextlib import AbstractAsyncContextManager

    from testbed.catalog import ModelCard

TINY = Path(__file__).parents[2] / "suites" / "tiny"

pytestmark = [pytest.mark.bubblewrap, pytest.mark.usefixtures("local_engine")]


def conducted(folder: Path, card: ModelCard, *, force: bool = False) -> Conductor:
    """Begin a run of one trial, or take up the one begun before."""
    suite_folder = folder / "suite"
    shutil.copytree(TINY, suite_folder, dirs_exist_ok=True)
    config = RunConfig(
        run_id="a-run",
        created_at="2026-11-22T12:00:00+00:00",
        suite=str(suite_folder),
        models=(card,),
        scenarios=(PlannedScenario(id="minus", title="Minus", kind="bug", difficulty="easy"),),
        repeats=1,
        engine="local",
    )
    known = folder / config.run_id
    return Conductor(
        run=Run(known) if known.exists() else Run.create(folder, config),
        suite=load_suite(suite_folder),
        cache=folder / "cache",
        jobs=1,
        graders=1,
        progress=lambda _: None,
        force=force,
    )


async def test_a_green_model_makes_its_trials_and_the_lock_holds_what_was_asked(
    good: Callable[..., Any],
    served: Callable[..., AbstractAsyncContextManager[ModelCard]],
    tmp_path: Path,
) -> None:
    async with served(good()) as card:
        conductor = conducted(tmp_path, card)
        await conductor.work()

    run = conductor.run
    ((trial,), _) = run.trials()
    lock = run.resolved()
    preflights = Preflights.model_validate_json(run.paths.preflight.read_bytes())
    assert (trial.ending, trial.verdict) == (Ending.STOPPED_TALKING, Verdict.FAIL)
    assert [flight.failed for flight in preflights.asked] == [()]
    assert preflights.cost_usd
    assert trial.requests == 2
    assert lock is not None
    assert lock.config == hashlib.sha256(run.paths.config.read_bytes()).hexdigest()


async def test_a_red_model_makes_no_trial_and_no_image_until_it_is_forced(
    good: Callable[..., Any],
    served: Callable[..., AbstractAsyncContextManager[ModelCard]],
    tmp_path: Path,
) -> None:
    async with served(good(as_text="streamed")) as card:
        conductor = conducted(tmp_path, card)
        with pytest.raises(EndpointError, match="fails the preflight"):
            await conductor.work()
        stopped = sorted(path.name for path in conductor.run.paths.folder.iterdir())
        built = (tmp_path / "cache").exists()
        await conducted(tmp_path, card, force=True).work()

    assert stopped == ["preflight.json", "run.json"]
    assert not built
    ((trial,), _) = conductor.run.trials()
    preflights = Preflights.model_validate_json(conductor.run.paths.preflight.read_bytes())
    assert trial.verdict is Verdict.FAIL
    assert preflights.forced
    assert len(preflights.asked) == 1
