"""A copy of the tiny suite, made ready in the local sandbox."""

from __future__ import annotations

import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from runner.certify.grader import Grader
from runner.certify.hunt import Hunt
from runner.conductor import Prepared
from runner.grading.grade import graded_tree
from runner.grading.warmth import COLD
from runner.workspace import apply_patch, seed_workspace
from testbed.certified import inputs_of
from testbed.scenario import Scenario, load_suite

if TYPE_CHECKING:
    from runner.certify.ledger import Ledger
    from runner.sandbox.local import LocalEngine
    from testbed.tree import Tree

TINY = Path(__file__).parents[2] / "suites" / "tiny"


@dataclass(frozen=True)
class Desk:
    """The suite's folder, and what is certified there."""

    root: Path
    engine: LocalEngine
    image: str

    @property
    def scenario(self) -> Scenario:
        (scenario,) = load_suite(self.root).scenarios
        return scenario

    @property
    def prepared(self) -> Prepared:
        scenario = self.scenario
        return Prepared(
            engine=self.engine,
            images={"tiny": self.image},
            warmth={"tiny": COLD},
            workspaces={scenario.id: seed_workspace(scenario)},
            scenarios=(scenario,),
        )

    def grader(self, ledger: Ledger) -> Grader:
        inputs = inputs_of(self.scenario)
        return Grader(self.prepared, self.scenario, ledger, inputs=inputs, progress=print)

    def hunt(self, ledger: Ledger) -> Hunt:
        return Hunt(prepared=self.prepared, scenario=self.scenario, ledger=ledger, progress=print)

    def trees(self) -> tuple[Tree, Tree]:
        """Return the seeded tree and the reference's."""
        scenario, workspace = self.scenario, seed_workspace(self.scenario)
        solved = apply_patch(workspace, scenario.reference.read_bytes())
        return workspace.tree, graded_tree(scenario.fixture.card, workspace.tree, solved)

    def write(self, name: str, text: str) -> None:
        path = self.root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)


@pytest.fixture
def desk(tmp_path: Path, local_engine: LocalEngine, local_image: str) -> Desk:
    root = Path(shutil.copytree(TINY, tmp_path / "suite"))
    return Desk(root, local_engine, local_image)
