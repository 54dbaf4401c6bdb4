"""A suite whose trials take a second, and the command line run as users run it."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Mapping

TINY = Path(__file__).parents[1] / "suites" / "tiny"


@dataclass(frozen=True)
class Desk:
    """A folder to work in: a copy of the tiny suite, a cache and the runs."""

    folder: Path
    cache: Path

    @property
    def runs(self) -> Path:
        return self.folder / "runs"

    def environment(self, more: Mapping[str, str]) -> dict[str, str]:
        kept = {name: os.environ[name] for name in ("PATH", "HOME") if name in os.environ}
        docker = {n: v for n, v in os.environ.items() if n.startswith("DOCKER_")}
        return {**kept, **docker, "TESTBED_CACHE": str(self.cache), **more}

    def command(self, *arguments: str) -> list[str]:
        return [sys.executable, "-m", "testbed", *arguments]

    def testbed(self, *arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            self.command(*arguments),
            cwd=self.folder,
            env=self.environment(environment),
            capture_output=True,
            text=True,
            timeout=240,
            check=False,
        )


@pytest.fixture(scope="session")
def cache(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("cache")


@pytest.fixture
def desk(tmp_path: Path, cache: Path) -> Desk:
    shutil.copytree(TINY, tmp_path, dirs_exist_ok=True)
    return Desk(tmp_path, cache)


@pytest.fixture(
    params=[
        pytest.param("docker", marks=pytest.mark.docker),
        pytest.param("local", marks=pytest.mark.bubblewrap),
    ]
)
def engine(request: pytest.FixtureRequest) -> str:
    name = str(request.param)
    request.getfixturevalue(f"{name}_engine")
    return name
