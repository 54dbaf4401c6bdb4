from __future__ import annotations

import re
from html.parser import HTMLParser
from typing import TYPE_CHECKING

import pytest

from reports.site.links import HOME, Links, compare_target, scenario_target
from reports.site.page import framed
from reports.versus.page import compare_page

if TYPE_CHECKING:
    from collections.abc import Callable

    from testbed.comparing.comparison import Comparison

VOID = {"meta", "rect", "line", "circle", "path"}


class Parsed(HTMLParser):
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


def links_of(comparison: Comparison, *, single: bool = False) -> Links:
    here = compare_target(comparison.a.model, comparison.b.model)
    scenarios = {scenario_target(one.scenario).id for one in comparison.scenarios}
    return Links(here=here, built=frozenset({HOME.id, here.id, *scenarios}), single=single)


def body(comparison: Comparison) -> str:
    return str(compare_page(comparison, links_of(comparison)).body)


@pytest.mark.parametrize("name", ["worked", "doubtful", "equal", "hostile"])
def test_a_comparison_is_a_page(
    name: str, request: pytest.FixtureRequest, golden: Callable[[str, str], None]
) -> None:
    golden(f"versus-{name}.html", body(request.getfixturevalue(name)))


def test_hostile_names_stay_words_on_the_page_of_a_comparison(hostile: Comparison) -> None:
    text = framed(compare_page(hostile, links_of(hostile)))
    page = Parsed(text)

    assert not {tag for tag, _ in page.elements} & {"script", "img", "iframe", "object", "form"}
    assert len(page.all("style")) == 1
    names = {name for _, attributes in page.elements for name in attributes}
    assert not [name for name in names if name.startswith("on") or name == "style"]
    assert "<script>alert(1)</script>" in page.words
    assert "\u202e" not in text
    assert "\x1b" not in text


def test_flips_lead_to_their_scenarios_and_figures_to_their_definitions(
    worked: Comparison,
) -> None:
    hrefs = [link["href"] for link in Parsed(body(worked)).all("a")]

    for one in worked.scenarios:
        assert f"../{scenario_target(one.scenario).path}" in hrefs
    assert "../index.html#def-pass-1" in hrefs
    assert "../index.html" in hrefs
    assert all(re.fullmatch(r"\.\./[\w./#-]+", href) for href in hrefs)


def test_definitions_that_are_linked_exist(worked: Comparison) -> None:
    from reports.site.page import REPORTS

    known = (REPORTS / "templates" / "definitions.html").read_text(encoding="utf-8")
    hrefs = [link["href"] for link in Parsed(body(worked)).all("a")]

    for href in hrefs:
        anchor = href.partition("#")[2]
        assert not anchor or f'id="{anchor}"' in known


def test_a_page_alone_links_nothing(worked: Comparison) -> None:
    here = compare_target("a", "b")
    page = compare_page(worked, Links(here=here, built=frozenset()))

    assert "<a " not in page.body
    assert "<script" not in framed(page)


def test_ids_are_the_pages_own_in_a_single_file(worked: Comparison) -> None:
    links = links_of(worked, single=True)
    page = Parsed(str(compare_page(worked, links).body))
    ids = [attributes["id"] for _, attributes in page.elements if "id" in attributes]

    assert len(ids) == len(set(ids)) > 5
    assert all(one.startswith(f"{links.here.id}-") for one in ids)


def test_tables_have_captions_and_scoped_headings_on_the_page_of_a_comparison(
    doubtful: Comparison,
) -> None:
    page = Parsed(body(doubtful))

    assert len(page.all("caption")) == len(page.all("table")) == 9
    assert {heading.get("scope") for heading in page.all("th")} == {"col", "row", "rowgroup"}


def test_dots_stand_where_the_differences_are(worked: Comparison) -> None:
    page = Parsed(body(worked))
    dots = [circle["cx"] for circle in page.all("circle")]
    whiskers = [line for line in page.all("line") if line["class"] == "whisker" and "x1" in line]

    assert dots[:10] == [f"{place}.00%" for place in (90, 80, 80, 70, 70, 60, 50, 50, 40, 40)]
    assert (whiskers[0]["x1"], whiskers[0]["x2"]) == ("50.36%", "75.64%")


def test_each_end_of_the_scale_names_who_is_better_there(worked: Comparison) -> None:
    words = " ".join(Parsed(body(worked)).words)

    assert "← moonbeam-2 better moonbeam-3 better →" in " ".join(words.split())


def test_the_title_is_the_outcome(worked: Comparison, nothing: Comparison) -> None:
    assert compare_page(worked, links_of(worked)).title == "moonbeam-3 is better than moonbeam-2"
    assert "nothing to compare" in compare_page(nothing, links_of(nothing)).title


def test_a_comparison_over_one_scenario_draws_no_interval(alone: Comparison) -> None:
    assert "whisker" not in body(alone)
    assert "no interval" in body(alone)


def test_the_same_comparison_gives_the_same_bytes(worked: Comparison) -> None:
    assert body(worked) == body(worked)
