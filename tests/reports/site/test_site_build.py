"""The whole site: every page there, every link leading somewhere, the same bytes every time."""

from __future__ import annotations

import csv
import io
import shutil
from typing import TYPE_CHECKING, Any

import pytest

from reports.site.build import SiteOptions, build_site
from reports.site.gather import board_of
from reports.site.verify import differences, runs_behind
from testbed.errors import DiskFull, RunError

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from testbed.store import Run
    from tests.reports.site.conftest import Maker
    from tests.reports.site.reading import Built

RESULTS = {
    "old/base": {"alpha": "++", "beta": "+-", "gamma": "--"},
    "new/rival": {"alpha": "++", "beta": "++", "gamma": "?-"},
    "new/third": {"alpha": "-+", "beta": "--", "gamma": ".."},
}
LATER = "2026-11-21T08:00:00+00:00"


@pytest.fixture
def run(make_run: Maker) -> Run:
    return make_run("r1", RESULTS)


@pytest.fixture
def two(make_run: Maker, run: Run) -> list[Run]:
    """Add a run of one model, at other scenarios, with a regression at alpha."""
    results = {"new/rival": {"alpha": "+-", "beta": "++", "delta": "++"}}
    later = make_run("r2", results, created=LATER)
    return [run, later]


def bytes_of(folder: Path) -> dict[str, bytes]:
    return {
        path.relative_to(folder).as_posix(): path.read_bytes()
        for path in folder.rglob("*")
        if path.is_file()
    }


@pytest.mark.parametrize("single", [False, True], ids=["folder", "single file"])
@pytest.mark.parametrize("shown", ["none", "failed", "changed", "all"])
def test_every_link_of_every_page_leads_somewhere(
    two: list[Run],
    tmp_path: Path,
    read_site: Callable[[Path], Built],
    shown: Any,  # noqa: ANN401  (a choice of the options)
    single: bool,  # noqa: FBT001  (a parameter of the test)
) -> None:
    page = build_site(two, tmp_path / "s", options=SiteOptions(trials=shown, single_file=single))

    assert page == tmp_path / "s" / "index.html"
    assert read_site(tmp_path / "s").faults() == set()


def test_each_scenario_trial_pair_and_comparison_has_its_page(
    run: Run, tmp_path: Path, read_site: Callable[[Path], Built]
) -> None:
    build_site([run], tmp_path / "s")
    kinds = [name.partition("/")[0] for name in read_site(tmp_path / "s").pages]

    assert {kind: kinds.count(kind) for kind in set(kinds)} == {
        "index.html": 1,
        "scenarios": 3,
        "trials": 16,
        "pairs": 5,
        "compare": 2,
    }


def test_a_single_file_holds_everything_and_stands_alone(
    run: Run, tmp_path: Path, read_site: Callable[[Path], Built]
) -> None:
    build_site([run], tmp_path / "s", options=SiteOptions(single_file=True))
    (page,) = read_site(tmp_path / "s").pages.values()
    text = (tmp_path / "s" / "index.html").read_text()

    assert {path.name for path in (tmp_path / "s").iterdir()} == {"index.html", "site.json"}
    bodies = [one for one in page.ids if one.startswith(("scenarios-", "trials-", "pairs-"))]
    assert len([one for one in bodies if f'<article id="{one}"' in text]) == 3 + 16 + 5
    assert all(one.startswith(("#", "data:")) for one in page.addresses)


def test_the_same_runs_give_the_same_bytes_in_any_order_and_anywhere(
    two: list[Run], tmp_path: Path
) -> None:
    build_site(two, tmp_path / "a")
    build_site(two[::-1], tmp_path / "deep" / "b")

    assert bytes_of(tmp_path / "a") == bytes_of(tmp_path / "deep" / "b")
    assert not [name for name, data in bytes_of(tmp_path).items() if str(tmp_path).encode() in data]


@pytest.mark.parametrize(
    ("shown", "count"), [("none", 0), ("failed", 8), ("changed", 12), ("all", 16)]
)
def test_the_trials_asked_for_have_a_page(
    run: Run,
    tmp_path: Path,
    read_site: Callable[[Path], Built],
    shown: Any,  # noqa: ANN401  (a choice of the options)
    count: int,
) -> None:
    build_site([run], tmp_path / "s", options=SiteOptions(trials=shown))
    pages = read_site(tmp_path / "s").pages

    assert sum(name.startswith("trials/") for name in pages) == count


def test_a_cell_that_changed_since_the_models_run_before_counts_as_changed(
    make_run: Maker, tmp_path: Path, read_site: Callable[[Path], Built]
) -> None:
    runs = [
        make_run("r1", {"m": {"alpha": "++", "beta": "++"}}),
        make_run("r2", {"m": {"alpha": "++", "beta": "+-"}}, created=LATER),
    ]
    build_site(runs, tmp_path / "s", options=SiteOptions(trials="changed"))
    names = [n for n in read_site(tmp_path / "s").pages if n.startswith("trials/")]

    assert len(names) == 2
    assert all("beta" in name for name in names)


def test_of_a_model_in_two_runs_the_latest_is_shown_and_both_are_in_the_history(
    two: list[Run], tmp_path: Path, read_site: Callable[[Path], Built]
) -> None:
    build_site(two, tmp_path / "s")
    data = read_site(tmp_path / "s").data()
    board = board_of([one.view() for one in two])

    assert {r["id"]: r["models"] for r in data["runs"]} == {
        "r1": ["old/base", "new/third"],
        "r2": ["new/rival"],
    }
    rival = [past for past in board.history if past.model == "new/rival"]
    assert [(past.run_id, past.worse) for past in rival] == [("r1", ()), ("r2", ("alpha",))]
    assert [one.condition for one in rival[1].unlike] == ["scenarios.delta", "scenarios.gamma"]


def test_the_baseline_is_the_oldest_runs_first_model_unless_one_is_named(two: list[Run]) -> None:
    views = [run.view() for run in two]
    usual, named = board_of(views), board_of(views, baseline="new/third")

    assert usual.contest is not None
    assert named.contest is not None
    assert (usual.contest.baseline, named.contest.baseline) == ("old/base", "new/third")
    with pytest.raises(RunError, match=r"no model `nobody`.*old/base, new/rival"):
        board_of(views, baseline="nobody")


def test_conditions_of_two_rows_are_compared_as_their_own_runs_have_them(make_run: Maker) -> None:
    views = [
        make_run("r1", {"m": {"alpha": "+"}}, engine="local").view(),
        make_run("r2", {"n": {"alpha": "+"}}, created=LATER, forced=True).view(),
    ]
    views[1].conditions["prompt"] = "q"  # type: ignore[index]  # a plain dict

    (comparison,) = board_of(views).contest.comparisons  # type: ignore[union-attr]

    assert "prompt" in {one.condition for one in comparison.unlike}


def test_a_model_alone_is_compared_with_nobody(
    make_run: Maker, tmp_path: Path, read_site: Callable[[Path], Built]
) -> None:
    build_site([make_run("r1", {"m": {"alpha": "+"}})], tmp_path / "s")

    assert read_site(tmp_path / "s").data()["contest"] is None
    assert read_site(tmp_path / "s").faults() == set()


def test_a_run_without_a_trial_has_a_scoreboard(
    make_run: Maker, tmp_path: Path, read_site: Callable[[Path], Built]
) -> None:
    build_site([make_run("r1", {"m": {"alpha": "."}, "n": {"alpha": "."}})], tmp_path / "s")

    assert read_site(tmp_path / "s").faults() == set()


def test_the_table_of_trials_has_a_line_per_trial(run: Run, tmp_path: Path) -> None:
    build_site([run], tmp_path / "s")
    lines = list(csv.DictReader(io.StringIO((tmp_path / "s" / "trials.csv").read_text())))

    assert len(lines) == 16
    assert lines[0]["run"] == "r1"
    assert {line["verdict"] for line in lines} == {"pass", "fail", "ungraded"}
    assert {line["unused"] for line in lines if line["verdict"] == "ungraded"} == {""}


def test_a_former_scoreboard_is_replaced_whole(two: list[Run], tmp_path: Path) -> None:
    build_site(two, tmp_path / "s")
    build_site(two[:1], tmp_path / "s")
    build_site(two[:1], tmp_path / "fresh")

    assert bytes_of(tmp_path / "s") == bytes_of(tmp_path / "fresh")
    assert {path.name for path in tmp_path.iterdir()} == {"runs", "s", "fresh"}


def test_a_folder_that_holds_anything_else_is_never_emptied(run: Run, tmp_path: Path) -> None:
    folder = tmp_path / "thesis"
    folder.mkdir()
    (folder / "index.html").write_text("mine")

    with pytest.raises(RunError, match=r"holds index\.html, which no scoreboard has written"):
        build_site([run], folder)
    build_site([run], tmp_path / "s")
    (tmp_path / "s" / "notes.txt").write_text("mine")
    with pytest.raises(RunError, match=r"holds notes\.txt"):
        build_site([run], tmp_path / "s")

    assert (folder / "index.html").read_text() == "mine"
    assert (tmp_path / "s" / "notes.txt").read_text() == "mine"
    assert {path.name for path in tmp_path.iterdir()} == {"runs", "thesis", "s"}


def test_the_one_page_of_an_older_version_in_the_runs_own_folder_is_replaced(run: Run) -> None:
    run.paths.scoreboard.mkdir()
    (run.paths.scoreboard / "index.html").write_text("one page")

    build_site([run], run.paths.scoreboard)

    assert (run.paths.scoreboard / "site.json").is_file()


def test_what_cannot_be_written_is_an_expected_error(run: Run, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")

    with pytest.raises(RunError, match="is not a folder"):
        build_site([run], tmp_path / "file")
    with pytest.raises(DiskFull, match="file"):
        build_site([run], tmp_path / "file" / "below")


def test_a_scoreboard_that_is_as_built_is_verified(two: list[Run], tmp_path: Path) -> None:
    folder = tmp_path / "s"
    build_site(two, folder, options=SiteOptions(baseline="new/third", trials="failed"))

    assert differences(folder, runs_behind(folder, [], runs=tmp_path / "runs")) == []


def test_what_was_changed_added_or_lost_since_is_named(run: Run, tmp_path: Path) -> None:
    folder = tmp_path / "s"
    build_site([run], folder)
    page = folder / "index.html"
    page.write_text(page.read_text().replace("50 %", "99 %"))
    (folder / "extra.html").write_text("")
    next(folder.glob("trials/*new-third*")).unlink()
    found = differences(folder, [run])

    assert found[0] == "extra.html: no scoreboard has written it"
    assert found[1] == "index.html: was changed after it was built"
    assert found[2].endswith(": is missing")
    assert len(found) == 3


def test_a_run_that_has_changed_since_is_told_from_a_page_that_has(
    run: Run, tmp_path: Path
) -> None:
    folder = run.paths.scoreboard
    build_site([run], folder, options=SiteOptions(trials="none"))
    lines = run.paths.journal.read_text().splitlines(keepends=True)
    run.paths.journal.write_text("".join(lines[:-1]))
    found = differences(folder, runs_behind(folder, [], runs=tmp_path / "nowhere"))

    assert "index.html: differs" in found
    assert not [line for line in found if "was changed" in line]


def test_a_scoreboard_whose_run_is_nowhere_cannot_be_verified(run: Run, tmp_path: Path) -> None:
    build_site([run], tmp_path / "s")
    shutil.rmtree(run.paths.folder)

    with pytest.raises(RunError, match="no run `r1`"):
        runs_behind(tmp_path / "s", [], runs=tmp_path / "runs")
    with pytest.raises(RunError, match=r"readable site\.json"):
        runs_behind(tmp_path, [], runs=tmp_path)


def test_an_old_scoreboard_is_kept_when_a_new_one_cannot_be_made(run: Run, tmp_path: Path) -> None:
    build_site([run], tmp_path / "s")
    before = bytes_of(tmp_path / "s")

    with pytest.raises(RunError):
        build_site([run], tmp_path / "s", options=SiteOptions(baseline="nobody"))

    assert bytes_of(tmp_path / "s") == before
    assert {path.name for path in tmp_path.iterdir()} == {"runs", "s"}
