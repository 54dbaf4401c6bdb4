from __future__ import annotations

import json
import re
from dataclasses import replace
from io import StringIO
from typing import TYPE_CHECKING

import pytest
from rich.cells import cell_len
from rich.console import Console

from reports.versus.markdown import markdown_comparison, markdown_contest
from reports.versus.plain import plain_comparison, plain_contest
from reports.versus.terminal import print_comparison, print_contest

if TYPE_CHECKING:
    from collections.abc import Callable

    from testbed.comparing.comparison import Comparison, Contest

    Golden = Callable[[str, str], None]


def printed(show: Callable[[Console], None], width: int) -> str:
    console = Console(file=StringIO(), width=width, force_terminal=False, color_system=None)
    show(console)
    output = console.file
    assert isinstance(output, StringIO)
    return "".join(f"{line.rstrip()}\n" for line in output.getvalue().splitlines())


@pytest.mark.parametrize("width", [80, 100])
def test_a_comparison_reads_well_in_a_terminal(
    worked: Comparison, golden: Golden, width: int
) -> None:
    golden(f"versus-{width}.txt", printed(lambda c: print_comparison(worked, c), width))


def test_a_doubtful_comparison_reads_well_in_a_terminal(
    doubtful: Comparison, golden: Golden
) -> None:
    golden("versus-doubtful-80.txt", printed(lambda c: print_comparison(doubtful, c), 80))


def test_a_contest_reads_well_in_a_terminal(contest: Contest, golden: Golden) -> None:
    golden("versus-contest-80.txt", printed(lambda c: print_contest(contest, c), 80))


@pytest.mark.parametrize("width", [80, 100, 140])
def test_no_figure_of_a_comparison_is_cut_at_the_edge(
    worked: Comparison, hostile: Comparison, contest: Contest, width: int
) -> None:
    for text in (
        printed(lambda c: print_comparison(worked, c), width),
        printed(lambda c: print_comparison(hostile, c), width),
        printed(lambda c: print_contest(contest, c), width),
    ):
        assert max(map(cell_len, text.splitlines())) <= width
        assert "…" not in text


def test_foreign_names_bring_no_escape_sequence_into_a_comparison(hostile: Comparison) -> None:
    text = printed(lambda c: print_comparison(hostile, c), 300)

    assert "\x1b" not in text
    assert "\u202e" not in text
    assert "<script>alert(1)</script>" in text


@pytest.mark.parametrize("fixture", ["equal", "alone", "nothing"])
def test_the_odd_cases_are_printed_and_written(
    fixture: str, request: pytest.FixtureRequest
) -> None:
    comparison = request.getfixturevalue(fixture)
    scripted = fixture == "equal"

    for text in (
        printed(lambda c: print_comparison(comparison, c), 100),
        markdown_comparison(comparison),
    ):
        assert ("Scripted players stand in for models" in text) is scripted
        assert scripted or "$0.00" not in text
        assert "None" not in text
        assert "nan" not in text


def test_a_comparison_is_markdown(worked: Comparison, doubtful: Comparison, golden: Golden) -> None:
    golden("versus.md", markdown_comparison(worked))
    golden("versus-doubtful.md", markdown_comparison(doubtful))


def test_a_contest_is_markdown(contest: Contest, golden: Golden) -> None:
    golden("versus-contest.md", markdown_contest(contest))


def test_markdown_says_the_verdict_first_and_folds_details_away(worked: Comparison) -> None:
    text = markdown_comparison(worked)

    assert text.startswith("**moonbeam-3 solves 26 points more than moonbeam-2 ")
    assert text.count("<details>") == text.count("</details>") == 6


def test_every_row_of_a_compared_table_has_as_many_cells_as_its_head(
    worked: Comparison, hostile: Comparison, contest: Contest
) -> None:
    for text in (
        markdown_comparison(worked),
        markdown_comparison(hostile),
        markdown_contest(contest),
    ):
        for block in text.split("\n\n"):
            lines = [line.replace("\\|", "") for line in block.splitlines() if line[0] == "|"]
            assert len({line.count("|") for line in lines}) <= 1


def test_foreign_names_are_no_markup_in_markdown(hostile: Comparison, contest: Contest) -> None:
    among_others = replace(contest, comparisons=(hostile, *contest.comparisons))

    for text in (markdown_comparison(hostile), markdown_contest(among_others)):
        bare = re.sub(r"\\.", "", text)
        tags = {"<br>", "<details>", "</details>", "<summary>", "</summary>"}
        assert set(re.findall(r"<[^>]*>", bare)) == tags
        assert not re.search(r"\]\(", bare)


def test_json_holds_every_number_and_null_for_what_is_unknown(worked: Comparison) -> None:
    data = json.loads(json.dumps(plain_comparison(worked), allow_nan=False))

    assert data["schema_version"] == 1
    assert data["outcome"] == "better"
    assert data["verdict"].startswith("moonbeam-3 solves 26 points more")
    assert data["tasks"]["interval"] == {"low": 0.0071956, "high": 0.5128044}
    assert data["bounds"] is None
    assert data["holm_p"] is None
    assert (data["a"]["model"], data["b"]["model"]) == ("moonbeam-2", "moonbeam-3")
    assert data["b"]["figures"]["measures"]["cost"]["per_solved"]["value"] == pytest.approx(
        0.2972973
    )
    assert [one["winner"] for one in data["figures"] if one["id"] == "pass_1"] == ["b"]
    assert data["scenarios"][1]["gain"] == pytest.approx(0.2)


def test_json_of_a_doubtful_comparison_has_its_doubts(doubtful: Comparison) -> None:
    data = json.loads(json.dumps(plain_comparison(doubtful), allow_nan=False))

    assert data["settling"] == {"repeats": None, "scenarios": 14}
    assert data["scenarios"][9]["b"] is None
    assert data["scenarios"][9]["gain"] is None
    assert [one["severity"] for one in data["unlike"]] == ["refused", "listed"]
    assert data["notes"] == list(doubtful.notes)
    assert [one["winner"] for one in data["figures"] if one["id"] == "pass_1"] == [None]


def test_json_of_a_contest_holds_ranks_and_comparisons(contest: Contest) -> None:
    data = json.loads(json.dumps(plain_contest(contest), allow_nan=False))

    assert data["ranks"]["quill-mini"] == 4
    assert [one["outcome"] for one in data["comparisons"]] == ["better", "not_worse", "worse"]
    assert data["schema_version"] == 1


def test_json_says_that_a_player_is_scripted(equal: Comparison) -> None:
    assert any("Scripted players" in note for note in plain_comparison(equal)["notes"])
