"""A whole trial with an instant model, alone and in a crowd, beside plain `docker exec`.

The suite is the tiny one of the tests; the time of its own test commands is left out, so what
remains is the harness: two or three sandboxes, twenty tool calls, recording and grading.
"""

from __future__ import annotations

import asyncio
import os
import resource
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from bench.figures import Figure, show
from runner.batch import Batch
from runner.chat.openai import Connection, OpenAIChat
from runner.chat.quirks import ModelEndpoint
from runner.players.cast import performance_of
from runner.players.player import Answer, Performance, call, script
from runner.players.server import PlayerServer, serve_players
from runner.sandbox.docker import DockerEngine
from runner.scene import Scene, build_images, seed_all, set_scene
from runner.trial import Workshop, make_trial
from testbed.catalog import find_card
from testbed.plan import PlannedScenario, PlannedTrial, RunConfig, RunLock
from testbed.scenario import load_suite
from testbed.store import Run

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from runner.chat.base import ChatModel
    from runner.recording import Recording
    from testbed.records import Trial
    from testbed.scenario import Scenario

TINY = Path(__file__).parents[1] / "tests" / "suites" / "tiny"
CALLS = 20
ALONE = 8
CROWD = 32
THRONG = 128
THINK_S = 1.0
OURS_PER_CLI = 0.32
"""0.25 of mini-swe-agent's 2.3 s per trial, which the CLI's way of 1.8 s stands for here."""


@dataclass(frozen=True)
class Lap:
    """One batch of trials, measured."""

    wall_s: float
    cpu_s: float
    """Of this process and its children, the player's server included."""
    overhead_s: float
    """Median seconds of a trial outside the suite's own commands and the model's thinking."""
    spoiled: int


def answers() -> tuple[Answer, ...]:
    """Write twenty calls that read, edit and run, then finish."""
    calls = [
        call("write_file", path="notes.txt", content="0\n"),
        *(
            found
            for n in range((CALLS - 2) // 3)
            for found in (
                call("read_file", path="lib/sum.mjs"),
                call("edit_file", path="notes.txt", old_text=f"{n}\n", new_text=f"{n + 1}\n"),
                call("shell", command=f"echo {n}"),
            )
        ),
        call("finish", summary="done"),
    ]
    return tuple(Answer(text="Next.", calls=(one,)) for one in calls)


class Hall:
    """The parts of a run, with an instant or thinking player in place of a model."""

    def __init__(self, folder: Path, engine: DockerEngine, server: PlayerServer) -> None:
        self.folder, self.engine, self.server = folder, engine, server
        self.think_s = 0.0
        shutil.copytree(TINY, folder, dirs_exist_ok=True)
        (self.scenario,) = load_suite(folder).scenarios

    async def scene(self) -> Scene:
        """Build the image and measure the seeded tree."""
        scenarios: list[Scenario] = [self.scenario]
        workspaces = seed_all(scenarios)
        images = await build_images(
            scenarios, engine=self.engine, cache=self.folder / "cache", progress=lambda _: None
        )
        return await set_scene(
            self.scenario,
            workspaces[self.scenario.id],
            image=images[self.scenario.fixture.id],
            engine=self.engine,
            run_id="bench",
        )

    @asynccontextmanager
    async def open_chat(self, _: PlannedTrial, recording: Recording) -> AsyncIterator[ChatModel]:
        """Stage the player for one trial."""
        performance = _performance(self.scenario)
        base_url = self.server.stage(script(*answers()), performance, think_s=self.think_s)
        endpoint = ModelEndpoint(base_url=base_url, api_key="none", model="scripted/script")
        async with Connection(endpoint) as connection:
            yield OpenAIChat(connection, recorder=recording.exchange, price=lambda *_: None)
        self.server.leave(base_url)

    async def lap(self, scene: Scene, *, trials: int, jobs: int) -> Lap:
        """Make so many trials, so many at a time."""
        config = RunConfig(
            run_id=f"bench-{trials}-{jobs}-{time.monotonic_ns()}",
            created_at="2026-01-01T00:00:00+00:00",
            suite=str(self.folder),
            models=(find_card("scripted/oracle"),),
            scenarios=(PlannedScenario(id="minus", title="", kind="bug", difficulty="easy"),),
            repeats=trials,
            engine="docker",
        )
        run = Run.create(self.folder / "runs", config)
        lock = RunLock(
            testbed="", engine="docker", images={}, prompt="", fixtures={}, scenarios={}, models={}
        )
        workshop = Workshop(
            run=run,
            engine=self.engine,
            scenes={scene.scenario.id: scene},
            open_chat=self.open_chat,
            graders=asyncio.Semaphore(os.cpu_count() or 1),
        )

        async def make(planned: PlannedTrial, attempt: int) -> Trial:
            return await make_trial(workshop, planned, attempt)

        with run.writing(lock):
            began, cpu = time.perf_counter(), _cpu_s()
            await Batch(run=run, make=make, jobs=jobs).work()
        wall_s, cpu_s = time.perf_counter() - began, _cpu_s() - cpu
        counted, spoiled = run.trials()
        own = [t.phases["total"] - t.phases["model"] - _suite_s(run, t) for t in counted]
        return Lap(wall_s, cpu_s, statistics.median(own), len(spoiled) + len(run.missing()))


def _suite_s(run: Run, trial: Trial) -> float:
    """Sum what the suite's own commands took, as the trial's log says it."""
    planned = PlannedTrial(*trial.key)
    log = run.paths.attempt(planned, trial.attempt).log.read_text()
    ended = [line for line in log.splitlines() if line.startswith("$ ")]
    return sum(float(line.rpartition(", ")[2].removesuffix(" s)")) for line in ended)


def _performance(scenario: Scenario) -> Performance:
    return performance_of(scenario, seeded={}, reference={})


def _cpu_s() -> float:
    used = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return sum(usage.ru_utime + usage.ru_stime for usage in used)


def _peak_mb() -> float:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def by_hand(image: str) -> float:
    """Make the same calls with the Docker CLI: run, twenty execs, remove. Seconds."""
    began = time.perf_counter()
    start = ["docker", "run", "-d", "--network", "none", "--entrypoint", "sleep", image, "600"]
    made = subprocess.run(start, check=True, capture_output=True, text=True)
    container = made.stdout.strip()
    try:
        for _ in range(CALLS):
            subprocess.run(["docker", "exec", container, "true"], check=True, capture_output=True)
    finally:
        subprocess.run(["docker", "rm", "-f", container], check=True, capture_output=True)
    return time.perf_counter() - began


async def measure(folder: Path) -> list[Figure]:
    """Run the laps, the CLI's way between them."""
    engine = DockerEngine()
    async with serve_players() as server:
        hall = Hall(folder, engine, server)
        scene = await hall.scene()
        await hall.lap(scene, trials=1, jobs=1)
        plain = [by_hand(scene.image) for _ in range(3)]
        alone = await hall.lap(scene, trials=ALONE, jobs=1)
        plain += [by_hand(scene.image) for _ in range(3)]
        crowd = await hall.lap(scene, trials=CROWD, jobs=CROWD)
        hall.think_s = THINK_S
        throng = await hall.lap(scene, trials=THRONG, jobs=THRONG)
    engine.close()
    hand_s = statistics.median(plain)
    each = alone.cpu_s / ALONE
    return [
        Figure("alone: overhead per trial", alone.overhead_s, "s"),
        Figure(
            "alone: against `docker run` + 20 `docker exec`",
            alone.overhead_s / hand_s,
            "x",
            at_most=OURS_PER_CLI,
        ),
        Figure("alone: CPU per trial, outside containers", each, "s", at_most=0.35),
        Figure(f"{CROWD} at once: wall per trial", crowd.wall_s / CROWD, "s"),
        Figure(
            f"{CROWD} at once: against `docker run` + 20 `docker exec`",
            crowd.wall_s / CROWD / hand_s,
            "x",
            at_most=OURS_PER_CLI,
        ),
        Figure(f"{CROWD} at once: CPU per trial", crowd.cpu_s / CROWD, "s", at_most=0.35),
        Figure(f"{THRONG} at once, 1 s per turn: wall per trial", throng.wall_s / THRONG, "s"),
        Figure(f"{THRONG} at once: spoiled trials", throng.spoiled, "", at_most=0),
        Figure("memory of the harness, peak", _peak_mb(), "MB", at_most=150),
    ]


def main() -> bool:
    """Print the figures; return whether the budgets are held."""
    with tempfile.TemporaryDirectory() as folder:
        Path(folder).chmod(0o755)
        return show("Trials with an instant model", asyncio.run(measure(Path(folder))))


if __name__ == "__main__":
    sys.exit(not main())
