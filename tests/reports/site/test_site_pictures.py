"""Pictures of what models built: found in a run, copied or put inside, left out with a word."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest

from reports.site.board import Album, Shown
from reports.site.build import SiteOptions, build_site
from reports.site.gather import board_of, pictures_of
from reports.site.pictures import Pictures
from testbed.shots import NO_PATCH
from tests.reports.site.albums import PNG, WEBP, leave, photograph

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from testbed.store import Run
    from tests.reports.site.conftest import Maker
    from tests.reports.site.reading import Built

HOSTILE = "\"'><img src=x onerror=alert(1)></script>\x1b[31m\u202e"


@pytest.fixture
def run(make_run: Maker) -> Run:
    return make_run("r1", {"m/one": {"alpha": "++"}, "n/two": {"alpha": "-+"}})


def found(*runs: Run) -> Pictures:
    return pictures_of(board_of([run.view() for run in runs]).view, runs)


def only_page(site: Path, kind: str = "scenarios") -> str:
    (page,) = (site / kind).glob("*.html")
    return page.read_text(encoding="utf-8")


def test_pictures_are_copied_when_they_are_pictures_of_this_patch(
    run: Run, tmp_path: Path, read_site: Callable[[Path], Built]
) -> None:
    first, second, third, fourth = run.view().trials
    photograph(run, first, {"01-the-board.png": PNG, "02-script.png": b"<svg onload=alert(1)>"})
    photograph(run, second, {"01-huge.png": PNG + b"\0" * (3 << 20)})
    photograph(run, third, {"01-other.png": PNG})
    other = third.model_copy(update={"patch": third.patch.model_copy(update={"digest": "d"})})  # type: ignore[union-attr]
    photograph(run, other, {"01-other.png": PNG})
    (photograph(run, fourth, {"01-cut.png": PNG}) / "01-cut.png").write_bytes(PNG[:20])

    build_site([run], tmp_path / "s")
    names = sorted(path.name for path in (tmp_path / "s" / "pictures").rglob("*.*"))

    assert names == ["01-the-board.png"]
    assert read_site(tmp_path / "s").faults() == set()
    build_site([run], tmp_path / "one", options=SiteOptions(single_file=True))
    assert read_site(tmp_path / "one").faults() == set()
    assert "data:image/png;base64," in (tmp_path / "one" / "index.html").read_text()


def test_a_picture_knows_its_own_size_and_whether_it_moves(run: Run) -> None:
    trial = run.view().trials[0]
    photograph(run, trial, {"01-a.png": PNG, "tour.webp": WEBP})
    still, moving = found(run).trials[trial.key].shown

    assert (still.caption, still.width, still.height, still.moving) == ("moment 1", 960, 600, False)
    assert (moving.width, moving.height, moving.moving) == (640, 400, True)


@pytest.mark.parametrize(
    "data",
    [
        PNG[:20],
        PNG[:16] + b"\0" * 20,
        PNG.replace(b"IHDR", b"XXXX"),
        b"GIF89a" + PNG,
        WEBP[:28],
        WEBP.replace(b"VP8X", b"VP8Y"),
        b"",
    ],
)
def test_what_is_no_picture_is_left_out(run: Run, data: bytes) -> None:
    trial = run.view().trials[0]
    photograph(run, trial, {"01-a.png": data, "02-b.png": PNG})

    assert [one.caption for one in found(run).trials[trial.key].shown] == ["moment 2"]


def test_a_picture_that_lies_elsewhere_is_left_out(run: Run, tmp_path: Path) -> None:
    trial = run.view().trials[0]
    folder = photograph(run, trial, {"01-a.png": PNG, "02-b.png": PNG})
    (tmp_path / "elsewhere.png").write_bytes(PNG)
    (folder / "01-a.png").unlink()
    (folder / "01-a.png").symlink_to(tmp_path / "elsewhere.png")

    assert [one.caption for one in found(run).trials[trial.key].shown] == ["moment 2"]


def test_a_seeded_tree_is_shown_only_as_it_was_seeded(run: Run) -> None:
    seed = run.paths.baseline_shots("seed", "alpha")
    leave(seed, NO_PATCH, {"01-a.png": PNG})
    leave(run.paths.baseline_shots("reference", "alpha"), "any", {"01-a.png": PNG})

    assert list(found(run).baselines["alpha"]) == ["reference", "seed"]
    assert len(found(run).sources) == 2
    leave(seed, "other", {"01-a.png": PNG})
    assert list(found(run).baselines["alpha"]) == ["reference"]


def test_of_several_runs_the_latest_shows_the_seeded_tree(make_run: Maker) -> None:
    runs = [make_run(name, {model: {"alpha": "+"}}) for name, model in (("r1", "m"), ("r2", "n"))]
    for run in runs:
        leave(
            run.paths.baseline_shots("seed", "alpha"), NO_PATCH, {f"{run.config.run_id}.png": PNG}
        )

    for order in (runs, runs[::-1]):
        (source,) = {path.name for path in found(*order).sources.values()} - {"r1.png"}
        assert source == "r2.png"
        assert found(*order).baselines["alpha"]["seed"].shown[0].path.endswith("/r2.png")


def test_where_a_tour_stopped_is_told_on_every_page_that_shows_it(
    run: Run, tmp_path: Path, read_site: Callable[[Path], Built]
) -> None:
    one, other = (trial for trial in run.view().trials if trial.repeat == 1)
    photograph(run, one, {"01-a.png": PNG, "02-b.png": PNG})
    photograph(run, other, {"01-a.png": PNG, "02-b.png": PNG}, stopped=HOSTILE)
    build_site([run], tmp_path / "s")
    pages = [only_page(tmp_path / "s", kind) for kind in ("scenarios", "pairs")]
    (trial,) = (tmp_path / "s" / "trials").glob("n-two-alpha-1-*")

    for text in (*pages, trial.read_text(encoding="utf-8")):
        assert text.count("The tour stopped here:") == 1
        assert "&#39;&gt;&lt;img src=x onerror=alert(1)&gt;&lt;/script&gt;␛[31m⟨U+202E⟩" in text
        assert "<img src=x" not in text
    assert read_site(tmp_path / "s").faults() == set()


def test_a_single_file_shows_pictures_larger_on_the_trials_own_page(
    run: Run, tmp_path: Path, read_site: Callable[[Path], Built]
) -> None:
    photograph(run, run.view().trials[0], {"01-a.png": PNG})
    build_site([run], tmp_path / "s", options=SiteOptions(single_file=True))
    text = (tmp_path / "s" / "index.html").read_text(encoding="utf-8")
    (place,) = set(re.findall(r'<a class="picture" href="#([^"]+)"', text))

    assert place.endswith("-pictures")
    assert f'<h2 id="{place}">What was built</h2>' in text
    assert '<div class="tour wide">' in text
    assert not re.search(r'href="data:', text)
    assert read_site(tmp_path / "s").faults() == set()


def test_what_a_single_file_has_no_room_for_is_left_out_animations_first(tmp_path: Path) -> None:
    keys = [("m", "alpha", 1), ("m", "alpha", 2)]
    paths = [f"pictures/{n}/{name}" for n in (1, 2) for name in ("a.png", "tour.webp")]
    for path in paths:
        (tmp_path / path).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / path).write_bytes(b"\0" * 300)
    pictures = Pictures(
        trials={key: album(*paths[2 * n : 2 * n + 2]) for n, key in enumerate(keys)},
        sources={path: tmp_path / path for path in paths},
    )

    def shown(most: int, **times: int) -> list[str]:
        inside = pictures.inside({keys[0]: times.get("first", 1)}, most=most)
        return ["".join("x" if one.path else "." for one in inside.trials[k].shown) for k in keys]

    assert shown(10_000) == ["xx", "xx"]
    assert shown(1300) == ["xx", "x."]
    assert shown(850) == ["x.", "x."]
    assert shown(850, first=2) == ["x.", ".."]
    assert shown(100) == ["..", ".."]
    assert pictures.inside({}, most=850).trials[keys[0]].left_out == 1
    assert not pictures.inside({}).sources


def album(*paths: str) -> Album:
    shown = (
        Shown(path=path, caption="", width=1, height=1, moving=path.endswith("webp"))
        for path in paths
    )
    return Album(shown=tuple(shown))
