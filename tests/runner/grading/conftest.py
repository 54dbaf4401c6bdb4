"""A small suite of its own, `tiny/`, and a place to run the fixture's commands in."""

from __future__ import annotations

import asyncio
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Literal

import pytest

from runner.grading.archive import KIT_FOLDER
from runner.grading.facts import Facts, read_facts
from runner.sandbox.dependencies import install
from runner.sandbox.node import node_root
from runner.workspace import Workspace, diff_trees, seed_workspace, write_tree
from testbed.scenario import Fixture, Scenario, load_fixture, load_suite
from testbed.tree import File

if TYPE_CHECKING:
    from collections.abc import Mapping

    from testbed.tree import Tree


TINY = Path(__file__).parents[2] / "suites" / "tiny"
FIXTURES = Path(__file__).parents[3] / "fixtures"


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


@dataclass(frozen=True)
class Shop:
    """Where a command of the kit runs: laid out as in a sandbox, packages one folder above."""

    fixture: Fixture
    folder: Path

    def run(
        self, tree: Tree, name: Literal["quality", "mutants"] = "quality"
    ) -> subprocess.CompletedProcess[bytes]:
        """Run a command of the card over a tree."""
        command = getattr(self.fixture.card, name)
        assert command
        app = self.folder / "app"
        shutil.rmtree(app, ignore_errors=True)
        write_tree(app, tree)
        shutil.copytree(self.fixture.kit, app / KIT_FOLDER, dirs_exist_ok=True)
        argv = [str(node_root() / "bin" / "node"), *command.argv[1:]]
        return subprocess.run(
            argv, cwd=app, capture_output=True, timeout=command.timeout_seconds, check=False
        )

    def facts(self, texts: Mapping[str, str]) -> Facts:
        """Return the facts of a tree."""
        done = self.run({path: File(text.encode()) for path, text in texts.items()})
        facts = read_facts(done.stdout)
        assert facts, done.stderr
        return facts


@pytest.fixture
def shop(tmp_path: Path) -> Shop:
    fixture = load_fixture(FIXTURES, "nextjs-ats")
    card, cache = fixture.card, FIXTURES.parent / ".cache"
    packages = asyncio.run(install(fixture.root, prune=card.prune, cache=cache, progress=print))
    (tmp_path / "node_modules").symlink_to(packages.node_modules)
    return Shop(fixture, tmp_path)
