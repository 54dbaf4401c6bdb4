"""One tree on stage: built and started in a sandbox of its own, with a browser walking through."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final

from runner.grading.archive import KIT_FOLDER, overlay, pack_tree
from runner.grading.warmth import COLD, Warmth
from runner.sandbox.base import Limits, SandboxSpec
from runner.shots.reel import MAX_FRAMES, MAX_PICTURE_BYTES, Reel, read_reel
from testbed.errors import EnvironmentFault
from testbed.tour import Face, Tour, face_folder, whole_steps
from testbed.tree import File, Tree, matches, read_tree

if TYPE_CHECKING:
    from runner.sandbox.base import Engine
    from runner.shots.engines import Browser
    from testbed.scenario import Fixture
    from testbed.tour import Step

_DRIVER: Final = Path(__file__).parent / "inside"
_FOLDER: Final = f"{KIT_FOLDER}/tour"
_STILL: Final = {"scales": [0.75, 0.5, 0.25], "max_bytes": MAX_PICTURE_BYTES}
"""Pictures of a page 1280 wide are 960 wide, or smaller where they would be too heavy."""
_FRAME: Final = {"scale": 0.5, "quality": 60, "max": MAX_FRAMES}
_TOUR_SECONDS: Final = 120.0
_NO_BROWSER: Final = 3
_LIMITS: Final = Limits(pids=1024)
"""Every thread of Chromium and of the application counts."""


@dataclass(frozen=True, kw_only=True)
class Stage:
    """Where the trees of one scenario are shown."""

    fixture: Fixture
    face: Face
    tour: Tour
    engine: Engine
    browser: Browser
    warmth: Warmth = COLD

    async def show(self, tree: Tree, *, run_id: str, name: str) -> Reel:
        """Build a tree, walk through it and bring the pictures home.

        A tree that does not build or that breaks the tour is a result. Raises `EnvironmentFault`
        when the browser itself does not start, `SandboxLost` when the sandbox went away.
        """
        fonts = f"/ws/app/{_FOLDER}/fonts.conf"
        spec = SandboxSpec(
            run_id=run_id,
            name=f"shots-{name}",
            image=self.browser.image,
            environment={**self.fixture.card.environment, "FONTCONFIG_FILE": fonts},
            limits=_LIMITS,
        )
        async with await self.engine.start(spec) as sandbox:
            await sandbox.unpack(pack_tree(self._lay(tree)))
            for step in self.warmth.archives:
                await self.warmth.lay(step, sandbox)
            seconds = self.face.start_seconds + _TOUR_SECONDS
            ended = await sandbox.run(("node", f"{_FOLDER}/tour.mjs"), timeout_s=seconds)
            if ended.exit_code == _NO_BROWSER:
                raise EnvironmentFault(
                    f"No pictures: {ended.stderr.decode(errors='replace').strip()}",
                    next_step="Run `testbed clean --images` (Docker), or mend the host's Chromium",
                )
            return await read_reel(sandbox, f"{_FOLDER}/out", self.steps())

    def steps(self) -> tuple[Step, ...]:
        """List what the visitor does to sign in, then the tour."""
        before, steps = whole_steps(self.tour, self.face)
        return (*before, *steps)

    def _lay(self, tree: Tree) -> Tree:
        """Lay the grading kit, the face's files and the driver over a tree, and no hidden check."""
        face = read_tree(face_folder(self.fixture), ("face.toml",))
        driver = {f"tour/{path}": file for path, file in read_tree(_DRIVER).items()}
        asked = {"tour/tour.json": File(json.dumps(self._asked()).encode())}
        laid = {**read_tree(self.fixture.kit), **face, **driver, **asked}
        kept = {p: f for p, f in tree.items() if not matches(p, (KIT_FOLDER, f"{KIT_FOLDER}/**"))}
        return overlay(kept, {f"{KIT_FOLDER}/{path}": file for path, file in laid.items()})

    def _asked(self) -> dict[str, object]:
        before, steps = whole_steps(self.tour, self.face)
        return {
            "chromium": self.browser.program,
            "serve": self.face.serve,
            "start_seconds": self.face.start_seconds,
            "still": _STILL,
            "frame": _FRAME,
            "steps": [
                *({**step.model_dump(exclude_none=True), "silent": True} for step in before),
                *(step.model_dump(exclude_none=True) for step in steps),
            ],
        }
