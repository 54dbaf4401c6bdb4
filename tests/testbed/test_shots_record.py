from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING

import pytest

from testbed.paths import RunPaths
from testbed.plan import PlannedTrial
from testbed.shots import NO_PATCH, RECORD, Picture, Shots, read_shots
from testbed.store import write_record

if TYPE_CHECKING:
    from pathlib import Path


def kept(folder: Path, *, file: str = "01-page.png", data: bytes = b"pixels") -> Shots:
    folder.mkdir(exist_ok=True)
    (folder / "01-page.png").write_bytes(data)
    picture = Picture(
        file=file,
        caption="The page",
        width=960,
        height=600,
        size_bytes=len(data),
        sha256=hashlib.sha256(data).hexdigest(),
    )
    shots = Shots(
        scenario="s",
        patch=NO_PATCH,
        tour="t",
        engine="docker",
        image="i",
        steps=(),
        planned_steps=1,
        pictures=(picture,),
    )
    write_record(folder / RECORD, shots)
    return shots


def test_what_was_kept_is_read_again(tmp_path: Path) -> None:
    assert read_shots(tmp_path) is None
    shots = kept(tmp_path)

    assert read_shots(tmp_path) == shots
    assert shots.is_of(patch=NO_PATCH, tour="t")
    assert not shots.is_of(patch=NO_PATCH, tour="another")


def test_a_picture_that_was_changed_or_is_gone_does_not_count(tmp_path: Path) -> None:
    kept(tmp_path)
    (tmp_path / "01-page.png").write_bytes(b"painted over")
    assert read_shots(tmp_path) is None

    (tmp_path / "01-page.png").unlink()
    assert read_shots(tmp_path) is None


@pytest.mark.parametrize("file", ["../01-page.png", "sub/01-page.png", ".hidden.png"])
def test_a_record_names_nothing_outside_its_folder(tmp_path: Path, file: str) -> None:
    folder = tmp_path / "shots"
    kept(folder, file=file)
    for place in (tmp_path, folder / "sub", folder):
        place.mkdir(exist_ok=True)
        (place / file.rpartition("/")[2]).write_bytes(b"pixels")

    assert read_shots(folder) is None


def test_pictures_of_trials_and_of_baselines_never_share_a_folder(tmp_path: Path) -> None:
    paths = RunPaths(tmp_path)
    trial = paths.shots(PlannedTrial("a/b:c", "dark-mode", 1), 2)

    assert trial == tmp_path / "shots" / "a~b+c" / "dark-mode" / "1" / "2"
    assert paths.baseline_shots("seed", "dark-mode") == tmp_path / "shots" / "_seed" / "dark-mode"
