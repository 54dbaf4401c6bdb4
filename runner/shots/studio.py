"""Takes the pictures of a run: every tree once, each in a sandbox of its own."""

from __future__ import annotations

import asyncio
import time
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from runner.sandbox.choose import choose_engine
from runner.sandbox.dependencies import install
from runner.scene import build_images, warm_all
from runner.shots.album import paste
from runner.shots.engines import with_browser
from runner.shots.reel import Reel
from runner.shots.sitters import Scenery, demand_models, list_sitters
from runner.shots.stage import Stage
from runner.together import together
from testbed.errors import SandboxLost
from testbed.shots import Shots
from testbed.tree import digest_tree

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from runner.sandbox.base import Engine, Progress
    from runner.shots.sitters import Order, Sitter
    from testbed.plan import EngineName
    from testbed.scenario import Suite
    from testbed.store import Run
    from testbed.tree import Tree


@dataclass(frozen=True, kw_only=True)
class Taken:
    """The pictures of one sitter."""

    name: str
    folder: Path
    shots: Shots


async def take_shots(
    run: Run,
    suite: Suite,
    order: Order,
    *,
    engine: EngineName,
    cache: Path,
    jobs: int,
    progress: Progress,
) -> list[Taken]:
    """Show what the patches of a run made of the application; return all that is there to be seen.

    Only scenarios with a tour, on a fixture with a face, are shown: the seeded tree and the
    reference once each, and the trials that `order` names. Pictures that are up to date stay as
    they are. Raises `RunError` when a scenario is no longer what the run was made of.
    """
    demand_models(run, order.models)
    found = await asyncio.to_thread(lambda: [Scenery.of(s) for s in suite.scenarios])
    sceneries = [scenery for scenery in found if scenery]
    for scenery in sceneries:
        scenery.demand_same(run)
    sitters = [sitter for scenery in sceneries for sitter in list_sitters(run, scenery, order)]
    due = [sitter for sitter in sitters if order.again or sitter.kept() is None]
    if due:
        progress(f"taking pictures of {len(due)} trees")
        stages = await _stages(due, choose_engine(engine), cache=cache, progress=progress)
        studio = _Studio(
            run_id=run.config.run_id,
            stages=stages,
            room=asyncio.Semaphore(jobs),
            progress=progress,
        )
        async with together() as group:
            for sitter in due:
                group.create_task(studio.take(sitter))
    kept = ((sitter, sitter.kept()) for sitter in sitters)
    return [Taken(name=s.name, folder=s.folder, shots=shots) for s, shots in kept if shots]


async def _stages(
    sitters: Sequence[Sitter], engine: Engine, *, cache: Path, progress: Progress
) -> dict[str, Stage]:
    """Build or reuse what showing needs; scenario -> stage."""
    sceneries = {s.scenery.scenario.id: s.scenery for s in sitters}
    scenarios = [scenery.scenario for scenery in sceneries.values()]
    # The caches are those of grading, made with grading's image: the same Node and packages.
    images = await build_images(scenarios, engine=engine, cache=cache, progress=progress)
    warmth = await warm_all(scenarios, images, engine=engine, cache=cache, progress=progress)
    browsers = {
        fixture.id: await with_browser(
            engine,
            await install(fixture.root, prune=fixture.card.prune, cache=cache, progress=progress),
            progress,
        )
        for fixture in {s.fixture.id: s.fixture for s in scenarios}.values()
    }
    return {
        name: Stage(
            fixture=scenery.scenario.fixture,
            face=scenery.face,
            tour=scenery.tour,
            engine=engine,
            browser=browsers[scenery.scenario.fixture.id],
            warmth=warmth[scenery.scenario.fixture.id],
        )
        for name, scenery in sceneries.items()
    }


@dataclass(frozen=True, kw_only=True)
class _Studio:
    """Shows each tree once, however many patches lead to it."""

    run_id: str
    stages: dict[str, Stage]
    room: asyncio.Semaphore
    progress: Progress
    reels: dict[tuple[str, str], asyncio.Task[Reel]] = field(default_factory=dict)
    """By scenario and digest of the tree."""

    async def take(self, sitter: Sitter) -> None:
        """Show one sitter's tree and keep the pictures."""
        stage = self.stages[sitter.scenery.scenario.id]
        tree = await asyncio.to_thread(sitter.scenery.tree, sitter.diff)
        key = (sitter.scenery.scenario.id, digest_tree(tree))
        if key not in self.reels:
            self.reels[key] = asyncio.create_task(self._show(stage, tree, sitter.name))
        reel = await self.reels[key]
        shots = Shots(
            scenario=sitter.scenery.scenario.id,
            patch=sitter.patch,
            tour=sitter.scenery.digest,
            engine=stage.engine.name,
            image=stage.browser.image,
            steps=reel.steps,
            planned_steps=len(stage.steps()),
            stopped=reel.stopped,
            build_s=reel.build_s,
            total_s=reel.total_s,
        )
        whole = await asyncio.to_thread(paste, reel, shots, sitter.folder)
        self.progress(f"{sitter.name}: {_in_short(whole)}")

    async def _show(self, stage: Stage, tree: Tree, name: str) -> Reel:
        """Try twice: a sandbox that goes away each time is the application's doing."""
        async with self.room:
            began = time.monotonic()
            for _ in range(2):
                try:
                    reel = await stage.show(tree, run_id=self.run_id, name=name)
                    return replace(reel, total_s=time.monotonic() - began)
                except SandboxLost as lost:
                    said = f"the sandbox went away, twice: {lost.what}"
        return Reel(stopped=said)


def _in_short(shots: Shots) -> str:
    taken = f"{len(shots.pictures)} pictures in {shots.total_s:.0f} s"
    return f"{taken}; stopped at {shots.stopped}" if shots.stopped else taken
