"""One batch from open run to last trial: engine, images, scenes, models, pool."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from importlib.metadata import version
from typing import TYPE_CHECKING

from runner.agent.prompts import prompts_digest
from runner.batch import Batch, Watcher
from runner.chatters import Chatters, probe_endpoints
from runner.sandbox.choose import choose_engine
from runner.scene import (
    Scene,
    build_images,
    digest_fixture,
    digest_scenario,
    seed_all,
    set_scene,
    warm_all,
)
from runner.trial import Workshop, make_trial
from testbed.plan import RunLock

if TYPE_CHECKING:
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

    def lock(self, config: RunConfig) -> RunLock:
        """Write down by digest what a configuration resolves to here."""
        fixtures = {s.fixture.id: s.fixture for s in self.scenarios}
        return RunLock(
            testbed=version("testbed"),
            engine=self.engine.name,
            images=self.images,
            prompt=prompts_digest(),
            fixtures={name: digest_fixture(fixture) for name, fixture in fixtures.items()},
            scenarios={s.id: digest_scenario(s, self.workspaces[s.id]) for s in self.scenarios},
            models={card.id: card.digest() for card in config.models},
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


async def prepare(
    suite: Suite, *, engine_name: EngineName, cache: Path, progress: Progress
) -> Prepared:
    """Check what is cheap to check first, then build or reuse what sandboxes need."""
    engine = choose_engine(engine_name)
    if engine.weaker:
        progress(f"{engine.weaker}. Install Docker for the full sandbox: apt-get install docker.io")
    workspaces = await asyncio.to_thread(seed_all, suite.scenarios)
    removed = await engine.clean()
    if removed:
        progress(f"removed {removed} sandboxes that a crashed run left behind")
    scenarios = suite.scenarios
    images = await build_images(scenarios, engine=engine, cache=cache, progress=progress)
    warmth = await warm_all(scenarios, images, engine=engine, cache=cache, progress=progress)
    return Prepared(
        engine=engine, images=images, warmth=warmth, workspaces=workspaces, scenarios=scenarios
    )


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

    async def work(self) -> Batch:
        """Do it all; raise the first expected error. Finished trials are kept whatever happens."""
        config = self.run.config
        await probe_endpoints(config.models)
        prepared = await prepare(
            self.suite, engine_name=config.engine, cache=self.cache, progress=self.progress
        )
        with self.run.writing(prepared.lock(config)):
            scenes = await prepared.scenes(run_id=config.run_id, progress=self.progress)
            async with Chatters(config.models, scenes) as chatters:
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
