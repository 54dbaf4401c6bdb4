"""A scenario's patches as work trees: written out to be edited, and read back as patches."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from runner.grading.changes import read_changes
from runner.workspace import (
    apply_patch,
    diff_trees,
    make_workspace,
    one_commit,
    pristine_tree,
    seed_workspace,
    write_tree,
)
from testbed.errors import UsageError
from testbed.scenario import read_wrong_patch
from testbed.store import write_atomically
from testbed.tree import read_tree

if TYPE_CHECKING:
    from pathlib import Path

    from runner.workspace import Workspace
    from testbed.scenario import Scenario

SEED: Final = "seed"
_NAME: Final = re.compile(r"seed|reference|(?:right|wrong)/[a-z0-9][a-z0-9-]{0,62}")
_MARK: Final = "testbed-base"
"""Below `.git`, where it is no part of any patch: the digest of what was checked out."""


@dataclass(frozen=True, kw_only=True)
class Saved:
    """A patch that was written."""

    path: Path
    files: tuple[str, ...]
    lines: int
    """Added plus deleted."""


def checkout(scenario: Scenario, folder: Path, *, name: str | None = None) -> None:
    """Write a repository whose one commit is the seeded tree, and lay a patch over it.

    The patch is not committed, so that `git diff` shows it. The seed is laid over the pristine
    fixture. Raises `UsageError` for a folder that is in use and a patch that does not exist.
    """
    if folder.exists() and any(folder.iterdir()):
        raise UsageError(f"{folder} is in use", next_step="Name a folder that does not exist yet")
    base = _base(scenario, name or "")
    tree = base.tree
    if name:
        patch = patch_path(scenario, name)
        if not patch.is_file():
            raise UsageError(f"{patch}: no such patch", next_step="Save it first, or name another")
        tree = apply_patch(base, patch.read_bytes(), source=str(patch))
    write_tree(folder, {**tree, **one_commit(base.tree)})
    (folder / ".git" / _MARK).write_text(base.digest)


def save(
    scenario: Scenario, name: str, folder: Path, *, reason: str | None, caught_by: str | None
) -> Saved:
    """Write what a work tree changes as the named patch of its scenario.

    A wrong patch keeps the header it has unless it is given a new one. Raises `UsageError`
    when the folder was not checked out from what the patch must apply to, or changes nothing.
    """
    path = patch_path(scenario, name)
    header = _header(path, reason, caught_by)
    base = _base(scenario, name)
    _demand_checkout(folder, base, scenario.id)
    diff = diff_trees(base.tree, read_tree(folder, scenario.fixture.card.ignored))
    if not diff:
        raise UsageError(f"{folder} changes nothing", next_step="Edit it first")
    write_atomically(path, header.encode() + diff)
    changes = read_changes(diff)
    lines = sum(len(change.added) + len(change.deleted) for change in changes.values())
    return Saved(path=path, files=tuple(sorted(changes)), lines=lines)


def patch_path(scenario: Scenario, name: str) -> Path:
    """Locate a patch by its name; raise `UsageError` for a name that is none."""
    if not _NAME.fullmatch(name):
        raise UsageError(
            f"`{name}` is no name of a patch",
            next_step="Use seed, reference, right/<name> or wrong/<name>",
        )
    return scenario.root / f"{name}.patch"


def _base(scenario: Scenario, name: str) -> Workspace:
    """Return what a patch applies to."""
    if name == SEED:
        return make_workspace(pristine_tree(scenario.fixture))
    return seed_workspace(scenario)


def _header(path: Path, reason: str | None, caught_by: str | None) -> str:
    if path.parent.name != "wrong":
        if reason or caught_by:
            raise UsageError(
                "--reason and --caught-by belong to wrong patches", next_step="Leave them out"
            )
        return ""
    if path.is_file() and not (reason and caught_by):
        known = read_wrong_patch(path)
        reason, caught_by = reason or known.reason, caught_by or known.caught_by
    if not (reason and caught_by):
        raise UsageError(
            f"{path.stem}: a wrong patch says why it is wrong and which check must fail",
            next_step="Give --reason and --caught-by",
        )
    return f"Reason: {' '.join(reason.split())}\nCaught-by: {caught_by.strip()}\n\n"


def _demand_checkout(folder: Path, base: Workspace, scenario: str) -> None:
    mark = folder / ".git" / _MARK
    if not mark.is_file():
        raise UsageError(
            f"{folder} is no checkout of a scenario",
            next_step=f"Make one with `testbed scenarios checkout {scenario} DIR`",
        )
    if mark.read_text() != base.digest:
        raise UsageError(
            f"{folder} was not checked out from what this patch must apply to (the seed or the"
            " fixture has changed since, or another patch was meant)",
            next_step="Check out anew and carry your changes over:"
            f" `git -C {folder} diff | git -C NEW apply --3way`",
        )
