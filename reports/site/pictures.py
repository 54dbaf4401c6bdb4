"""Pictures of what models built: found in a run, looked at with suspicion, named for the site."""

from __future__ import annotations

import struct
from base64 import b64encode
from dataclasses import dataclass, field, replace
from itertools import product
from re import sub
from typing import TYPE_CHECKING, Final

from reports.site.board import Album, Baseline, Shown
from reports.site.links import LONGEST, scenario_target, trial_target
from testbed.plan import PlannedTrial
from testbed.shots import NO_PATCH, read_shots

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping
    from pathlib import Path

    from testbed.records import Trial
    from testbed.shots import Picture, Shots
    from testbed.store import Run
    from testbed.view import Key

MOST_BYTES: Final = 2 << 20
"""Of one picture; a larger one is left out."""
MOST_PICTURES: Final = 12
"""Of one trial."""
MOST_INSIDE: Final = 16 << 20
"""Bytes of all pictures in a page that stands alone, each as often as it is shown."""
FOLDER: Final = "pictures"
_HEAD: Final = 30
"""Bytes that tell a picture's kind and size."""
BASELINES: Final[tuple[Baseline, ...]] = ("reference", "seed")


@dataclass(frozen=True, kw_only=True)
class Pictures:
    """What can be seen, and the files that show it."""

    trials: Mapping[Key, Album] = field(default_factory=dict)
    baselines: Mapping[str, Mapping[Baseline, Album]] = field(default_factory=dict)
    """Scenario -> what its tour shows of trees that no model made."""
    sources: Mapping[str, Path] = field(default_factory=dict)
    """POSIX path below the site's folder -> file; nothing foreign is in the path."""

    def __or__(self, later: Pictures) -> Pictures:
        """Put the pictures of a later run on top."""
        return Pictures(
            trials={**self.trials, **later.trials},
            baselines={**self.baselines, **later.baselines},
            sources={**self.sources, **later.sources},
        )

    def inside(self, shown: Mapping[Key, int], *, most: int = MOST_INSIDE) -> Pictures:
        """Give the pictures as `data:` addresses, for a page that stands alone.

        `shown` says how often each trial's are shown. What would make them more than `most` bytes
        is left out: animations before pictures, the last before the first.
        """
        albums = [
            *((album, 1) for pair in self.baselines.values() for album in pair.values()),
            *((album, shown.get(key, 1)) for key, album in self.trials.items()),
        ]
        every = [(one.moving, one.path, times) for album, times in albums for one in album.shown]
        addresses: dict[str, str] = {}
        for _, path, times in sorted(every, key=lambda one: one[0]):
            address = _address(path, self.sources[path])
            if len(address) * times <= most:
                most -= len(address) * times
                addresses[path] = address
        return Pictures(
            trials={key: _at(album, addresses) for key, album in self.trials.items()},
            baselines={
                scenario: {which: _at(album, addresses) for which, album in pair.items()}
                for scenario, pair in self.baselines.items()
            },
        )


def _address(path: str, source: Path) -> str:
    media = path.rpartition(".")[2]
    return f"data:image/{media};base64,{b64encode(source.read_bytes()).decode()}"


def _at(album: Album, addresses: Mapping[str, str]) -> Album:
    shown = tuple(replace(one, path=addresses.get(one.path, "")) for one in album.shown)
    return replace(album, shown=shown)


def find_pictures(run: Run, trials: Iterable[Trial]) -> Pictures:
    """Find what can be seen of these trials of a run, and of their seeded trees and references.

    What is no PNG or WebP picture by its first bytes, is too large, is a link to elsewhere, or
    shows another patch is left out: the files come out of a sandbox.
    """
    if not (run.paths.folder / "shots").is_dir():
        return Pictures()
    albums: dict[Key, Album] = {}
    sources: dict[str, Path] = {}
    for trial in trials:
        folder = run.paths.shots(PlannedTrial(*trial.key), trial.attempt)
        shots = read_shots(folder)
        if shots and trial.patch and shots.patch == trial.patch.digest:
            albums[trial.key], files = _album(shots, folder, trial_target(trial.key).id)
            sources |= files
    return Pictures(trials=albums, sources=sources) | _baselines(run)


def _baselines(run: Run) -> Pictures:
    albums: dict[str, dict[Baseline, Album]] = {}
    sources: dict[str, Path] = {}
    for scenario, which in product((planned.id for planned in run.config.scenarios), BASELINES):
        folder = run.paths.baseline_shots(which, scenario)
        shots = read_shots(folder)
        if shots and (which == "reference" or shots.patch == NO_PATCH):
            name = f"{which}-{scenario_target(scenario).id}"
            albums.setdefault(scenario, {})[which], files = _album(shots, folder, name)
            sources |= files
    return Pictures(baselines=albums, sources=sources)


def _album(shots: Shots, folder: Path, name: str) -> tuple[Album, dict[str, Path]]:
    """Name the pictures of one tour for the site."""
    found = list(_looked_at(shots, folder))[-MOST_PICTURES:]
    named = {
        f"{FOLDER}/{name}/{_name(source)}.{shown.path}": (shown, source) for shown, source in found
    }
    album = Album(
        shown=tuple(replace(shown, path=path) for path, (shown, _) in named.items()),
        stopped=shots.stopped,
    )
    return album, {path: source for path, (_, source) in named.items()}


def _looked_at(shots: Shots, folder: Path) -> Iterator[tuple[Shown, Path]]:
    """Yield what is a picture; its kind stands for its path."""
    for picture in shots.files:
        source = folder / picture.file
        if found := _measured(source):
            kind, width, height = found
            yield _shown(picture, kind, width, height), source


def _shown(picture: Picture, kind: str, width: int, height: int) -> Shown:
    return Shown(
        path=kind,
        caption=picture.caption,
        width=width,
        height=height,
        failure=picture.failure,
        moving=kind == "webp",
    )


def _name(path: Path) -> str:
    return sub(r"[^a-z0-9]+", "-", path.stem.lower()).strip("-")[:LONGEST] or "picture"


def _measured(path: Path) -> tuple[str, int, int] | None:
    """Tell a picture's kind, width and height by its first bytes; `None` for what is not shown."""
    if path.is_symlink() or not path.is_file() or path.stat().st_size > MOST_BYTES:
        return None
    with path.open("rb") as file:
        head = file.read(_HEAD)
    if len(head) < _HEAD:
        return None
    if head.startswith(b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR"):
        kind, (width, height) = "png", struct.unpack(">II", head[16:24])
    elif head[:4] == b"RIFF" and head[8:16] == b"WEBPVP8X":
        kind = "webp"
        width, height = (1 + int.from_bytes(head[at : at + 3], "little") for at in (24, 27))
    else:
        return None
    return (kind, width, height) if width and height else None
