"""Where a replay leaves its recording."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest

from runner.replay.departures import RequestWatch, Side, first_departure, results_that_differ
from runner.replay.files import read_kept
from testbed.plan import PlannedTrial
from testbed.records import Check, CheckKind, Failure, Origin, Stage, Verdict

if TYPE_CHECKING:
    from runner.replay.files import Kept
    from testbed.records import Turn
    from testbed.store import Run


@pytest.fixture
def side(run: Run) -> Side:
    """Return the recording of the first trial."""
    paths = run.paths.attempt(PlannedTrial("acme/coder", "minus", 1), 1)
    return Side(trial=run.trials()[0][0], kept=read_kept(paths))


def with_call(kept: Kept, turn: int, **fields: object) -> Kept:
    """Change the first call of a turn."""

    def changed(one: Turn) -> Turn:
        first, *rest = one.tool_calls
        calls = (first.model_copy(update=fields), *rest)
        return one.model_copy(update={"tool_calls": calls})

    return replace(
        kept, turns=tuple(changed(one) if one.index == turn else one for one in kept.turns)
    )


def told(was: Side, now: Side, watch: RequestWatch | None = None) -> str | None:
    departure = first_departure(was, now, watch or RequestWatch())
    return None if departure is None else str(departure)


def test_the_same_departs_nowhere(side: Side) -> None:
    assert told(side, side) is None
    assert results_that_differ(side.kept, side.kept) == ()


def test_other_times_and_another_number_of_the_try_are_no_departure(side: Side) -> None:
    other = {"started_at": "later", "attempt": 3, "phases": {"total": 9.0}, "files": {"a": "b"}}

    assert told(side, replace(side, trial=side.trial.model_copy(update=other))) is None


def test_a_result_with_another_text_is_told_and_departs_nowhere(side: Side) -> None:
    kept = with_call(side.kept, 1, result="1\tsomething else", seconds=9.0)

    assert told(side, replace(side, kept=kept)) is None
    (result,) = results_that_differ(side.kept, kept)
    assert result.turn == 1
    assert str(result).startswith("turn 1: result of read_file: was ")


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({"name": "list_files"}, "turn 1: call 1.name: was 'read_file', is 'list_files'"),
        ({"raw_arguments": "{}"}, "turn 1: call 1.raw_arguments: was "),
        ({"stage": Stage.EXECUTABLE}, "turn 1: call 1.stage: was 'effective', is 'executable'"),
        ({"cause": "repeated"}, "turn 1: call 1.cause: was None, is 'repeated'"),
    ],
)
def test_a_call_that_is_another_departs_at_its_turn(
    side: Side, fields: dict[str, Any], words: str
) -> None:
    departed = told(side, replace(side, kept=with_call(side.kept, 1, **fields)))

    assert departed is not None
    assert departed.startswith(words)


def test_the_first_departure_is_told(side: Side) -> None:
    kept = with_call(with_call(side.kept, 3, name="late"), 2, name="early")
    trial = side.trial.model_copy(update={"verdict": Verdict.PASS})

    departed = told(side, Side(trial=trial, kept=kept))

    assert departed == "turn 2: call 1.name: was 'write_file', is 'early'"


def test_a_request_that_is_another_departs_before_its_reply(side: Side) -> None:
    watch = RequestWatch()
    tool = {"role": "tool", "tool_call_id": "c", "content": "1.1 s"}
    watch.sent(2, {"messages": [{**tool, "content": "1.2 s"}]}, {"messages": [tool]})
    assert told(side, side, watch) is None

    watch.sent(2, {"messages": [tool], "max_tokens": 2}, {"messages": [tool], "max_tokens": 1})

    kept = with_call(side.kept, 2, name="other")
    departed = told(side, replace(side, kept=kept), watch)
    assert departed == "turn 2: request.max_tokens: was 1, is 2"


def test_a_conversation_that_ends_early_departs_at_the_turn_not_asked_for(side: Side) -> None:
    kept = replace(
        side.kept,
        turns=side.kept.turns[:2],
        attempts=tuple(a for a in side.kept.attempts if a.booked.turn <= 2),
    )

    assert told(side, replace(side, kept=kept)) == "turn 3: request: was 'made', is 'absent'"


def test_a_patch_departs_at_its_first_line_that_is_another(side: Side) -> None:
    assert side.kept.diff is not None
    kept = replace(side.kept, diff=side.kept.diff.replace(b"+export", b"+ export"))

    departed = told(side, replace(side, kept=kept))

    assert departed is not None
    assert departed.startswith("patch.diff: was '+export const sum")


def test_a_check_that_turned_departs_though_the_verdict_is_the_same(side: Side) -> None:
    assert side.kept.grade is not None
    more = Check(id="typecheck", kind=CheckKind.TYPECHECK, passed=False)
    checks = (more, *side.kept.grade.checks[1:])
    grade = side.kept.grade.model_copy(update={"checks": checks})

    departed = told(side, replace(side, kept=replace(side.kept, grade=grade)))

    assert departed == "checks.typecheck typecheck: was True, is False"


def test_infrastructure_that_failed_this_time_is_told_with_its_reason(side: Side) -> None:
    lost = Failure(origin=Origin.SANDBOX, detail="no image")
    trial = side.trial.model_copy(update={"failure": lost, "verdict": Verdict.UNGRADED})

    assert told(side, replace(side, trial=trial)) == "failure: was None, is 'no image'"
