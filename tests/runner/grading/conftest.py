"""A small suite of its own: `tiny/`, whose test runner is a Node script."""

from __future__ import annotations

import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from runner.workspace import Workspace, diff_trees, seed_workspace
from testbed.scenario import Scenario, load_suite
from testbed.tree import File

if TYPE_CHECKING:
    from collections.abc import Mapping


TINY = Path(__file__).parents[2] / "suites" / "tiny"


@dataclass(frozen=True)
class Tiny:
    """The scenario, its workspace, and what to make of them."""

    scenario: Scenario
    workspace: Workspace

    def patch(self, change: Mapping[str, str | None]) -> bytes:
        """Write the diff that sets (or with `None` deletes) these files."""
        after = dict(self.workspace.tree)
        for path, text in change.items():
            if text is None:
                del after[path]
            else:
                after[path] = File(text.encode())
        return diff_trees(self.workspace.tree, after)

    def report(self, *, passing: bool = True) -> bytes:
        """Write the report of a run in which all tests, or only the old ones, pass."""
        failure = "" if passing else '<failure message="no"/>'
        marks = dict.fromkeys(self.scenario.pass_to_pass, "")
        marks |= dict.fromkeys(self.scenario.fail_to_pass, failure)
        cases = (
            f'<testcase classname="{name.partition("::")[0]}" name="{name.partition("::")[2]}">'
            f"{mark}</testcase>"
            for name, mark in marks.items()
        )
        return f"<testsuites><testsuite>{''.join(cases)}</testsuite></testsuites>".encode()


@pytest.fixture
def tiny(tmp_path: Path) -> Tiny:
    root = tmp_path / "suite"
    shutil.copytree(TINY, root)
    (scenario,) = load_suite(root).scenarios
    return Tiny(scenario, seed_workspace(scenario))
