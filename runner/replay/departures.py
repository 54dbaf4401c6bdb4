"""Where a replay leaves its recording: request, calls, patch or grade, whichever comes first."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import chain, zip_longest
from typing import TYPE_CHECKING, Any, Final

from runner.replay.compare import ABSENT, Difference, compare, differences
from runner.replay.recompute import NOT_REBUILT
from testbed.records import Ending

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from runner.replay.files import Kept
    from testbed.records import Grade, ToolCall, Trial, Turn

IGNORED: Final = {
    "the content of tool messages": "compared call by call as results: shells tell the time",
    "seconds, and digests of files that hold them": "the harness's own clock",
    "the words of checks, junit and log": "test runners tell the time; ids and outcomes count",
}
"""What is not compared, and why."""
_DECIDES: Final = {"id", "name", "raw_arguments", "stage", "cause"}
_SAID: Final = ("text", "reasoning", "finish_reason")


@dataclass(frozen=True, kw_only=True)
class Departure:
    """One thing that is not what it was."""

    turn: int | None
    """`None` for what is measured after the conversation."""
    difference: Difference

    def __str__(self) -> str:
        return str(self.difference) if self.turn is None else f"turn {self.turn}: {self.difference}"


@dataclass(frozen=True, kw_only=True)
class Side:
    """One of the two: what was recorded, or what the replay made."""

    trial: Trial
    kept: Kept


class RequestWatch:
    """Lays every body sent now beside the recorded one; keeps each turn's first difference."""

    def __init__(self) -> None:
        self.found: dict[int, Difference] = {}

    def sent(self, turn: int, body: Mapping[str, Any], recorded: Mapping[str, Any]) -> None:
        """Compare one body: all of it but the content of tool messages."""
        for difference in compare("request", _without_results(recorded), _without_results(body)):
            self.found.setdefault(turn, difference)


def first_departure(was: Side, now: Side, watch: RequestWatch) -> Departure | None:
    """Return the first thing that is not what it was; `None` when all that decides is the same."""
    talk = _conversation(was.kept, now.kept, watch)
    outcome = (Departure(turn=None, difference=found) for found in _outcome(was, now))
    return next(chain(talk, outcome), None)


def results_that_differ(was: Kept, now: Kept) -> tuple[Departure, ...]:
    """List the tool results with another text, by the first line that differs."""
    found = []
    for left, right in zip(was.turns, now.turns, strict=False):
        for old, new in zip(left.tool_calls, right.tool_calls, strict=False):
            if old.result != new.result:
                lines = _first_line(old.result, new.result)
                difference = Difference(field=f"result of {old.name}", was=lines[0], now=lines[1])
                found.append(Departure(turn=left.index, difference=difference))
    return tuple(found)


def _conversation(was: Kept, now: Kept, watch: RequestWatch) -> Iterator[Departure]:
    asked = {a.booked.turn for a in was.attempts}, {a.booked.turn for a in now.attempts}
    turns = {t.index: t for t in was.turns}, {t.index: t for t in now.turns}
    for turn in sorted(asked[0] | asked[1]):
        if turn in watch.found:
            yield Departure(turn=turn, difference=watch.found[turn])
        yield from (
            Departure(turn=turn, difference=found)
            for found in chain(
                _presence("request", turn in asked[0], turn in asked[1]),
                _reply(turns[0].get(turn), turns[1].get(turn)),
            )
        )


def _reply(was: Turn | None, now: Turn | None) -> Iterator[Difference]:
    yield from _presence("reply", was is not None, now is not None)
    if was is None or now is None:
        return
    for name in _SAID:
        yield from compare(name, getattr(was, name), getattr(now, name))
    for number, (old, new) in enumerate(zip_longest(was.tool_calls, now.tool_calls), 1):
        yield from compare(f"call {number}", _deciding(old), _deciding(new))


def _presence(what: str, was: bool, now: bool) -> Iterator[Difference]:  # noqa: FBT001 (two sides)
    if was != now:
        words = {True: "made", False: ABSENT}
        yield Difference(field=what, was=words[was], now=words[now])


def _outcome(was: Side, now: Side) -> Iterator[Difference]:
    """Yield what differs after the conversation, in the order in which it is made."""
    before, after = was.trial, now.trial
    if before.failure is None and after.failure is not None:
        yield Difference(field="failure", was=None, now=after.failure.detail)
    if was.kept.diff != now.kept.diff:
        lines = _first_line(_text(was.kept.diff), _text(now.kept.diff))
        yield Difference(field="patch.diff", was=lines[0], now=lines[1])
    yield from compare("checks", _checks(was.kept.grade), _checks(now.kept.grade))
    # A limit of wall-clock time is replaced by the number of turns that it allowed.
    clocked = ("ending",) if before.ending is Ending.TIME_LIMIT else ()
    yield from differences(before, after, but=(*NOT_REBUILT, "attempt", "phases", *clocked))


def _checks(grade: Grade | None) -> dict[str, bool]:
    return {f"{check.kind} {check.id}": check.passed for check in grade.checks} if grade else {}


def _deciding(call: ToolCall | None) -> dict[str, object] | str:
    return ABSENT if call is None else call.model_dump(mode="json", include=_DECIDES)


def _without_results(body: Mapping[str, Any]) -> dict[str, Any]:
    messages: Iterable[Mapping[str, Any]] = body.get("messages", ())
    bare = [{**m, "content": ""} if m.get("role") == "tool" else m for m in messages]
    return {**body, "messages": bare}


def _text(diff: bytes | None) -> str:
    return ABSENT if diff is None else diff.decode("utf-8", "backslashreplace")


def _first_line(was: str, now: str) -> tuple[str, str]:
    """Return the first line that differs, of each."""
    lines = zip_longest(was.splitlines(), now.splitlines(), fillvalue=ABSENT)
    return next(((old, new) for old, new in lines if old != new), (was[-1:], now[-1:]))
