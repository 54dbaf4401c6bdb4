"""A scenario's files as its author left them, read once for every rule that looks at them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from runner.grading.changes import Changes, read_changes
from runner.workspace import PatchError, apply_patch, diff_trees, pristine_tree, seed_workspace
from testbed.errors import ScenarioError
from testbed.scenario import read_wrong_patch
from testbed.tree import Tree, read_tree

if TYPE_CHECKING:
    from collections.abc import Iterator

    from runner.workspace import Workspace
    from testbed.scenario import Scenario


@dataclass(frozen=True, kw_only=True)
class Candidate:
    """One patch with a known outcome, applied."""

    name: str
    """`reference`, `right/<name>` or `wrong/<name>`."""
    fault: str
    """Why it cannot be used: a missing header, or it does not apply; empty otherwise."""
    caught_by: str
    """Empty for a right one."""
    tree: Tree
    changes: Changes
    """Against the seeded tree."""

    @property
    def file(self) -> str:
        """Locate it below the scenario's folder."""
        return f"{self.name}.patch"

    @property
    def right(self) -> bool:
        """Say whether it must pass."""
        return not self.name.startswith("wrong/")


@dataclass(frozen=True, kw_only=True)
class Material:
    """One scenario's trees and patches."""

    scenario: Scenario
    files: Tree
    """The scenario's folder."""
    checks: Tree
    """Hidden checks, the manifests left out."""
    pristine: Tree
    seeded: Tree
    seed: Changes
    candidates: tuple[Candidate, ...]


def gather(scenario: Scenario) -> Material:
    """Read and apply what a scenario holds; raise `ScenarioError` when its seed does not apply."""
    workspace, pristine = seed_workspace(scenario), pristine_tree(scenario.fixture)
    return Material(
        scenario=scenario,
        files=read_tree(scenario.root),
        checks=read_tree(scenario.checks, ("*.txt",)),
        pristine=pristine,
        seeded=workspace.tree,
        seed=read_changes(diff_trees(pristine, workspace.tree)),
        candidates=tuple(_candidates(scenario, workspace)),
    )


def _candidates(scenario: Scenario, workspace: Workspace) -> Iterator[Candidate]:
    folders = [scenario.root.glob(f"{folder}/*.patch") for folder in ("right", "wrong")]
    for path in (scenario.reference, *(path for found in folders for path in sorted(found))):
        name = path.relative_to(scenario.root).with_suffix("").as_posix()
        caught_by, fault, tree = "", "", workspace.tree
        try:
            tree = apply_patch(workspace, path.read_bytes(), source=path.name)
            caught_by = read_wrong_patch(path).caught_by if name.startswith("wrong/") else ""
        except (PatchError, ScenarioError) as wrong:
            fault = wrong.what
        changes = read_changes(diff_trees(workspace.tree, tree))
        yield Candidate(name=name, fault=fault, caught_by=caught_by, tree=tree, changes=changes)
