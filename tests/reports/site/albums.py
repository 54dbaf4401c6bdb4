"""Leaves pictures in a run's folder, as tours do."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING, Final

from testbed.plan import PlannedTrial
from testbed.shots import Picture, Shots
from testbed.store import write_atomically, write_record

if TYPE_CHECKING:
    from pathlib import Path

    from testbed.records import Trial
    from testbed.store import Run

PNG: Final = (
    b"\x89PNG\r\n\x1a\n\0\0\0\x0dIHDR" + (960).to_bytes(4, "big") + (600).to_bytes(4, "big")
) + b"\0" * 40
"""The beginning of a picture of 960 by 600 pixels."""
WEBP: Final = (
    b"RIFF\x30\0\0\0WEBPVP8X\x0a\0\0\0\x02\0\0\0"
    + (639).to_bytes(3, "little")
    + (399).to_bytes(3, "little")
) + b"\0" * 20
"""The beginning of an animation of 640 by 400 pixels."""


def photograph(run: Run, trial: Trial, files: dict[str, bytes], *, stopped: str = "") -> Path:
    """Leave what a tour through a trial's patch brings home; return the folder."""
    assert trial.patch is not None
    folder = run.paths.shots(PlannedTrial(*trial.key), trial.attempt)
    return leave(folder, trial.patch.digest, files, stopped=stopped)


def leave(folder: Path, patch: str, files: dict[str, bytes], *, stopped: str = "") -> Path:
    """Leave what a tour brings home; where it `stopped`, the last picture is a failure's."""
    pictures = []
    for number, (name, data) in enumerate(files.items(), 1):
        write_atomically(folder / name, data)
        pictures.append(
            Picture(
                file=name,
                caption=f"moment {number}",
                width=1,
                height=1,
                size_bytes=len(data),
                sha256=hashlib.sha256(data).hexdigest(),
                failure=bool(stopped) and number == len(files),
            )
        )
    shots = Shots(
        scenario="s",
        patch=patch,
        tour="t",
        engine="local",
        image="i",
        steps=(),
        planned_steps=0,
        stopped=stopped or None,
        pictures=tuple(pictures),
    )
    write_record(folder / "shots.json", shots)
    return folder
