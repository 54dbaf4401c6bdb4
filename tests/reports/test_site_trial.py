"""The page of one trial: why it ended as it did."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from typing import TYPE_CHECKING, Final

import pytest

from reports.site.board import Album, Shown
from reports.site.checklist import checklist
from reports.site.facts import facts, outcome, remarks
from reports.site.links import (
    HOME,
    Links,
    Target,
    pair_target,
    scenario_target,
    trial_target,
)
from reports.site.page import framed
from reports.site.transcript import MOST_CALLS, transcript
from reports.site.trial import trial_page
from reports.site.waterfall import timeline
from testbed.briefs import Brief
from testbed.dossier import Dossier, Excerpt
from testbed.findings import Harm
from testbed.records import (
    Check,
    CheckKind,
    Ending,
    Exchange,
    Failure,
    Funnel,
    Grade,
    Latency,
    Origin,
    Patch,
    Stage,
    ToolCall,
    Trial,
    Turn,
    UnusedName,
    Usage,
    Verdict,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from reports.site.page import Page

KEY: Final = ("moonbeam-2", "docx-upload", 2)
BEFORE: Final = trial_target(("moonbeam-2", "docx-upload", 1))
AFTER: Final = trial_target(("moonbeam-2", "docx-upload", 3))
RIVAL: Final = pair_target(KEY, ("halyard-4", "docx-upload", 1))
HOSTILE: Final = (
    "<img src=x onerror=alert(1)></script><script>alert(2)</script>"
    "\"'><svg onload=alert(3)> javascript:alert(4) {{ 7 * 7 }} \x1b[31m\u202e\ufffd"
)
PATCH: Final = """diff --git a/lib/upload.ts b/lib/upload.ts
--- a/lib/upload.ts
+++ b/lib/upload.ts
@@ -3,3 +3,4 @@ export function accepts(name: string) {
 const known = [".pdf"];
-return known.includes(name);
+const extra = 1;
+return known.some((end) => name.endsWith(end));
 }
diff --git a/lib/upload.test.ts b/lib/upload.test.ts
deleted file mode 100644
--- a/lib/upload.test.ts
+++ /dev/null
@@ -1,2 +0,0 @@
-test("a .docx is taken", () => {});
-
"""
ALBUM: Final = Album(
    shown=(
        Shown(path="pictures/a.png", caption="The form", width=960, height=600),
        Shown(path="pictures/b.webp", caption="The tour", width=640, height=400, moving=True),
    )
)
FOREIGN: Final = Album(
    shown=(
        Shown(path="pictures/a.png", caption=HOSTILE, width=390, height=780),
        Shown(path="pictures/a.png", caption=HOSTILE, width=390, height=780, failure=True),
        Shown(path="pictures/b.webp", caption=HOSTILE, width=640, height=400, moving=True),
        Shown(path="", caption=HOSTILE, width=640, height=400),
    ),
    stopped=f"{HOSTILE}\n{HOSTILE}",
)
TEST: Final = "lib/upload.test.ts::a .docx is taken"
HIDDEN: Final = ".testbed/checks/unit/docx.test.ts"


def exchange(turn: int, second: float, *, attempt: int = 1, **more: object) -> Exchange:
    reply = {
        "status": 200,
        "first_byte_s": 0.2,
        "first_token_s": 0.4,
        "first_output_s": 1.0,
        "last_token_s": 2.0,
        "last_byte_s": 2.0,
        "usage": Usage(fresh_input=1200, cache_read=800, cache_write=None, output=90, reasoning=40),
        "cost_usd": 0.0042,
    }
    sent = f"2026-11-22T10:00:{second:09.6f}+00:00"
    return Exchange.model_validate(
        {"turn": turn, "attempt": attempt, "sent_at": sent, **reply, **more}
    )


def call(name: str, arguments: object, stage: Stage = Stage.EFFECTIVE, **more: str) -> ToolCall:
    raw = arguments if isinstance(arguments, str) else json.dumps(arguments)
    result = more.get("result", "done")
    cause = more.get("cause")
    return ToolCall(
        id="c", name=name, raw_arguments=raw, stage=stage, cause=cause, result=result, seconds=0.25
    )


def turn(index: int, *calls: ToolCall, text: str = "I look.", reasoning: str | None = None) -> Turn:
    return Turn(
        index=index,
        text=text,
        reasoning=reasoning,
        finish_reason="tool_calls",
        tool_calls=calls,
        model_s=2.0,
        tool_s=sum(c.seconds for c in calls),
    )


TURNS: Final = (
    turn(
        1,
        call("read_file", {"path": "lib/upload.ts"}, result="1\tconst known"),
        call("read_file", '{"path": ', Stage.EMITTED, cause="invalid_json", result="no JSON"),
        reasoning="Which endings are known?",
    ),
    turn(
        2,
        call("edit_file", {"path": "lib/upload.ts", "old_text": "a\nb", "limit": 3}),
        call("list_files", {}, Stage.EXECUTABLE, cause="repeated"),
    ),
    turn(3, call("finish", {"summary": "All done."}), text=""),
)
REQUESTS: Final = (
    exchange(
        1,
        0.0,
        status=429,
        error="rate_limit",
        error_detail="slow down",
        first_token_s=None,
        last_byte_s=0.1,
        waited_s=3.0,
        usage=None,
        cost_usd=None,
    ),
    exchange(1, 3.2, attempt=2),
    exchange(2, 6.0),
    exchange(3, 9.0),
)
CHECKS: Final = (
    Check(id=f"{HIDDEN}::takes .docx", kind=CheckKind.FAIL_TO_PASS, passed=False, detail="failed"),
    Check(id=f"{HIDDEN}::keeps .pdf", kind=CheckKind.FAIL_TO_PASS, passed=True),
    Check(id="lib/a.test.ts::one", kind=CheckKind.PASS_TO_PASS, passed=False, detail="not run"),
    Check(id="lib/a.test.ts::two", kind=CheckKind.PASS_TO_PASS, passed=False, detail="not run"),
    Check(id="lib/b.test.ts::three", kind=CheckKind.PASS_TO_PASS, passed=True),
    Check(id="typecheck", kind=CheckKind.TYPECHECK, passed=True),
    Check(id="witness:unit", kind=CheckKind.WITNESS, passed=True, detail="exit code 1"),
    Check(
        id="constraint:max-changed-lines",
        kind=CheckKind.CONSTRAINT,
        passed=False,
        detail="300 lines, at most 250",
    ),
    Check(
        id="constraint:forbidden-paths",
        kind=CheckKind.CONSTRAINT,
        passed=False,
        detail="lib/upload.ts",
    ),
)
UNUSED: Final = (UnusedName(path="lib/upload.ts", line=4, message="`extra` is never used"),)


def trial(**changes: object) -> Trial:
    made = Trial(
        model=KEY[0],
        scripted=False,
        scenario=KEY[1],
        kind="bug",
        repeat=KEY[2],
        attempt=1,
        ending=Ending.TURN_LIMIT,
        verdict=Verdict.FAIL,
        started_at="2026-11-22T10:00:00+00:00",
        phases={"total": 40.0, "model": 6.0, "tools": 1.25, "waiting": 3.0, "grade": 25.0},
        turns=3,
        requests=4,
        rate_limited=1,
        usage=Usage(fresh_input=3600, cache_read=2400, cache_write=None, output=270, reasoning=120),
        cost_usd=0.0126,
        funnel=Funnel(stages={"effective": 3, "executable": 1, "emitted": 1}),
        latencies=(Latency(response_s=2.0, ttft_s=0.4, ttfo_s=1.0, output_tokens_per_s=56.0),) * 3,
        patch=Patch(
            digest="d",
            files=("lib/upload.test.ts", "lib/upload.ts"),
            added=2,
            deleted=3,
            tampered=("lib/upload.test.ts",),
        ),
        checks_total=7,
        checks_failed=("lib/a.test.ts::one",),
        violations=("constraint:max-changed-lines", "constraint:forbidden-paths"),
        unused=1,
        harm=(Harm.WEAKENED_TESTS,),
    )
    return made.model_copy(update=changes)


def dossier(**changes: object) -> Dossier:
    brief = Brief(
        prompt="Uploads of .docx are refused.\nPlease mend that.",
        seed="",
        seeded_files=(),
        constraints={"max_changed_lines": "250"},
        commands={},
        fail_to_pass=2,
        pass_to_pass=3,
    )
    made = Dossier(
        run_id="r1",
        created="2026-11-22T09:59:00+00:00",
        title="Uploads of .docx are refused",
        card="Moonbeam 2, prices of 2026-09-05",
        trial=trial(),
        grade=Grade(verdict=Verdict.FAIL, checks=CHECKS, unused=UNUSED, localised=True),
        turns=TURNS,
        requests=REQUESTS,
        patch=Excerpt(text=PATCH),
        outputs={f"{HIDDEN}::takes .docx": "AssertionError: expected false to be true"},
        log=Excerpt(text="$ npm test\n1 failed"),
        folder="r1/trials/moonbeam-2/docx-upload/2/1",
        files=("patch.diff", "trial.json"),
        brief=brief,
        commands={"Make a trial like it": "testbed run -m moonbeam-2 -s docx-upload -n 1"},
    )
    return replace(made, **changes)  # type: ignore[arg-type]


def page(
    shown: Dossier,
    *,
    single: bool = False,
    built: Sequence[Target] = (HOME, scenario_target(KEY[1]), BEFORE, AFTER, RIVAL),
    album: Album | None = ALBUM,
) -> Page:
    here = trial_target(shown.trial.key)
    return trial_page(
        shown,
        Links(here, frozenset(target.id for target in (here, *built)), single=single),
        previous=BEFORE,
        following=AFTER,
        rivals=[(RIVAL, "halyard-4")],
        album=album,
    )


def text_of(shown: Dossier) -> str:
    return " ".join(re.sub(r"<[^>]+>", " ", page(shown).body).split())


def hostile() -> Dossier:
    """Put hostile text into every field that anybody but the harness writes."""
    names = (HOSTILE, "a" * 3000)
    spoken = turn(1, call(HOSTILE, {HOSTILE: HOSTILE}, Stage.PARSED, cause=HOSTILE, result=HOSTILE))
    check = Check(id=f"{HOSTILE}::{HOSTILE}", kind=CheckKind.FAIL_TO_PASS, passed=False)
    rule = Check(
        id=f"constraint:{HOSTILE}", kind=CheckKind.CONSTRAINT, passed=False, detail=HOSTILE
    )
    body = f"diff --git a/{HOSTILE} b/{HOSTILE}\n@@ -0,0 +1 @@ {HOSTILE}\n+{HOSTILE}\n"
    return dossier(
        title=HOSTILE,
        card=HOSTILE,
        trial=trial(
            model=HOSTILE,
            scenario=HOSTILE,
            served_models=names,
            violations=(rule.id,),
            failure=Failure(origin=Origin.MODEL_API, detail=HOSTILE),
            patch=Patch(digest="d", files=names, added=1, deleted=0, tampered=names),
        ),
        grade=Grade(
            verdict=Verdict.FAIL,
            checks=(check, check.model_copy(update={"passed": True}), rule),
            unused=(UnusedName(path=HOSTILE, line=1, message=HOSTILE),),
        ),
        turns=(
            spoken.model_copy(
                update={"text": HOSTILE, "reasoning": HOSTILE, "finish_reason": HOSTILE}
            ),
            turn(2, call("shell", "[" * 100_000), call("shell", "x" * 10_000_000)),
        ),
        requests=(exchange(1, 0.0, error="server", status=500, error_detail=HOSTILE),),
        patch=Excerpt(text=body, cut=7),
        outputs={check.id: HOSTILE},
        log=Excerpt(text=HOSTILE, cut=9),
        brief=Brief(
            prompt=HOSTILE,
            seed="",
            seeded_files=(),
            constraints={HOSTILE: HOSTILE},
            commands={},
            fail_to_pass=1,
            pass_to_pass=0,
        ),
        commands={"Make a trial like it": HOSTILE},
    )


def test_the_page_is_as_it_was_looked_at(golden: Callable[[str, str], None]) -> None:
    golden("trial.html", str(page(dossier()).body))


def test_a_hostile_trial_is_as_it_was_looked_at(golden: Callable[[str, str], None]) -> None:
    golden("trial-hostile.html", str(page(hostile(), album=FOREIGN).body))


def test_the_same_trial_gives_the_same_bytes() -> None:
    assert framed(page(dossier())) == framed(page(dossier()))


def test_foreign_text_is_never_markup_and_never_long() -> None:
    body = str(page(hostile(), album=FOREIGN).body)

    assert "<img src=x" not in body
    assert "<script" not in body
    assert "<svg onload" not in body
    assert "\x1b" not in body
    assert "\u202e" not in body
    assert "{{ 7 * 7 }}" in body
    assert not re.findall(r'(?:href|src)="(?!#|\.\./|[a-z0-9./-]+\.html)[^"]*', body)
    assert len(body) < 200_000


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({}, "1 of 2 tests of the task did not pass; 2 of 3 tests that passed before"),
        ({"verdict": Verdict.PASS}, "All 7 deciding checks hold."),
        (
            {
                "verdict": Verdict.UNGRADED,
                "failure": Failure(origin=Origin.MODEL_API, detail="429, the\nlast try"),
            },
            "The model's endpoint spoiled this try: 429, the last try.",
        ),
        ({"verdict": Verdict.UNGRADED}, "It was not graded."),
        (
            {"patch": Patch(digest="d", files=(), added=0, deleted=0)},
            "The model left no change. 1 of 2",
        ),
    ],
)
def test_one_sentence_says_what_the_verdict_rests_on(
    changes: dict[str, object], sentence: str
) -> None:
    assert outcome(dossier(trial=trial(**changes))).startswith(sentence)


def test_a_patch_that_could_not_be_graded_names_what_failed() -> None:
    found = dossier(trial=trial(checks_failed=("patch",)), grade=None)

    assert outcome(found) == "These checks do not hold: patch."
    assert checklist(found).singles == ()


def test_the_remarks_say_how_it_ended_and_what_it_left_behind() -> None:
    said = remarks(dossier(trial=trial(prompts=(Verdict.FAIL, Verdict.FAIL), attempt=2)))

    assert said == [
        "It was stopped at the limit of turns.",
        f"First failed check: {HIDDEN}::takes .docx: failed",
        "Tests or their set-up were weakened.",
        "Constraints violated: max-changed-lines, forbidden-paths.",
        "Verdict after each prompt: fail, fail.",
        "This is try 2: infrastructure spoiled the ones before it.",
    ]


@pytest.mark.parametrize("ending", Ending)
def test_every_ending_and_every_harm_has_words(ending: Ending) -> None:
    assert len(remarks(dossier(trial=trial(ending=ending, harm=tuple(Harm))))) > 2


def test_the_key_figures_are_those_of_the_record() -> None:
    found = {fact.name: (fact.value, fact.note) for fact in facts(dossier())}

    assert found == {
        "Cost": ("$0.0126", ""),
        "Tokens": ("6,270", "6,000 in (2,400 cached), 270 out (120 reasoning)"),
        "Turns": ("3", "4 requests, 1 failed"),
        "Time": ("40.0 s", "6.00 s model, 1.25 s tools, 3.00 s waiting, 25.0 s grading"),
        "Response, median": ("2.00 s", "first token 0.40 s"),
        "Tool-call accuracy": ("80 %", "4 of 5 calls"),
        "Unused names": ("1", ""),
        "Patch": ("+2 \N{MINUS SIGN}3", "2 files, 1 protected"),
    }


def test_what_was_not_reported_is_a_dash_and_no_zero() -> None:
    bare = trial(usage=None, cost_usd=None, patch=None, unused=None, latencies=(), funnel=Funnel())
    found = {fact.name: fact.value for fact in facts(dossier(trial=bare))}

    unknown = ("Cost", "Tokens", "Response, median", "Tool-call accuracy", "Unused names")
    assert {found[name] for name in unknown} == {"\N{EN DASH}"}
    assert found["Patch"] == "none"


def test_a_sum_of_tokens_with_an_unknown_part_is_a_lower_bound() -> None:
    partly = Usage(fresh_input=1200, cache_read=0)
    (found,) = (f for f in facts(dossier(trial=trial(usage=partly))) if f.name == "Tokens")

    assert (found.value, found.note) == ("≥ 1,200", "1,200 in, \N{EN DASH} out")


def test_failed_tests_with_one_cause_stand_together_with_their_output() -> None:
    found = checklist(dossier())

    first, second = found.failures
    assert (first.names, first.hidden) == (("takes .docx",), True)
    assert first.output == "AssertionError: expected false to be true"
    assert (second.names, second.hidden, second.output) == (("one", "two"), False, "not run")
    assert (found.failed, found.more, found.passed, found.broken) == (3, 0, 2, 2)
    assert [group.file for group in found.by_file] == [HIDDEN, "lib/b.test.ts"]


def test_checks_that_failed_stand_first_with_what_they_ask() -> None:
    singles = checklist(dossier()).singles

    assert [(one.name, one.outcome, one.asks) for one in singles] == [
        ("max changed lines", "violated", "250"),
        ("forbidden paths", "violated", ""),
        ("typecheck", "holds", ""),
        ("witness: unit", "holds", "exit code, report and expected tests agree"),
    ]


def test_times_stand_on_one_axis_with_failures_and_waits() -> None:
    found = timeline(dossier())

    assert found.seconds == pytest.approx(11.25)
    first, second, third = found.rows
    kinds = [bar.kind for bar in first.bars]
    assert kinds == ["failed", "wait", "first", "think", "stream", "tool"]
    assert first.failures == ("rate limit 429: slow down",)
    assert (first.requests, first.waited_s, first.response_s, first.ttft_s) == (2, 3.0, 2.0, 0.4)
    starts = [bar.x for bar in first.bars]
    assert starts == sorted(starts)
    assert starts[2] == pytest.approx(100 * 3.2 / 11.25, abs=0.01)
    assert all(bar.x >= 0 and bar.x + bar.width <= 100.01 for r in found.rows for bar in r.bars)
    assert (second.tool_s, third.cost_usd) == (0.5, 0.0042)


def test_tokens_and_cost_of_the_turns_add_up_to_those_of_the_trial() -> None:
    found = dossier()
    rows = timeline(found).rows

    assert sum(row.cost_usd or 0 for row in rows) == pytest.approx(found.trial.cost_usd)
    assert [row.usage.output for row in rows if row.usage] == [90, 90, 90]


def test_a_turn_whose_reply_told_no_usage_has_none_whatever_a_failed_try_told() -> None:
    torn = exchange(1, 0.0, error="truncated_stream")
    silent = exchange(1, 3.0, attempt=2, usage=None, cost_usd=None)
    first, second, _ = timeline(dossier(requests=(torn, silent, exchange(2, 6.0)))).rows

    assert (first.usage, first.cost_usd) == (None, None)
    assert second.usage is not None


def test_a_try_that_broke_off_makes_a_turns_tokens_unknown_and_a_refused_one_does_not() -> None:
    torn = exchange(1, 0.0, error="stream", usage=None, cost_usd=None)
    refused = exchange(2, 6.0, error="stream", usage=None, cost_usd=None, first_token_s=None)
    retried = (torn, exchange(1, 3.0, attempt=2), refused, exchange(2, 9.0, attempt=2))
    first, second, _ = timeline(dossier(requests=retried)).rows

    assert (first.usage, first.cost_usd) == (None, None)
    assert second.usage is not None


def test_a_turn_without_a_reply_is_shown_with_its_failure() -> None:
    lost = (*REQUESTS, exchange(4, 12.0, error="connection", status=None, last_byte_s=None))
    found = dossier(requests=lost)
    *_, last = transcript(found, timeline(found))

    assert (last.row.index, last.answered, last.row.failures) == (4, False, ("connection",))
    assert "The model did not reply." in text_of(found)


def test_a_trial_that_asked_nothing_has_an_empty_axis() -> None:
    found = dossier(requests=(), turns=())

    assert (timeline(found).rows, timeline(found).marks) == ((), ())
    assert "Nothing was asked." in text_of(found)


def test_a_run_without_recorded_requests_lays_turns_end_to_end_and_says_so() -> None:
    found = dossier(requests=None)
    rows = timeline(found).rows

    assert [(row.response_s, row.usage, row.cost_usd) for row in rows] == [(2.0, None, None)] * 3
    assert timeline(found).seconds == pytest.approx(7.25)
    assert "Requests were not recorded one by one in this run" in text_of(found)


def test_a_call_shows_its_stage_its_cause_and_its_arguments_by_name() -> None:
    found = dossier()
    first, second, last = transcript(found, timeline(found))

    assert [(c.stage, c.cause, c.outcome, c.open) for c in first.calls] == [
        ("effective", "", "effective", False),
        ("emitted", "invalid json", "broken", True),
    ]
    assert first.calls[1].arguments == (("", '{"path": '),)
    assert second.calls[0].arguments == (
        ("path", "lib/upload.ts"),
        ("old_text", "a\nb"),
        ("limit", "3"),
    )
    assert (second.calls[1].outcome, second.calls[1].cause) == ("idle", "repeated")
    assert (last.calls[0].preview, last.calls[0].open) == ("All done.", True)


def test_a_long_conversation_keeps_less_of_each_text_and_says_what_it_leaves_out() -> None:
    many = tuple(
        turn(n, *(call("shell", {"command": "x" * 50_000}, result="y" * 50_000),) * 20)
        for n in range(1, 51)
    )
    found = dossier(turns=many, requests=None)
    entries = transcript(found, timeline(found))

    assert sum(len(entry.calls) for entry in entries) == MOST_CALLS
    assert sum(entry.more for entry in entries) == 50 * 20 - MOST_CALLS
    assert "characters left out" in entries[0].calls[0].result
    assert len(page(found).body) < 1_500_000


def test_pages_are_linked_only_where_they_are_built() -> None:
    whole, alone = str(page(dossier()).body), str(page(dossier(), built=()).body)

    for href in ("../index.html", "docx-upload-", 'rel="prev"', 'rel="next"', "../pairs/"):
        assert href in whole
    assert re.findall(r'href="([^#"]*)"', alone) == ["../pictures/a.png"]
    assert 'src="../pictures/a.png"' in alone


def test_a_trial_is_seen_as_far_as_its_tour_went() -> None:
    body = str(page(dossier(), album=replace(ALBUM, stopped="step 3: no button")).body)
    blind = str(page(dossier(), album=Album(shown=(), stopped="it did not start")).body)

    assert 'alt="moonbeam-2, trial 2, failed: The form" width="960" height="600"' in body
    assert "<figcaption>The form</figcaption>" in body
    assert "<strong>The tour stopped here:</strong> step 3: no button" in body
    assert "<strong>The tour stopped here:</strong> it did not start" in blind
    assert "What was built" not in str(page(dossier(), album=None).body)


def test_in_a_single_file_every_id_is_the_pages_own() -> None:
    body = str(page(dossier(), single=True).body)
    here = trial_target(KEY).id

    ids = re.findall(r' id="([^"]+)"', body)
    assert ids
    assert all(found.startswith(f"{here}-") for found in ids)
    assert len(set(ids)) == len(ids)
    assert {href for href in re.findall(r'href="#([^"]+)"', body) if "turn" in href} <= set(ids)


def test_ids_are_unique_and_links_within_the_page_lead_somewhere() -> None:
    body = str(page(dossier()).body)

    ids = re.findall(r' id="([^"]+)"', body)
    assert len(set(ids)) == len(ids)
    assert set(re.findall(r'(?:href="#|aria-labelledby=")([^"]+)"', body)) <= set(ids)
