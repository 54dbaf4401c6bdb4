"""`testbed report`, from the command line to the folder."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from testbed.cli import main

if TYPE_CHECKING:
    from pathlib import Path

    from testbed.store import Run
    from tests.reports.site.conftest import Maker

LATER = "2026-11-21T08:00:00+00:00"


@pytest.fixture
def runs(make_run: Maker) -> list[Run]:
    return [
        make_run("r1", {"m/old": {"alpha": "+-"}, "m/new": {"alpha": "++"}}),
        make_run("r2", {"m/new": {"alpha": "--", "beta": "++"}}, created=LATER),
    ]


def report(runs: list[Run], *arguments: str) -> int:
    return main(["report", *arguments, "--runs", str(runs[0].paths.folder.parent)])


def test_without_a_name_the_latest_run_is_reported_into_its_own_folder(
    runs: list[Run], capsys: pytest.CaptureFixture[str]
) -> None:
    assert report(runs) == 0

    page = runs[1].paths.scoreboard / "index.html"
    assert page.is_file()
    out = capsys.readouterr().out
    assert "Run r2 of" in out
    assert out.endswith(f"{page}\n")


def test_several_runs_are_printed_as_one_and_written_only_where_that_is_said(
    runs: list[Run], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert report(runs, "r1", "r2") == 0
    said = capsys.readouterr()
    assert "2 runs seen as one" in said.out
    assert "no scoreboard is written" in said.err
    assert not list(tmp_path.rglob("index.html"))

    assert report(runs, "r1", "r2", "-o", str(tmp_path / "s")) == 0
    assert (tmp_path / "s" / "index.html").is_file()


def test_markdown_shows_several_runs_as_one_and_writes_nothing(
    runs: list[Run], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert report(runs, "r1", "r2", "--markdown") == 0

    assert "| m/new |" in capsys.readouterr().out
    assert not list(tmp_path.rglob("index.html"))


def test_json_holds_the_figures_and_where_the_scoreboard_is(
    runs: list[Run], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert report(runs, "r1", "r2", "--json", "-o", str(tmp_path / "s")) == 0

    answer = json.loads(capsys.readouterr().out)
    assert answer["scoreboard"] == str(tmp_path / "s" / "index.html")
    rates = {m["model"]: m["single_prompt"]["of"] for m in answer["models"]}
    assert rates == {"m/old": 1, "m/new": 2}


def test_a_scoreboard_is_verified_and_the_exit_code_says_so(
    runs: list[Run], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = str(tmp_path / "s")
    report(runs, "r1", "r2", "-o", folder, "--trials", "failed", "--baseline", "m/new")

    assert report(runs, "--verify", folder) == 0
    (tmp_path / "s" / "trials.csv").write_text("flattering")
    capsys.readouterr()
    assert report(runs, "--verify", folder) == 1
    assert capsys.readouterr().out == "trials.csv: was changed after it was built\n"


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("r1", "r1"), ("r1 is given 2 times",)),
        (("r1", "--baseline", "nobody"), ("no model `nobody`", "Choose one of m/old, m/new")),
        (("--verify", "nowhere"), ("nowhere holds no scoreboard",)),
        (("--markdown", "--json"), ("--markdown prints its tables and nothing else",)),
        (("n" * 400,), ("no run `n",)),
    ],
)
def test_a_wrong_command_is_one_clear_line(
    runs: list[Run],
    capsys: pytest.CaptureFixture[str],
    arguments: tuple[str, ...],
    words: tuple[str, ...],
) -> None:
    assert report(runs, *arguments) == 2

    said = capsys.readouterr().err
    assert all(word in said for word in words), said
    assert said.count("\n") == 1
