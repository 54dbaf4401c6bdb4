"""The hidden checks of a suite's scenarios, as they are laid over one tree together."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from runner.grading.archive import KIT_FOLDER
from testbed.tree import File, Tree, matches, read_tree

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping

    from testbed.scenario import Scenario


@dataclass(frozen=True, kw_only=True)
class Group:
    """Checks of several scenarios that do not stand in each other's way."""

    files: Tree
    """Path in the sandbox -> file: test files and what only they import."""
    owners: Mapping[str, frozenset[str]]
    """Path -> ids of the scenarios that it belongs to."""

    def alone(self, tests: Collection[str], globs: Collection[str]) -> dict[str, File]:
        """Return some test files and what they may import: the rest of their scenarios.

        Other test files, which `globs` tell, are left out.
        """
        theirs = frozenset[str]().union(*(self.owners[test] for test in tests))
        return {
            path: file
            for path, file in self.files.items()
            if path in tests or (self.owners[path] & theirs and not matches(path, globs))
        }


def group_checks(scenarios: Iterable[Scenario]) -> tuple[Group, ...]:
    """Group the checks of the scenarios' first step; each scenario's stay together.

    A scenario whose manifests are not recorded is left out: its checks are not proven yet.
    """
    files: list[dict[str, File]] = []
    owners: list[dict[str, frozenset[str]]] = []
    for scenario in scenarios:
        mine = _checks(scenario) if scenario.fail_to_pass else {}
        place = next((n for n, group in enumerate(files) if _fits(mine, group)), len(files))
        if mine and place == len(files):
            files.append({})
            owners.append({})
        for path, file in mine.items():
            files[place][path] = file
            owners[place][path] = owners[place].get(path, frozenset()) | {scenario.id}
    return tuple(Group(files=f, owners=o) for f, o in zip(files, owners, strict=True))


def _checks(scenario: Scenario) -> dict[str, File]:
    step = scenario.fixture.card.steps[0].id
    found = read_tree(scenario.checks / step)
    return {f"{KIT_FOLDER}/checks/{step}/{path}": file for path, file in found.items()}


def _fits(mine: Tree, group: Tree) -> bool:
    return all(group.get(path, file) == file for path, file in mine.items())
