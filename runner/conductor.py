"""One batch from open run to last trial: engine, images, scenes, models, pool."""

from __future__ import annotations

import asyncio
import hashlib
from dataclasses import dataclass, field
from importlib.metadata import version
from typing import TYPE_CHECKING

from runner.agent.prompts import prompts_digest
from runner.batch import Batch, Watcher
from runner.chatters import Chatters, probe_endpoints
from runner.local.server import serve_local
from runner.preflight.gate import Gate
from runner.sandbox.choose import choose_engine
from runner.scene import (
    Scene,
    build_images,
    digest_fixture,
    digest_scenario,
    seed_all,
    set_scene,
    warm_all,
    write_briefs,
    write_references,
)
from runner.scratch import sweep_scratch
from runner.trial import Workshop, make_trial
from testbed.plan import RunLock

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from runner.grading.warmth import Warmth
    from runner.sandbox.base import Engine, Progress
    from runner.workspace import Workspace
    from testbed.plan import EngineName, PlannedTrial, RunConfig
    from testbed.records import Trial
    from testbed.scenario import Scenario, Suite
    from testbed.store import Run


@dataclass(frozen=True, kw_only=True)
class Prepared:
    """What stands ready before the first trial: an engine, images, seeded workspaces."""

    engine: Engine
    images: dict[str, str]
    warmth: dict[str, Warmth]
    workspaces: dict[str, Workspace]
    scenarios: tuple[Scenario, ...]

    def lock(self, config: RunConfig, *, asked: Path | None = None) -> RunLock:
        """Write down by digest what a configuration resolves to here.

        `asked` is the file that holds it, so that the lock holds that file too.
        """
        fixtures = {s.fixture.id: s.fixture for s in self.scenarios}
        return RunLock(
            testbed=version("testbed"),
            engine=self.engine.name,
            images=self.images,
            prompt=prompts_digest(follow_ups=config.follow_ups > 0),
            fixtures={name: digest_fixture(fixture) for name, fixture in fixtures.items()},
            scenarios={s.id: digest_scenario(s, self.workspaces[s.id]) for s in self.scenarios},
            models={card.id: card.digest() for card in config.models},
            config=hashlib.sha256(asked.read_bytes()).hexdigest() if asked else None,
        )

    async def scene(self, scenario: Scenario, *, run_id: str) -> Scene:
        """Make one scenario ready for grading."""
        return await set_scene(
            scenario,
            self.workspaces[scenario.id],
            image=self.images[scenario.fixture.id],
            engine=self.engine,
            run_id=run_id,
            warmth=self.warmth[scenario.fixture.id],
        )

    async def scenes(self, *, run_id: str, progress: Progress) -> dict[str, Scene]:
        """Make every scenario ready for grading."""
        progress(f"measuring the seeded tree of {len(self.scenarios)} scenarios")
        return {s.id: await self.scene(s, run_id=run_id) for s in self.scenarios}


@dataclass(frozen=True, kw_only=True)
class Checked:
    """What is cheap to find out: there is an engine, and every seed fits its fixture."""

    engine: Engine
    workspaces: dict[str, Workspace]
    scenarios: tuple[Scenario, ...]

    async def build(self, *, cache: Path, progress: Progress) -> Prepared:
        """Build or reuse what sandboxes need."""
        engine, scenarios = self.engine, self.scenarios
        images = await build_images(scenarios, engine=engine, cache=cache, progress=progress)
        warmth = await warm_all(scenarios, images, engine=engine, cache=cache, progress=progress)
        return Prepared(
            engine=engine,
            images=images,
            warmth=warmth,
            workspaces=self.workspaces,
            scenarios=scenarios,
        )


async def check(suite: Suite, *, engine_name: EngineName, progress: Progress) -> Checked:
    """Check what is cheap to check."""
    engine = await open_engine(engine_name, progress=progress)
    workspaces = await asyncio.to_thread(seed_all, suite.scenarios)
    return Checked(engine=engine, workspaces=workspaces, scenarios=suite.scenarios)


async def open_engine(name: EngineName, *, progress: Progress) -> Engine:
    """Choose an engine, and remove what crashed runs left behind."""
    engine = choose_engine(name)
    if engine.weaker:
        progress(f"{engine.weaker}. Install Docker for the full sandbox: apt-get install docker.io")
    sweep_scratch()
    removed = await engine.clean()
    if removed:
        progress(f"removed {removed} sandboxes that a crashed run left behind")
    return engine


async def prepare(
    suite: Suite, *, engine_name: EngineName, cache: Path, progress: Progress
) -> Prepared:
    """Check what is cheap to check first, then build or reuse what sandboxes need."""
    checked = await check(suite, engine_name=engine_name, progress=progress)
    return await checked.build(cache=cache, progress=progress)


@dataclass(frozen=True, kw_only=True)
class Conductor:
    """Makes the trials that a run still misses."""

    run: Run
    suite: Suite
    cache: Path
    jobs: int
    graders: int
    """Gradings at the same time."""
    progress: Progress
    watcher: Watcher = field(default_factory=Watcher)
    force: bool = False
    """Whether a model that fails the preflight is run all the same, as if `run.json` said so."""

    async def work(self) -> Batch:
        """Do it all; raise the first expected error. Finished trials are kept whatever happens."""
        config = self.run.config
        async with serve_local(config.models) as places:
            await probe_endpoints(config.models, places)
            # What is wrong here must not cost a token, and a red model no image.
            checked = await check(self.suite, engine_name=config.engine, progress=self.progress)
            gate = Gate(self.run, places=places, progress=self.progress)
            await gate.pass_all(forced=self.force or config.forced)
            prepared = await checked.build(cache=self.cache, progress=self.progress)
            return await self._make(prepared, places)

    async def _make(self, prepared: Prepared, places: Mapping[str, str]) -> Batch:
        config = self.run.config
        with self.run.writing(prepared.lock(config, asked=self.run.paths.config)):
            write_briefs(self.run, prepared.scenarios)
            scenes = await prepared.scenes(run_id=config.run_id, progress=self.progress)
            await write_references(self.run, scenes, engine=prepared.engine)
            async with Chatters(config.models, scenes, places) as chatters:
                workshop = Workshop(
                    run=self.run,
                    engine=prepared.engine,
                    scenes=scenes,
                    open_chat=chatters.open,
                    graders=asyncio.Semaphore(self.graders),
                )

                async def make(planned: PlannedTrial, attempt: int) -> Trial:
                    return await make_trial(workshop, planned, attempt)

                batch = Batch(run=self.run, make=make, jobs=self.jobs, watcher=self.watcher)
                await batch.work()
        return batch
