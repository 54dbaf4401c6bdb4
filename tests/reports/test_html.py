from __future__ import annotations

import re
from base64 import b64encode
from dataclasses import replace
from hashlib import sha256
from html.parser import HTMLParser
from typing import TYPE_CHECKING

import pytest

from reports.html import build_scoreboard, render_scoreboard
from testbed.errors import DiskFull

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from testbed.view import RunView

VOID = {"meta", "rect", "line"}


class Page(HTMLParser):
    """Collect the elements of a page and demand that they nest."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.elements: list[tuple[str, dict[str, str]]] = []
        self.open: list[str] = []
        self.words: list[str] = []
        self.feed(text)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Note an element and that it is open."""
        self.elements.append((tag, {name: value or "" for name, value in attrs}))
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Note an element without content."""
        self.elements.append((tag, {name: value or "" for name, value in attrs}))

    def handle_endtag(self, tag: str) -> None:
        """Close the element that was opened last."""
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        """Note a text."""
        self.words.append(data)

    def all(self, tag: str) -> list[dict[str, str]]:
        """List the attributes of each element of this name."""
        return [attributes for name, attributes in self.elements if name == tag]


def test_the_scoreboard_is_one_page(view: RunView, golden: Callable[[str, str], None]) -> None:
    golden("scoreboard.html", render_scoreboard(view))


def test_everything_that_can_be_shown_is_one_page(
    rich_view: RunView, golden: Callable[[str, str], None]
) -> None:
    golden("rich.html", render_scoreboard(rich_view))


def test_hostile_names_stay_words(
    hostile_view: RunView, golden: Callable[[str, str], None]
) -> None:
    text = render_scoreboard(hostile_view)
    page = Page(text)

    golden("hostile.html", text)
    assert not {tag for tag, _ in page.elements} & {"script", "img", "iframe", "object", "form"}
    assert len(page.all("style")) == 1
    assert len(page.all("svg")) == len(hostile_view.models)
    assert not [a for _, attributes in page.elements for a in attributes if a.startswith("on")]
    assert "<script>alert(1)</script>" in page.words
    assert "49" not in page.words
    assert "\u202e" not in text
    assert "\x1b" not in text


def test_links_lead_to_files_below_the_page_or_to_its_own_anchors(
    view: RunView, rich_view: RunView, hostile_view: RunView
) -> None:
    for text in map(render_scoreboard, (view, rich_view, hostile_view)):
        page = Page(text)
        ids = {attributes["id"] for _, attributes in page.elements if "id" in attributes}
        links = [attributes["href"] for attributes in page.all("a")]

        assert links
        assert all(link[1:] in ids for link in links if link.startswith("#"))
        assert all(
            re.fullmatch(r"\./[\w./%~-]+", link) for link in links if not link.startswith("#")
        )
        assert len(ids) == sum("id" in attributes for _, attributes in page.elements)


def test_each_trial_is_linked_to_its_files(view: RunView) -> None:
    links = [attributes["href"] for attributes in Page(render_scoreboard(view)).all("a")]

    for files in view.files.values():
        assert all(links.count(f"./{path}") == 1 for path in files)


def test_the_policy_allows_this_style_and_nothing_else(view: RunView) -> None:
    text = render_scoreboard(view)
    style = text.split("<style>")[1].split("</style>")[0]
    digest = b64encode(sha256(style.encode()).digest()).decode()
    policies = [
        m["content"]
        for m in Page(text).all("meta")
        if m.get("http-equiv") == "Content-Security-Policy"
    ]

    assert policies == [
        f"default-src 'none'; style-src 'sha256-{digest}'; base-uri 'none'; form-action 'none'"
    ]
    assert "style" not in {a for _, attributes in Page(text).elements for a in attributes}


def test_tables_have_captions_and_scoped_headings(rich_view: RunView) -> None:
    page = Page(render_scoreboard(rich_view))

    assert len(page.all("caption")) == len(page.all("table"))
    assert {heading.get("scope") for heading in page.all("th")} == {"col", "row"}


def test_scripted_players_wear_a_badge_in_every_table(view: RunView) -> None:
    page = Page(render_scoreboard(view))
    badges = [a for a in page.all("a") if a.get("class") == "badge"]

    assert len(badges) == 2 * (len(page.all("table")) - 1)


def test_bars_end_where_the_rates_and_intervals_end(view: RunView) -> None:
    page = Page(render_scoreboard(view))
    halyard = [r["width"] for r in page.all("rect") if r["class"] != "track"][4:6]

    assert halyard == ["62.5", "51.9"]
    spans = {(line["x1"], line["x2"]) for line in page.all("line")}
    assert {("37.3", "87.1"), ("23.1", "87.9")} <= spans


def test_a_page_of_27_trials_is_small(view: RunView) -> None:
    assert len(render_scoreboard(view).encode()) < 100_000


def test_the_same_run_gives_the_same_bytes(view: RunView, tmp_path: Path) -> None:
    page = build_scoreboard(view, tmp_path / "new" / "folder")
    shuffled = replace(view, trials=list(reversed(view.trials)))

    assert page == tmp_path / "new" / "folder" / "index.html"
    assert page.read_text(encoding="utf-8") == render_scoreboard(shuffled)


def test_an_empty_run_still_has_a_page(view: RunView) -> None:
    text = render_scoreboard(replace(view, trials=[], spoiled=[], files={}))

    assert "27 not run" in text.replace("\N{NO-BREAK SPACE}", " ")
    assert "$0.00" not in text


def test_a_folder_that_cannot_be_written_is_an_expected_error(
    view: RunView, tmp_path: Path
) -> None:
    (tmp_path / "file").write_text("in the way")

    with pytest.raises(DiskFull, match=r"index\.html"):
        build_scoreboard(view, tmp_path / "file")
