"""Grading again puts no hiccup of the machine in place of a verdict."""

from __future__ import annotations

import asyncio
import os
import signal
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from runner.regrade import Regraded, regrade
from testbed.records import Verdict
from testbed.scenario import load_suite
from tests.conftest import family
from tests.runner.trial.test_follow_ups import RIGHT, WRONG, writing

if TYPE_CHECKING:
    from tests.runner.trial.conftest import Made, Maker

EVER = 1_000_000


def sandboxes() -> list[int]:
    """List the processes of this process's sandboxes, the innermost last."""
    return [pid for pid in family(os.getpid()) if "toolbox.py" in command(pid)]


def command(pid: int) -> str:
    try:
        return Path(f"/proc/{pid}/cmdline").read_text()
    except OSError:
        return ""


async def killing(count: int) -> None:
    """Kill so many sandboxes as soon as they are there."""
    killed: set[int] = set()
    while len(killed) < count:
        for pid in sandboxes()[-1:]:
            with suppress(OSError):
                os.kill(pid, signal.SIGKILL)
            killed.add(pid)
        await asyncio.sleep(0.01)


async def regraded(made: Made, *, losing: int) -> tuple[Regraded, list[str]]:
    """Grade again on a machine that loses so many of the sandboxes."""
    said: list[str] = []
    tasks: list[asyncio.Task[None]] = []

    def progress(message: str) -> None:
        said.append(message)
        if message.startswith("grading"):
            tasks.append(asyncio.create_task(killing(losing)))

    suite = load_suite(made.suite)
    result = await regrade(made.run, suite, cache=made.cache, jobs=1, progress=progress)
    for task in tasks:
        task.cancel()
    return result, said


@pytest.mark.parametrize("follow_ups", [0, 1], ids=["one prompt", "two prompts"])
async def test_a_trial_that_cannot_be_graded_keeps_its_verdict_and_every_file(
    make_one: Maker, follow_ups: int
) -> None:
    made = await make_one(
        writing(*([WRONG, RIGHT] if follow_ups else [RIGHT])), follow_ups=follow_ups
    )
    before = files(made)

    result, said = await regraded(made, losing=EVER)

    assert result == Regraded(changed=0, spoiled=1)
    assert said[-1].startswith("acme/coder/minus/1 could not be graded: Sandbox ")
    assert files(made) == before
    assert made.run.trials() == ([made.trial], [])
    assert made.run.missing() == []


async def test_a_grading_that_loses_its_sandbox_is_tried_again(make_one: Maker) -> None:
    made = await make_one(writing(RIGHT))

    result, _ = await regraded(made, losing=1)

    assert result == Regraded(changed=0, spoiled=0)
    ((again,), _) = made.run.trials()
    assert again.verdict is Verdict.PASS


def files(made: Made) -> dict[str, Any]:
    """Return every file of the run by its path."""
    paths = [path for path in made.run.paths.folder.rglob("*") if path.is_file()]
    return {str(path): path.read_bytes() for path in paths}
