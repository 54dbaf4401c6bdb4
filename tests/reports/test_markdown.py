from __future__ import annotations

from typing import TYPE_CHECKING

from reports.markdown import escape, markdown_scoreboard

if TYPE_CHECKING:
    from collections.abc import Callable

    from testbed.view import RunView


def test_the_scoreboard_is_markdown(view: RunView, golden: Callable[[str, str], None]) -> None:
    golden("scoreboard.md", markdown_scoreboard(view))


def test_everything_that_can_be_shown_is_markdown(
    rich_view: RunView, golden: Callable[[str, str], None]
) -> None:
    golden("rich.md", markdown_scoreboard(rich_view))


def test_every_row_of_a_table_has_as_many_cells_as_its_head(
    view: RunView, hostile_view: RunView
) -> None:
    for text in (markdown_scoreboard(view), markdown_scoreboard(hostile_view)):
        for block in text.split("\n\n"):
            rows = [line.replace("\\|", "") for line in block.splitlines() if line[0] == "|"]
            assert len({row.count("|") for row in rows}) <= 1


def test_foreign_markup_is_escaped() -> None:
    assert escape("a|b [x](y) <i> *z* `c` _d_ \\ &lt;") == (
        r"a\|b \[x\](y) \<i\> \*z\* \`c\` \_d\_ \\ \&lt;"
    )
