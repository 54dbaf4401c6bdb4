from __future__ import annotations

import re
from dataclasses import replace
from html.parser import HTMLParser
from typing import TYPE_CHECKING, Any, Final

import pytest

from reports.site.board import Album, Shown
from reports.site.duel import MOST_TURNS, ROW, ahead, checks, figures, lane
from reports.site.links import HOME, Links, pair_target, scenario_target, trial_target
from reports.site.page import framed
from reports.site.pair import MOST_CALLS, pair_page
from reports.site.waterfall import timeline
from testbed.dossier import Dossier, Excerpt
from testbed.records import (
    Check,
    CheckKind,
    Exchange,
    Grade,
    Stage,
    ToolCall,
    Turn,
    Usage,
    Verdict,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from reports.site.page import Page
    from testbed.records import Trial
    from testbed.view import Key, RunView

HERE: Final = "docx-upload"
LEFT: Final = ("moonbeam-2", HERE, 1)
RIGHT: Final = ("noop", HERE, 1)
HOSTILE: Final = (
    "<img src=x onerror=alert(1)></script><script>alert(2)</script>\"'>{{ 7 * 7 }}\x1b\u202e"
)
PATCH: Final = """diff --git a/lib/{0} b/lib/{0}
--- a/lib/{0}
+++ b/lib/{0}
@@ -1,3 +1,3 @@ export
 const known = [".pdf"];
-return known.includes({0});
+return known.some({0});
 }}
"""


class Tags(HTMLParser):
    """Collects every start tag with its attributes."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.found: list[tuple[str, dict[str, str]]] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found.append((tag, {name: value or "" for name, value in attrs}))


def call(
    name: str, path: str, stage: Stage = Stage.EFFECTIVE, cause: str | None = None
) -> ToolCall:
    raw = f'{{"path": "{path}"}}'
    return ToolCall(id="c", name=name, raw_arguments=raw, stage=stage, cause=cause, seconds=0.5)


def turn(index: int, *calls: ToolCall) -> Turn:
    return Turn(
        index=index,
        text="",
        reasoning=None,
        finish_reason="tool_calls",
        tool_calls=calls,
        model_s=2.0,
        tool_s=0.5 * len(calls),
    )


def request(index: int, second: int) -> Exchange:
    return Exchange(
        turn=index,
        attempt=1,
        sent_at=f"2026-11-22T10:00:{second:02}.000000+00:00",
        status=200,
        first_token_s=0.5,
        first_output_s=0.5,
        last_token_s=2.0,
        last_byte_s=2.0,
        usage=Usage(fresh_input=10, cache_read=0, cache_write=0, output=5, reasoning=0),
        cost_usd=0.01,
    )


def grade(verdict: Verdict, **passed: bool) -> Grade:
    found = [
        Check(
            id=f".testbed/checks/unit/a.test.ts::{name}",
            kind=CheckKind.FAIL_TO_PASS,
            passed=ok,
            detail="" if ok else f"expected\n{name}",
        )
        for name, ok in passed.items()
    ]
    return Grade(verdict=verdict, checks=tuple(found))


def dossier(trial: Trial, **more: Any) -> Dossier:  # noqa: ANN401  (any field of a dossier)
    empty: dict[str, Any] = {
        "run_id": "a-run",
        "created": "2026-11-22T10:00:00+00:00",
        "title": "Uploads of .docx are refused",
        "card": "",
        "trial": trial,
        "grade": None,
        "turns": (),
        "requests": None,
        "patch": None,
        "outputs": {},
        "log": Excerpt(text=""),
        "files": (),
        "folder": "",
        "brief": None,
        "commands": {},
    }
    return Dossier(**{**empty, **more})


@pytest.fixture
def trials(view: RunView) -> Mapping[Key, Trial]:
    return {trial.key: trial for trial in view.trials}


@pytest.fixture
def left(trials: Mapping[Key, Trial]) -> Dossier:
    return dossier(
        trials[LEFT],
        grade=grade(Verdict.PASS, one=True, two=True, three=False),
        turns=(turn(1, call("read_file", "a.ts")), turn(2, call("edit_file", "a.ts"))),
        requests=(request(1, 0), request(2, 3)),
        patch=Excerpt(text=PATCH.format("a.ts")),
    )


@pytest.fixture
def right(trials: Mapping[Key, Trial]) -> Dossier:
    broken = call("edit_file", "b.ts", Stage.SCHEMA_VALID, "precondition_failed:old_text_not_found")
    return dossier(
        trials[RIGHT],
        grade=grade(Verdict.FAIL, one=True, two=False, three=False),
        turns=(turn(1, broken),),
        requests=(request(1, 0),),
        patch=Excerpt(text=PATCH.format("b.ts"), cut=12_345),
    )


def album(*names: str) -> Album:
    shown = (
        Shown(
            path=f"pictures/{name}",
            caption=f"moment {number}",
            width=960,
            height=600,
            moving=name.endswith(".webp"),
        )
        for number, name in enumerate(names, 1)
    )
    return Album(shown=tuple(shown))


def page_of(
    left: Dossier,
    right: Dossier,
    *,
    single: bool = False,
    pictures: Mapping[Key, Album] | None = None,
) -> Page:
    here = pair_target(left.trial.key, right.trial.key)
    built = [HOME, scenario_target(HERE), trial_target(LEFT), here]
    links = Links(here, frozenset(target.id for target in built), single=single)
    return pair_page(left, right, links, pictures or {})


def test_the_page_is_as_it_was_looked_at(
    left: Dossier, right: Dossier, golden: Callable[[str, str], None]
) -> None:
    pictures = {LEFT: album("l-1.png", "l-2.webp"), RIGHT: album("r-1.png")}

    golden("pair.html", page_of(left, right, pictures=pictures).body)


def test_the_verdict_of_one_that_passed_is_the_better_one(
    trials: Mapping[Key, Trial],
) -> None:
    passed, failed = trials[LEFT], trials[RIGHT]
    ungraded = failed.model_copy(update={"verdict": Verdict.UNGRADED})

    assert (ahead(passed, failed), ahead(failed, passed)) == ("left", "right")
    assert {ahead(passed, passed), ahead(failed, failed), ahead(passed, ungraded)} == {""}


def better(left: Trial, right: Trial) -> dict[str, str]:
    return {row.name: row.better for row in figures(dossier(left), dossier(right))}


def test_the_better_figure_is_marked_by_its_direction(trials: Mapping[Key, Trial]) -> None:
    one = trials[LEFT].model_copy(update={"violations": ("a",), "unused": 0, "cost_usd": 0.25})
    other = one.model_copy(update={"violations": (), "unused": 2, "cost_usd": 0.5})
    found = better(one, other)

    assert (found["constraints violated"], found["unused names"], found["cost"]) == (
        "right",
        "left",
        "left",
    )
    assert better(other, one)["cost"] == "right"
    assert found["turns"] == ""


def test_a_failed_trial_is_not_better_for_being_cheap_or_quick(
    trials: Mapping[Key, Trial],
) -> None:
    one = trials[LEFT].model_copy(update={"cost_usd": 0.5, "phases": {"agent": 60.0}})
    cheap = {"cost_usd": 0.01, "phases": {"agent": 1.0}, "verdict": Verdict.FAIL}
    found = better(one, one.model_copy(update=cheap))

    assert {found["cost"], found["time at work"]} == {""}


def test_what_is_printed_alike_or_unknown_is_not_better(trials: Mapping[Key, Trial]) -> None:
    one = trials[LEFT].model_copy(update={"cost_usd": 0.100001, "unused": None})
    other = one.model_copy(update={"cost_usd": 0.1, "unused": 3})
    row = next(row for row in figures(dossier(one), dossier(other)) if row.name == "cost")

    assert (row.left, row.right, row.better) == ("$0.10", "$0.10", "")
    assert better(one, other)["unused names"] == ""


def test_checks_with_another_outcome_are_listed_and_the_others_counted(
    left: Dossier, right: Dossier
) -> None:
    found = checks(left, right)

    assert found is not None
    assert [(c.place, c.name, c.left, c.right, c.detail) for c in found.differ] == [
        ("checks/unit/a.test.ts", "two", True, False, "expected two")
    ]
    assert (found.both_pass, found.both_fail, found.more) == (1, 1, 0)


def test_a_trial_without_a_grade_is_not_compared(left: Dossier, right: Dossier) -> None:
    assert checks(left, replace(right, grade=None)) is None
    assert "one of the trials was not graded" in page_of(left, replace(right, grade=None)).body


def test_both_waterfalls_stand_on_one_axis(left: Dossier, right: Dossier) -> None:
    long, short = timeline(left), timeline(right)
    mine, other = lane(long, short), lane(short, long)

    def end(bars: Sequence[tuple[str, float, float, int, str]]) -> float:
        return max(x + width for _, x, width, _, _ in bars)

    assert (long.seconds, short.seconds) == (5.5, 2.5)
    assert end(mine.bars) == pytest.approx(100, abs=0.1)
    assert end(other.bars) == pytest.approx(100 * 2.5 / 5.5, abs=0.3)
    assert (mine.height, other.height) == (2 * ROW, ROW)
    assert mine.told == "2 turns in 5.50 s, of it tools 1.00 s"


def test_a_trial_without_turns_has_an_empty_lane(left: Dossier, right: Dossier) -> None:
    nothing = timeline(replace(right, turns=(), requests=()))

    assert lane(nothing, nothing).bars == ()
    assert lane(nothing, timeline(left)).told == "0 turns in 0 s, of it tools 0 s"


def test_of_very_many_turns_the_first_are_drawn(left: Dossier) -> None:
    many = tuple(turn(n, call("read_file", "a")) for n in range(1, MOST_TURNS + 9))
    own = timeline(replace(left, turns=many, requests=None))

    assert lane(own, own).height == ROW * MOST_TURNS
    assert "128 turns" in lane(own, own).told


def test_tool_calls_are_told_in_short_and_cut(left: Dossier, right: Dossier) -> None:
    body = page_of(left, right).body

    assert '<li class="broken">' in body
    assert "schema valid: precondition failed: old text not found" in body

    calls = tuple(call("read_file", f"{n}.ts") for n in range(MOST_CALLS + 7))
    funnel = left.trial.funnel.model_copy(update={"stages": {"effective": len(calls)}})
    trial = left.trial.model_copy(update={"funnel": funnel})
    body = page_of(replace(left, trial=trial, turns=(turn(1, *calls),)), right).body

    assert f"{MOST_CALLS - 1}.ts" in body
    assert f"{MOST_CALLS}.ts" not in body
    assert "And 7 more." in body


def test_a_diff_that_was_cut_and_one_that_is_empty_are_told(left: Dossier, right: Dossier) -> None:
    assert "12,345 bytes of it are not shown" in page_of(left, right).body
    assert "The model left no change." in page_of(left, replace(right, patch=Excerpt(text=""))).body


def test_both_trials_and_the_scenario_are_linked_when_they_are_built(
    left: Dossier, right: Dossier
) -> None:
    page = page_of(left, right)
    links = [attrs["href"] for tag, attrs in Tags(page.body).found if tag == "a"]

    assert links == [
        "../index.html",
        f"../{scenario_target(HERE).path}",
        f"../{trial_target(LEFT).path}",
    ]
    assert page.target == pair_target(LEFT, RIGHT)


def test_pictures_of_the_same_step_stand_beside_each_other(left: Dossier, right: Dossier) -> None:
    pictures = {LEFT: album("l-1.png", "l-2.png"), RIGHT: album("r-1.png")}
    body = page_of(left, right, pictures=pictures).body
    images = [attrs["src"] for tag, attrs in Tags(body).found if tag == "img"]

    assert images == ["../pictures/l-1.png", "../pictures/r-1.png", "../pictures/l-2.png"]
    assert body.count('<p class="soft">no picture</p>') == 1


def test_a_side_without_pictures_is_told(left: Dossier, right: Dossier) -> None:
    body = page_of(left, right, pictures={RIGHT: album("r-1.png")}).body

    assert '<p class="soft">not pictured</p>' in body
    assert "What they built" not in page_of(left, right).body


def test_foreign_text_stays_text(left: Dossier, right: Dossier) -> None:
    bad = call(HOSTILE, "x", Stage.EMITTED, HOSTILE).model_copy(update={"raw_arguments": HOSTILE})
    failed = Check(
        id=f"{HOSTILE}::{HOSTILE}", kind=CheckKind.FAIL_TO_PASS, passed=False, detail=HOSTILE
    )
    trial = left.trial.model_copy(update={"model": HOSTILE, "checks_failed": (HOSTILE,)})
    own = replace(
        left,
        trial=trial,
        title=HOSTILE,
        turns=(turn(1, bad),),
        grade=Grade(verdict=Verdict.FAIL, checks=(failed,)),
        patch=Excerpt(text=PATCH.format(HOSTILE) + f"</template>{HOSTILE}\n"),
    )
    other = replace(
        right,
        grade=Grade(verdict=Verdict.PASS, checks=(failed.model_copy(update={"passed": True}),)),
    )
    page = page_of(own, other)
    tags = Tags(page.body).found

    assert not {tag for tag, _ in tags} & {"script", "img", "iframe", "style"}
    assert not [name for _, attrs in tags for name in attrs if name.startswith("on")]
    assert page.body.count("</template>") == page.body.count("<template>") == 2
    assert not {"\x1b", "\u202e"} & set(framed(page))


def test_ids_are_the_pages_own_in_a_single_file(left: Dossier, right: Dossier) -> None:
    page = page_of(left, right, single=True)
    ids = [attrs["id"] for _, attrs in Tags(page.body).found if "id" in attrs]

    assert len(ids) == len(set(ids)) > 5
    assert all(found.startswith(page.target.id) for found in ids)
    assert not page.vendored


def test_the_same_trials_give_the_same_bytes(left: Dossier, right: Dossier) -> None:
    assert framed(page_of(left, right)) == framed(page_of(left, right))
    assert re.search(r"script-src [^;]*'self'", framed(page_of(left, right)))
