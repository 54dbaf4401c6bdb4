from __future__ import annotations

import shutil
import subprocess
import tomllib
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from runner.players.moves import carry_out
from testbed.tree import read_tree

if TYPE_CHECKING:
    from collections.abc import Callable

ROOT = Path(__file__).parents[3]
CARDS = sorted(ROOT.glob("scenarios/*/scenario.toml"))
LEFT_OUT = ("node_modules", ".next")


def apply(patch: Path, workspace: Path) -> None:
    argv = ["git", "apply", "--whitespace=nowarn", str(patch)]
    subprocess.run(argv, cwd=workspace, check=True)


@pytest.mark.parametrize("card", CARDS, ids=lambda path: path.parent.name)
def test_the_moves_of_every_scenario_reproduce_its_reference(
    card: Path, tmp_path: Path, open_workspace: Callable[..., Any]
) -> None:
    workspace = tmp_path / "app"
    fixture = ROOT / "fixtures" / tomllib.loads(card.read_text(encoding="utf-8"))["fixture"]
    shutil.copytree(fixture, workspace, ignore=shutil.ignore_patterns(*LEFT_OUT))
    apply(card.parent / "seed.patch", workspace)
    seeded = read_tree(workspace)
    apply(card.parent / "reference.patch", workspace)
    solved = read_tree(workspace)

    played = open_workspace(seeded).play(carry_out(seeded, solved))

    assert seeded != solved
    assert played.files == solved
    assert not played.faults
