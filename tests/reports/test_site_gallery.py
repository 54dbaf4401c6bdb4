"""Tours beside each other: the same moment in one row, however far each of them went."""

from __future__ import annotations

from typing import Final

from reports.site.board import Album, Shown
from reports.site.gallery import STOPPED_CHARS, Column, Gallery, gallery
from reports.site.links import HOME, Links, Target

LINKS: Final = Links(Target("here", "scenarios/here.html"), frozenset({HOME.id}))


def album(*captions: str, stopped: str | None = None, failure: bool = False) -> Album:
    """Show these moments; with `failure` also the one where the tour stopped."""
    names = (*captions, *(["stopped: click"] if failure else []))
    return Album(
        shown=tuple(
            Shown(
                path=f"pictures/{number}.png",
                caption=name,
                width=96,
                height=60,
                failure=failure and number == len(names),
            )
            for number, name in enumerate(names, 1)
        ),
        stopped=stopped,
    )


def beside(*albums: Album | None, single: bool = False) -> Gallery:
    links = Links(LINKS.here, LINKS.built, single=single)
    tours = [(Column(name=f"m{n}", told=""), one) for n, one in enumerate(albums, 1)]
    return gallery(tours, links)


def rows(*albums: Album | None) -> dict[str, list[str]]:
    """Tell each cell by its picture, or else by its note; `!` where the tour stopped."""
    return {
        caption: [
            f"{frame.source.rpartition('/')[2] or frame.note}{'!' if frame.stopped else ''}"
            for frame in frames
        ]
        for caption, frames in beside(*albums).rows
    }


def test_the_same_moment_of_every_tour_stands_in_one_row() -> None:
    assert rows(album("a", "c"), album("a", "b", "c"), None) == {
        "a": ["1.png", "1.png", "not pictured"],
        "b": ["no picture", "2.png", "not pictured"],
        "c": ["2.png", "3.png", "not pictured"],
    }


def test_a_tour_that_stopped_is_told_where_its_next_moment_would_be() -> None:
    stopped = album("a", stopped="step 2: no button", failure=True)

    assert rows(album("a", "b", "c"), stopped) == {
        "a": ["1.png", "1.png"],
        "b": ["2.png", "2.png!"],
        "c": ["3.png", "not reached"],
    }


def test_a_tour_that_stopped_behind_all_moments_has_a_row_of_its_own() -> None:
    assert rows(album("a"), album("a", stopped="s", failure=True)) == {
        "a": ["1.png", "1.png"],
        "Where the tour stopped": ["came to its end", "2.png!"],
    }


def test_an_application_that_could_not_be_seen_at_all_is_told() -> None:
    assert rows(album(stopped="it did not build")) == {"Where the tour stopped": ["no picture!"]}
    assert rows(album("a", "b"), album(stopped="it did not build")) == {
        "a": ["1.png", "no picture!"],
        "b": ["2.png", "not reached"],
    }


def test_moments_with_one_caption_are_told_apart() -> None:
    found = [
        [frame.source or frame.note for frame in frames]
        for _, frames in beside(album("a", "a", "b"), album("a", "a"), album("a", "b")).rows
    ]

    assert found == [
        ["../pictures/1.png"] * 3,
        ["../pictures/2.png", "../pictures/2.png", "no picture"],
        ["../pictures/3.png", "no picture", "../pictures/2.png"],
    ]


def test_what_is_left_out_for_its_size_is_told_and_counted() -> None:
    shown = Shown(path="", caption="a", width=1, height=1)
    found = beside(Album(shown=(shown,)), album("a"), single=True)

    assert [frame.note for frame in found.rows[0][1]] == ["left out of this file", ""]
    assert found.left_out == 1


def test_foreign_reasons_are_one_short_clean_line() -> None:
    (frame,) = beside(album(stopped="a\n\tb \x1b" + "x" * 10_000)).rows[0][1]

    assert frame.stopped.startswith("a b ␛xxx")
    assert len(frame.stopped) < STOPPED_CHARS + 60
    assert rows(album("\u202ea")) == {"\ufffda": ["1.png"]}
