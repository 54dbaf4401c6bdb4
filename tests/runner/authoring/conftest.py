"""A suite to be edited."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

TINY = Path(__file__).parents[2] / "suites" / "tiny"


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """Return a copy of the tiny suite."""
    return Path(shutil.copytree(TINY, tmp_path / "suite"))
