"""Build caches of the untouched fixture, so that grading compiles only what a patch changed."""

from __future__ import annotations

import hashlib
import shlex
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from runner.grading.archive import EMPTY, KIT_FOLDER, pack_tree
from runner.sandbox.base import SandboxSpec
from testbed.errors import EnvironmentFault
from testbed.store import write_atomically
from testbed.tree import digest_tree, read_tree

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from runner.sandbox.base import Engine, Progress, Sandbox
    from testbed.scenario import Fixture, Step, Warmup
    from testbed.tree import Tree

MAX_BYTES: Final = 256 << 20
_ARCHIVE: Final = "warm.tar"
_PACK_SECONDS: Final = 60.0
_TAIL: Final = 500


@dataclass(frozen=True, kw_only=True)
class Warmth:
    """The caches of one fixture, compressed; none is a cold start for every step."""

    archives: Mapping[str, bytes] = field(default_factory=dict, repr=False)
    """Step id -> zstandard frame of a tar."""

    async def lay(self, step: str, sandbox: Sandbox) -> None:
        """Unpack a step's cache into its sandbox."""
        import zstandard

        if step in self.archives:
            archive = zstandard.ZstdDecompressor().decompress(self.archives[step])
            await sandbox.unpack(archive)


COLD: Final = Warmth()


async def warm_up(
    fixture: Fixture, *, engine: Engine, image: str, cache: Path, run_id: str, progress: Progress
) -> Warmth:
    """Make the caches of a fixture, or reuse what `cache` holds from the same inputs."""
    tree = laid_fixture(fixture)
    archives: dict[str, bytes] = {}
    for step in fixture.card.steps:
        if step.warmup is None:
            continue
        place = cache / "warmth" / f"{_key(step, tree, image)}.tar.zst"
        if not place.is_file():
            progress(f"warming the build cache of {fixture.id} for step `{step.id}`")
            made = await _make(
                fixture, step.warmup, tree, engine=engine, image=image, run_id=run_id
            )
            write_atomically(place, made)
        archives[step.id] = place.read_bytes()
    return Warmth(archives=archives)


def laid_fixture(fixture: Fixture) -> Tree:
    """Return the untouched fixture with the grading kit, no check of any scenario."""
    app = read_tree(fixture.root, fixture.card.ignored)
    kit = {f"{KIT_FOLDER}/{path}": file for path, file in read_tree(fixture.kit).items()}
    return {**app, **kit}


def _key(step: Step, tree: Tree, image: str) -> str:
    asked = step.model_dump_json()
    return hashlib.sha256(f"{asked}\0{image}\0{EMPTY}\0{digest_tree(tree)}".encode()).hexdigest()


async def _make(
    fixture: Fixture, warmup: Warmup, tree: Tree, *, engine: Engine, image: str, run_id: str
) -> bytes:
    import zstandard

    spec = SandboxSpec(
        run_id=run_id,
        name=f"warm-up-{fixture.id}",
        image=image,
        environment=fixture.card.environment,
        empty=EMPTY,
    )
    async with await engine.start(spec) as sandbox:
        await sandbox.unpack(pack_tree(tree))
        await _run(fixture, sandbox, warmup.argv, warmup.timeout_seconds)
        await _run(fixture, sandbox, ("tar", "-cf", _ARCHIVE, warmup.keep), _PACK_SECONDS)
        archive = await sandbox.read(_ARCHIVE, limit=MAX_BYTES)
    return zstandard.ZstdCompressor().compress(archive)


async def _run(fixture: Fixture, sandbox: Sandbox, argv: tuple[str, ...], seconds: float) -> None:
    result = await sandbox.run(argv, timeout_s=seconds, merge=True)
    if result.exit_code != 0:
        said = result.stdout.decode("utf-8", "replace")[-_TAIL:].strip()
        raise EnvironmentFault(
            f"{fixture.id}: `{shlex.join(argv)}` ended with {result.exit_code}: {said}",
            next_step="The untouched fixture must build: run `testbed doctor`, then mend it",
        )
