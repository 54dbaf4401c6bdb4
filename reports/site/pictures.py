"""Pictures of what models built: found in a run, looked at with suspicion, named for the site."""

from __future__ import annotations

from base64 import b64encode
from dataclasses import dataclass
from re import sub
from typing import TYPE_CHECKING, Final

from reports.site.links import LONGEST, trial_target
from testbed.plan import PlannedTrial
from testbed.shots import read_shots

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from testbed.records import Trial
    from testbed.store import Run
    from testbed.view import Key

MOST_BYTES: Final = 2 << 20
"""Of one picture; a larger one is left out."""
MOST_PICTURES: Final = 12
"""Of one trial."""
FOLDER: Final = "pictures"


@dataclass(frozen=True)
class Picture:
    """One picture of one trial."""

    path: str
    """POSIX path below the site's folder; nothing foreign is in it."""
    source: Path

    @property
    def address(self) -> str:
        """Give it as a `data:` address, for a page that stands alone."""
        media = self.path.rpartition(".")[2]
        return f"data:image/{media};base64,{b64encode(self.source.read_bytes()).decode()}"


def find_pictures(run: Run, trials: Iterable[Trial]) -> dict[Key, tuple[Picture, ...]]:
    """Find the pictures of these trials of a run as they were taken, the animation last.

    What is no PNG or WebP picture by its first bytes, is too large, is a link to elsewhere, or
    shows another patch is left out: the files come out of a sandbox.
    """
    if not (run.paths.folder / "shots").is_dir():
        return {}
    found = {trial.key: _pictures(run, trial) for trial in trials}
    return {key: pictures for key, pictures in found.items() if pictures}


def _pictures(run: Run, trial: Trial) -> tuple[Picture, ...]:
    folder = run.paths.shots(PlannedTrial(*trial.key), trial.attempt)
    shots = read_shots(folder)
    if shots is None or trial.patch is None or shots.patch != trial.patch.digest:
        return ()
    sources = [folder / one.file for one in shots.files]
    stem = f"{FOLDER}/{trial_target(trial.key).id}"
    named = {
        f"{stem}/{_name(source)}.{kind}": source
        for source in sources[-MOST_PICTURES:]
        if (kind := _kind(source))
    }
    return tuple(Picture(*one) for one in named.items())


def _name(path: Path) -> str:
    return sub(r"[^a-z0-9]+", "-", path.stem.lower()).strip("-")[:LONGEST] or "picture"


def _kind(path: Path) -> str:
    """Tell a picture's kind by its first bytes; empty for what is not shown."""
    if path.is_symlink() or not path.is_file() or path.stat().st_size > MOST_BYTES:
        return ""
    with path.open("rb") as file:
        head = file.read(12)
    if head.startswith(b"\x89PNG\r\n\x1a\n"):
        return "png"
    return "webp" if head[:4] == b"RIFF" and head[8:] == b"WEBP" else ""
