from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from reports.versus import certainty, rows
from reports.versus.contest import standings
from reports.versus.figures import named
from reports.versus.forest import plot
from reports.versus.tables import Mark, Row, Scale, Table
from testbed.comparing.comparison import Outcome, Severity
from testbed.comparing.figure_pairs import FIGURES
from testbed.stats import Interval

if TYPE_CHECKING:
    from testbed.comparing.comparison import Comparison, Contest


def row(table: Table | None, name: str) -> Row:
    assert table is not None
    return next(one for one in table.rows if one.name == name)


def texts(one: Row) -> list[str]:
    return [cell.text for cell in one.cells]


def test_both_models_stand_side_by_side_with_what_tells_them_apart(worked: Comparison) -> None:
    table = rows.side_by_side(worked)
    pass_1, accuracy = row(table, "pass@1"), row(table, "tool-call accuracy")

    assert table.columns[1:3] == ("moonbeam-2", "moonbeam-3")
    assert texts(pass_1) == ["48 %", "74 %", "+26 points", "moonbeam-3"]
    assert [cell.small for cell in pass_1.cells] == ["[25, 72]", "[45, 91]", "+1 to +51", ""]
    assert [cell.winner for cell in accuracy.cells] == [False, True, False, False]
    assert texts(row(table, "cost per trial"))[2:] == ["+9 %", rows.NOT_TOLD]
    assert texts(row(table, "pass@5"))[:2] == ["80 %", "90 %"]
    assert texts(row(table, "pass^5"))[:2] == ["20 %", "50 %"]


def test_success_stands_first_and_money_last(worked: Comparison) -> None:
    table = rows.side_by_side(worked)
    groups = list(dict.fromkeys(one.group for one in table.rows))

    assert groups == ["success", "tool calls and tidiness", "time", "tokens", "money"]
    assert [one.name for one in table.rows][:2] == ["single-prompt success", "pass@1"]


def test_the_headline_has_no_winner_that_the_verdict_has_not(worked: Comparison) -> None:
    for outcome, winner in (
        (Outcome.BETTER, "moonbeam-3"),
        (Outcome.WORSE, "moonbeam-2"),
        (Outcome.NOT_WORSE, rows.NOT_TOLD),
        (Outcome.INCONCLUSIVE, rows.NOT_TOLD),
    ):
        table = rows.side_by_side(replace(worked, outcome=outcome))
        assert texts(row(table, "pass@1"))[3] == winner


def test_a_figure_without_an_interval_has_no_winner(worked: Comparison) -> None:
    adherence = row(rows.side_by_side(worked), "prompt adherence")

    assert texts(adherence)[2:] == ["0 points", "\N{EN DASH}"]
    assert adherence.cells[2].small == "everywhere alike"


def test_a_ratio_says_over_how_many_scenarios_it_is_known(worked: Comparison) -> None:
    wall = row(rows.side_by_side(worked), "wall time per trial")

    assert wall.cells[2].small.endswith(", 7 of 10 scenarios")


def test_a_figure_of_which_no_side_is_better_names_no_winner(worked: Comparison) -> None:
    assert texts(row(rows.quality(worked), "longest function"))[3] == rows.NO_SIDE


def test_quality_stands_beside_the_references(worked: Comparison) -> None:
    longest = row(rows.quality(worked), "longest function")

    assert [cell.small for cell in longest.cells[:2]] == ["reference 12", "reference 12"]


def test_what_neither_model_has_is_left_out(worked: Comparison) -> None:
    names = {one.name for one in rows.side_by_side(worked).rows}

    assert "prompts to success" not in names
    assert "of it reasoning" not in names


def test_every_figure_that_is_compared_has_a_line(worked: Comparison) -> None:
    others = {"pass_1", "pass_at_k", "pass_all_k", "cost_per_solved"}

    assert {figure.id for figure in FIGURES} | others <= named()
    assert {pair.id for pair in worked.figures} <= named()


def test_a_figure_without_a_line_is_shown_by_its_id(hostile: Comparison) -> None:
    last = rows.side_by_side(hostile).rows[-1]

    assert last.group == "others"
    assert texts(last)[:2] == ["1", "2"]
    assert "\x1b" not in last.name


def test_gains_stand_first_and_what_cannot_be_compared_last(doubtful: Comparison) -> None:
    table = certainty.scenarios(doubtful)
    moves = [one.mark.value if one.mark else None for one in table.rows[:-1]]

    assert moves[:-1] == sorted((m for m in moves if m is not None), reverse=True)
    assert moves[-1] is None
    assert texts(table.rows[-2])[1:] == ["\N{EN DASH}"] * 3
    assert table.rows[-1].name == "mean"
    assert table.rows[-1].mark == Mark(
        value=0.2, interval=Interval(low=-0.0412, high=0.4412), pooled=True
    )


def test_flips_are_those_that_moved(worked: Comparison, equal: Comparison) -> None:
    table = certainty.flips(worked)

    assert table is not None
    assert table.title == "Flips: 6 up, 2 down, 2 the same"
    assert {one.scenario for one in table.rows} == {*worked.up, *worked.down}
    assert certainty.flips(equal) is None


def test_every_method_that_gave_a_number_is_listed(worked: Comparison) -> None:
    told = {one.name: one.cells[0].text for one in certainty.certainty(worked).rows}

    assert told["tasks like these"] == "+26 points, 95 % interval +1 to +51 points, p 0.045"
    assert told["this very suite"] == "+26 points, 95 % interval +12 to +40 points, p <0.001"
    assert told["sign-flip test"] == "p 0.070"
    assert told["smallest difference it would likely show"] == "35 points"
    assert "McNemar's test" not in told
    assert "at worst" not in told


def test_conditions_that_differ_say_whether_they_change_results(doubtful: Comparison) -> None:
    table = certainty.conditions(doubtful)
    digest = replace(doubtful.unlike[0], a="ab" * 32, b="", severity=Severity.LISTED)

    assert texts(row(table, "fixture"))[2] == "yes"
    assert texts(row(table, "engine"))[1:] == ["\N{EN DASH}", "no"]
    shown = certainty.conditions(replace(doubtful, unlike=(digest,)))
    assert texts(row(shown, "fixture"))[0] == "abababababab…"


def test_one_kind_alone_has_no_table(worked: Comparison) -> None:
    assert rows.kinds(replace(worked, kinds=worked.kinds[:1])) is None


def test_a_comparison_of_nothing_still_has_its_tables(nothing: Comparison) -> None:
    assert len(certainty.scenarios(nothing).rows) == 10
    assert rows.ratios(nothing) is None
    assert rows.side_by_side(nothing).rows


def test_standings_are_by_rank_with_the_baseline_among_them(contest: Contest) -> None:
    table = standings(contest)

    assert table is not None
    assert [(one.name, one.cells[0].text) for one in table.rows] == [
        ("moonbeam-3", "1"),
        ("moonbeam-2", "2"),
        ("halyard-5", "2"),
        ("quill-mini", "4"),
    ]
    assert texts(table.rows[0])[2:4] == ["+26 points", "0.048"]
    assert standings(replace(contest, comparisons=())) is None


def marked(*marks: Mark, scale: Scale) -> Table:
    return Table(
        id="t",
        title="",
        caption="",
        columns=("",),
        rows=tuple(Row(name="", cells=(), mark=mark) for mark in marks),
        scale=scale,
    )


def test_differences_stand_on_a_straight_scale() -> None:
    found = plot(
        marked(Mark(value=0.5, interval=Interval(low=-1.0, high=1.0)), scale=Scale.POINTS),
        margin=0.1,
    )

    assert found.dots[0] is not None
    assert (found.dots[0].at, found.dots[0].whisker) == ("75.00%", ("0.00%", "100.00%"))
    assert found.margin == "45.00%"


def test_ratios_stand_on_a_logarithmic_scale_that_holds_them_all() -> None:
    found = plot(
        marked(Mark(value=1.0), Mark(value=0.5), Mark(value=4.0), scale=Scale.RATIO), margin=0.1
    )

    assert [dot.at for dot in found.dots if dot] == ["50.00%", "25.00%", "100.00%"]
    assert [tick.text for tick in found.ticks] == ["1/4", "the same", "4 times"]
    assert found.margin is None


def test_a_ratio_beyond_all_bounds_stands_at_the_end_of_the_scale() -> None:
    found = plot(
        marked(Mark(value=1e6, interval=Interval(low=0.0, high=1e9)), scale=Scale.RATIO), margin=0.1
    )

    assert found.dots[0] is not None
    assert (found.dots[0].at, found.dots[0].whisker) == ("100.00%", ("0.00%", "100.00%"))
