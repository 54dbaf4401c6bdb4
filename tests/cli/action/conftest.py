"""One run of two players in two shards, made once through the real command line."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from testbed.cli.action_report import make_report

TINY = Path(__file__).parents[2] / "suites" / "tiny"
INPUTS = {
    "INPUT_BASELINE": "scripted/oracle",
    "INPUT_CANDIDATE": "scripted/noop",
    "INPUT_REPEATS": "3",
    "INPUT_SHARDS": "2",
}


@dataclass(frozen=True)
class Place:
    """A working directory with the tiny suite in it, as a job has it."""

    folder: Path
    cache: Path

    @property
    def plan(self) -> Path:
        return self.folder / "plan"

    @property
    def shards(self) -> Path:
        return self.folder / "shards"

    @property
    def runs(self) -> list[Path]:
        """Give the runs' folders of the shards."""
        return [path.parent for path in sorted(self.shards.glob("*/*/run.json"))]

    @property
    def outputs(self) -> dict[str, str]:
        """Read what was written to GITHUB_OUTPUT."""
        found: dict[str, str] = {}
        lines = (self.folder / "outputs").read_text().splitlines()
        for name, value, end in zip(lines[::3], lines[1::3], lines[2::3], strict=True):
            key, _, marker = name.partition("<<")
            assert marker == end
            found[key] = value
        return found

    @property
    def summary(self) -> str:
        return (self.folder / "step.md").read_text()

    def replan(self, **changes: Any) -> None:  # noqa: ANN401  (any field of a plan)
        """Change what the plan says beside the run's configuration."""
        path = self.plan / "plan.json"
        plan = json.loads(path.read_text())
        for name, value in changes.items():
            plan[name] = plan[name] | value if isinstance(value, dict) else value
        path.write_text(json.dumps(plan))

    def reported(self) -> tuple[int, dict[str, Any]]:
        """Report within this process: the exit code, and the outcome."""
        answer = self.folder / "answer"
        code = make_report(self.plan, self.shards, answer, {})
        return code, json.loads((answer / "outcome.json").read_text())

    def testbed(self, *arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
        kept = {name: os.environ[name] for name in ("PATH", "HOME") if name in os.environ}
        own = {
            "TESTBED_CACHE": str(self.cache),
            "DOCKER_HOST": "unix:///nowhere",
            "GITHUB_OUTPUT": str(self.folder / "outputs"),
            "GITHUB_STEP_SUMMARY": str(self.folder / "step.md"),
        }
        return subprocess.run(
            [sys.executable, "-m", "testbed", *arguments],
            cwd=self.folder,
            env=kept | own | environment,
            capture_output=True,
            text=True,
            timeout=240,
            check=False,
        )


def _laid_out(folder: Path) -> Path:
    shutil.copytree(TINY, folder, dirs_exist_ok=True)
    (folder / "gate.toml").write_text("min_scenarios = 1\nmin_repeats = 2\n")
    return folder


@pytest.fixture(scope="session")
def made(tmp_path_factory: pytest.TempPathFactory, cache: Path, local_engine: object) -> Place:
    """Plan and make both shards: the baseline solves everything, the candidate nothing."""
    assert local_engine
    place = Place(_laid_out(tmp_path_factory.mktemp("made")), cache)
    planned = place.testbed("action", "plan", "-o", "plan", **INPUTS)
    assert planned.returncode == 0, planned.stdout + planned.stderr
    for number in ("1", "2"):
        ran = place.testbed(
            *("action", "shard", "--plan", "plan"),
            *("--number", number, "-o", f"shards/testbed-{number}"),
        )
        assert ran.returncode == 0, ran.stdout + ran.stderr
    return place


@pytest.fixture
def job(made: Place, tmp_path: Path) -> Place:
    """Give a copy of what the jobs before the report have left."""
    shutil.copytree(made.folder, tmp_path, dirs_exist_ok=True)
    (tmp_path / "outputs").write_text("")
    (tmp_path / "step.md").write_text("")
    return Place(tmp_path, made.cache)


@pytest.fixture
def fresh(tmp_path: Path, cache: Path) -> Place:
    """Give a place where nothing was planned yet."""
    return Place(_laid_out(tmp_path), cache)
