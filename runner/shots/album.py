"""Puts what a tour brought home on disk: pictures, animation, and the record last of all."""

from __future__ import annotations

import hashlib
import re
from typing import TYPE_CHECKING, Final

from runner.shots.webp import Frame, animate, canvas
from testbed.shots import RECORD, TOUR, Picture
from testbed.store import write_atomically, write_record

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from runner.shots.reel import Reel, Still
    from testbed.shots import Shots

MAX_ANIMATION_BYTES: Final = 600_000
_SLUG: Final = 40
_OURS: Final = ("*.png", "*.webp")


def paste(reel: Reel, shots: Shots, folder: Path) -> Shots:
    """Write the pictures of a reel into a folder, in place of those that are there.

    `shots` is the record without its pictures; returned is the whole one, written last, so that
    what a killed process leaves does not count.
    """
    (folder / RECORD).unlink(missing_ok=True)
    for old in [path for pattern in _OURS for path in folder.glob(pattern)]:
        old.unlink()
    pictures = tuple(_still(still, n, folder) for n, still in enumerate(reel.stills, 1))
    whole = shots.model_copy(
        update={"pictures": pictures, "animation": _animation(reel.frames, folder)}
    )
    write_record(folder / RECORD, whole)
    return whole


def thinned(frames: Sequence[Frame], limit: int = MAX_ANIMATION_BYTES) -> Sequence[Frame]:
    """Leave out every second frame until the animation is small enough; the rest lasts longer."""
    while len(frames) > 1 and len(animate(frames)) > limit:
        pairs = [frames[at : at + 2] for at in range(0, len(frames), 2)]
        frames = [
            Frame(picture=pair[0].picture, milliseconds=sum(f.milliseconds for f in pair))
            for pair in pairs
        ]
    return frames


def _still(still: Still, number: int, folder: Path) -> Picture:
    slug = re.sub(r"[^a-z0-9]+", "-", still.caption.lower())[:_SLUG].strip("-")
    name = f"{number:02}-{slug or 'shot'}.png"
    size = (still.picture.width, still.picture.height)
    return _written(folder, name, still.picture.data, still.caption, size, failure=still.failure)


def _animation(frames: Sequence[Frame], folder: Path) -> Picture | None:
    if not frames:
        return None
    kept = thinned(frames)
    return _written(folder, TOUR, animate(kept), "The whole tour, moving", canvas(kept))


def _written(
    folder: Path,
    name: str,
    data: bytes,
    caption: str,
    size: tuple[int, int],
    *,
    failure: bool = False,
) -> Picture:
    write_atomically(folder / name, data)
    return Picture(
        file=name,
        caption=caption,
        width=size[0],
        height=size[1],
        size_bytes=len(data),
        sha256=hashlib.sha256(data).hexdigest(),
        failure=failure,
    )
