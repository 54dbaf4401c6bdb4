"""Pictures of what a patch made of the application: what a run keeps, and whether it is still so.

They illustrate and never count: the patched application ran beside the browser that was looking.
"""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING, Final

from pydantic import ValidationError

from testbed.record import SCHEMA_VERSION, Record

if TYPE_CHECKING:
    from pathlib import Path

RECORD: Final = "shots.json"
TOUR: Final = "tour.webp"
NO_PATCH: Final = hashlib.sha256(b"").hexdigest()


class Picture(Record):
    """One file beside the record: a PNG, or the animation as WebP."""

    file: str
    """A plain name in the folder of the record."""
    caption: str
    """The tour's own words, and `stopped: …` with the step that failed for a failure's picture."""
    width: int
    """Pixels."""
    height: int
    size_bytes: int
    sha256: str
    failure: bool = False
    """Taken where the tour stopped, not where it wanted to."""


class StepOutcome(Record):
    """What became of one step of the tour."""

    said: str
    """The step in words, e.g. `click button "Filter"`."""
    passed: bool
    detail: str = ""
    """Why it could not be done: foreign words, as the page's own."""
    seconds: float = 0.0


class Shots(Record):
    """The file `shots.json`; what one tour through one patched application brought home."""

    schema_version: int = SCHEMA_VERSION
    scenario: str
    patch: str
    """sha256 of the diff; of nothing for the seeded tree."""
    tour: str
    """sha256 of the tour and of the fixture's face."""
    engine: str
    image: str
    steps: tuple[StepOutcome, ...]
    """Those that were tried; steps after the one where it stopped are not among them."""
    planned_steps: int
    stopped: str | None = None
    """Where and why the tour stopped, in words; `None` when it came to its end."""
    pictures: tuple[Picture, ...] = ()
    animation: Picture | None = None
    """The whole tour, moving; `None` where nothing could be seen."""
    build_s: float = 0.0
    """Until the application answered."""
    total_s: float = 0.0

    def is_of(self, *, patch: str, tour: str) -> bool:
        """Say whether it shows this patch on this tour."""
        return (self.patch, self.tour) == (patch, tour)

    @property
    def files(self) -> tuple[Picture, ...]:
        """List every file beside the record."""
        return (*self.pictures, *((self.animation,) if self.animation else ()))


def read_shots(folder: Path) -> Shots | None:
    """Read a folder's record; `None` when there is none, or when its files are not the recorded."""
    try:
        shots = Shots.model_validate_json((folder / RECORD).read_bytes())
        whole = all(_is_intact(folder, picture) for picture in shots.files)
    except (OSError, ValidationError):
        return None
    return shots if whole else None


def _is_intact(folder: Path, picture: Picture) -> bool:
    path = folder / picture.file
    plain = path.parent == folder and not picture.file.startswith(".")
    return plain and hashlib.sha256(path.read_bytes()).hexdigest() == picture.sha256
