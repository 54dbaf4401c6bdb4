"""What a scoreboard was built from: the file `site.json` in its folder."""

from __future__ import annotations

from importlib.metadata import version
from typing import TYPE_CHECKING, Final, Literal

from pydantic import Field, ValidationError

from testbed.comparing.compare import MARGIN
from testbed.record import SCHEMA_VERSION, Record

if TYPE_CHECKING:
    from pathlib import Path

MANIFEST: Final = "site.json"
TrialsShown = Literal["none", "failed", "changed", "all"]


class SiteOptions(Record):
    """How a scoreboard is built."""

    baseline: str | None = None
    """The model that every other one is compared with; `None`: the first of the oldest run."""
    margin: float = MARGIN
    """Below it a candidate counts as not worse, as a fraction of 1."""
    trials: TrialsShown = "all"
    """Which trials get a page of their own: see `reports.site.choice`."""
    single_file: bool = False
    """One file that holds everything, without the downloads."""


class Manifest(Record):
    """What a scoreboard was built from, and the sha256 of every file but this one."""

    schema_version: int = SCHEMA_VERSION
    testbed: str = Field(default_factory=lambda: version("testbed"))
    """The version that built it."""
    runs: tuple[str, ...]
    """Ids, sorted."""
    options: SiteOptions
    files: dict[str, str]
    """POSIX path below the folder -> digest."""

    def encoded(self) -> bytes:
        """Give the file's bytes; the files are sorted by path."""
        ordered = self.model_copy(update={"files": dict(sorted(self.files.items()))})
        return (ordered.model_dump_json(indent=1) + "\n").encode()


def read_manifest(folder: Path) -> Manifest | None:
    """Read what a folder's scoreboard was built from; `None` when it holds none."""
    try:
        return Manifest.model_validate_json((folder / MANIFEST).read_bytes())
    except (OSError, ValidationError):
        return None
