"""The patch that a workspace leaves, without the keys of endpoints."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from typing import TYPE_CHECKING, Final

from runner.grading.archive import Unreadable, pack_tree, read_packed
from runner.redaction import MARK, Redactor
from runner.workspace import apply_patch, take_patch
from testbed.tree import File

if TYPE_CHECKING:
    from runner.sandbox.base import Sandbox
    from runner.scene import Scene
    from runner.workspace import PatchFile

_KEY_FOUND: Final = f"the key of an endpoint, for which {MARK} stands now"


async def leave_patch(scene: Scene, sandbox: Sandbox, redactor: Redactor) -> PatchFile:
    """Take the patch of a workspace; raises as `take_patch` and the sandbox's `pack` do.

    Raises `PatchError` for one that git writes and does not apply again, as of an empty file
    below a folder whose name ends in a blank.
    """
    packed = await sandbox.pack(exclude=scene.scenario.fixture.card.ignored)
    return await asyncio.to_thread(_applicable, scene, packed, redactor)


def _applicable(scene: Scene, packed: bytes, redactor: Redactor) -> PatchFile:
    patch = _taken(scene, packed, redactor)
    apply_patch(scene.workspace, patch.diff)
    return patch


def _taken(scene: Scene, packed: bytes, redactor: Redactor) -> PatchFile:
    """Take keys out of the files themselves, so that what is kept is what is graded."""
    workspace, card = scene.workspace, scene.scenario.fixture.card
    secrets = _secrets(scene, packed, redactor)
    if not secrets.keys:
        return take_patch(workspace, packed, card)
    try:
        tree, dropped = read_packed(packed, card.ignored)
    except Unreadable:
        return take_patch(workspace, packed, card)
    clean = {
        secrets.text(path): File(secrets.data(file.data), file.executable)
        for path, file in tree.items()
    }
    patch = take_patch(workspace, pack_tree(clean), card)
    found = [_KEY_FOUND] if clean != tree else []
    return replace(patch, dropped=(*dropped, *patch.dropped, *found))


def _secrets(scene: Scene, packed: bytes, redactor: Redactor) -> Redactor:
    """Keep the keys that stand in a workspace and not in the files it was seeded with."""
    public = scene.workspace.tree.values()
    return Redactor(
        tuple(
            key
            for key in redactor.keys
            if key.encode() in packed and not any(key.encode() in file.data for file in public)
        )
    )
