from __future__ import annotations

from dataclasses import replace
from io import StringIO
from typing import TYPE_CHECKING

import pytest
from rich.cells import cell_len
from rich.console import Console

from reports.terminal import print_scoreboard

if TYPE_CHECKING:
    from collections.abc import Callable

    from testbed.view import RunView


def printed(view: RunView, width: int, *, whole: bool = True) -> str:
    console = Console(file=StringIO(), width=width, force_terminal=False, color_system=None)
    print_scoreboard(view, console, whole=whole)
    output = console.file
    assert isinstance(output, StringIO)
    return "".join(f"{line.rstrip()}\n" for line in output.getvalue().splitlines())


@pytest.mark.parametrize("width", [80, 100])
def test_the_scoreboard_reads_well(
    view: RunView, golden: Callable[[str, str], None], width: int
) -> None:
    golden(f"terminal-{width}.txt", printed(view, width, whole=False))


@pytest.mark.parametrize("width", [80, 100])
def test_everything_that_can_be_shown_reads_well(
    rich_view: RunView, golden: Callable[[str, str], None], width: int
) -> None:
    golden(f"rich-{width}.txt", printed(rich_view, width))


@pytest.mark.parametrize("width", [80, 100, 140])
def test_no_figure_is_cut_at_the_edge(view: RunView, hostile_view: RunView, width: int) -> None:
    for text in (printed(view, width), printed(hostile_view, width)):
        assert max(map(cell_len, text.splitlines())) <= width
        assert "…" not in text
    assert "≥" in printed(view, width)
    assert printed(view, width).count(" of 27") >= 4


def test_foreign_names_bring_no_escape_sequence(hostile_view: RunView) -> None:
    text = printed(hostile_view, 200)

    assert "\x1b" not in text
    assert "\u202e" not in text
    assert "<script>alert(1)</script>" in text
    assert "[link](https://evil.example)" in text


def test_further_tables_are_printed_when_asked_for_and_else_said_to_be_there(
    rich_view: RunView,
) -> None:
    first, whole = printed(rich_view, 100, whole=False), printed(rich_view, 100)

    assert "Code quality" in whole
    assert "Code quality" not in first
    assert f"further tables: testbed report {rich_view.run_id} --all" in first
    assert "--all" not in whole


def test_many_models_stand_in_several_tables(view: RunView) -> None:
    twelve = tuple(replace(view.models[0], name=f"vendor/model-number-{n}") for n in range(12))

    text = printed(replace(view, models=twelve, trials=[], spoiled=[]), 80, whole=False)

    assert text.count("\nscenario ") == 3
    assert text.count("Passed / valid trials") == 1
