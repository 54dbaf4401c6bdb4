"""The conversation of a trial: what the model said and called, and how far each call got."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from reports import words
from reports.site.foreign import clipped, line, visible
from testbed.records import Stage

if TYPE_CHECKING:
    from collections.abc import Iterator

    from reports.site.waterfall import Timeline, TurnRow
    from testbed.dossier import Dossier
    from testbed.records import ToolCall, Turn

ALL_CHARS: Final = 500_000
"""Of all texts of one conversation, shared out among them."""
FEWEST_CHARS: Final = 400
MOST_CHARS: Final = 8000
"""Of one text."""
MOST_CALLS: Final = 600
"""Of one conversation."""
MOST_ARGUMENTS: Final = 12
"""Of one call, to be told apart."""
_PREVIEW_CHARS: Final = 110
_NAME_CHARS: Final = 80
_TELLING: Final = ("path", "command", "pattern", "summary")
"""Arguments that say best what a call is about."""
_WORKED: Final = (Stage.EXECUTABLE, Stage.EFFECTIVE)
_FINISH: Final = "finish"


@dataclass(frozen=True, kw_only=True)
class Call:
    """One tool call, made visible."""

    name: str
    preview: str
    """What it is about, in a few words."""
    stage: str
    cause: str
    """Why it went no further; empty for an effective call."""
    outcome: str
    """`effective`, `idle` (it ran and changed nothing) or `broken`."""
    arguments: tuple[tuple[str, str], ...]
    """Name -> value, or one part without a name when they are not one JSON object."""
    result: str
    seconds: str
    open: bool
    """Whether it stands unfolded at first."""


@dataclass(frozen=True, kw_only=True)
class Entry:
    """One turn."""

    row: TurnRow
    text: str
    reasoning: str
    finish_reason: str
    calls: tuple[Call, ...]
    more: int
    """Calls that are not shown."""
    answered: bool
    """Whether the model replied at all."""


def transcript(dossier: Dossier, found: Timeline) -> tuple[Entry, ...]:
    """List the turns in order; the longer a conversation, the less of each text is kept."""
    texts = sum(2 + 2 * len(turn.tool_calls) for turn in dossier.turns)
    most = max(FEWEST_CHARS, min(MOST_CHARS, ALL_CHARS // max(1, texts)))
    return tuple(_entries(dossier, found, most))


def _entries(dossier: Dossier, found: Timeline, most: int) -> Iterator[Entry]:
    turns = {turn.index: turn for turn in dossier.turns}
    room = MOST_CALLS
    for row in found.rows:
        turn = turns.get(row.index)
        entry = _entry(row, turn, most, room)
        room -= len(entry.calls)
        yield entry


def _entry(row: TurnRow, turn: Turn | None, most: int, room: int) -> Entry:
    calls = turn.tool_calls if turn else ()
    return Entry(
        row=row,
        text=clipped(turn.text.strip(), most) if turn else "",
        reasoning=clipped((turn.reasoning or "").strip(), most) if turn else "",
        finish_reason=line((turn.finish_reason or "") if turn else "", _NAME_CHARS),
        calls=tuple(_call(call, most) for call in calls[:room]),
        more=max(0, len(calls) - room),
        answered=turn is not None,
    )


def _call(call: ToolCall, most: int) -> Call:
    given = _object(call.raw_arguments)
    worked = call.stage in _WORKED
    outcome = "broken" if not worked else "effective" if call.stage is Stage.EFFECTIVE else "idle"
    return Call(
        name=line(call.name, _NAME_CHARS) or "(no name)",
        preview=_preview(given, call.raw_arguments),
        stage=call.stage.replace("_", " "),
        cause=line((call.cause or "").replace("_", " ").replace(":", ": "), _NAME_CHARS),
        outcome=outcome,
        arguments=_arguments(given, call.raw_arguments, most),
        result=clipped(call.result, most),
        seconds=words.seconds(call.seconds) if call.seconds else "",
        open=not worked or call.name == _FINISH,
    )


def _object(raw: str) -> dict[str, object] | None:
    try:
        found = json.loads(raw)
    except (ValueError, RecursionError):
        return None
    return found if isinstance(found, dict) else None


def _preview(given: dict[str, object] | None, raw: str) -> str:
    text = raw
    if given is not None:
        telling = [given[name] for name in _TELLING if given.get(name)]
        text = next((value for value in telling if isinstance(value, str)), "")
    words_of_it = " ".join(text[: 4 * _PREVIEW_CHARS].split())
    cut = "…" if len(words_of_it) > _PREVIEW_CHARS else ""
    return visible(words_of_it[:_PREVIEW_CHARS]) + cut


def _arguments(given: dict[str, object] | None, raw: str, most: int) -> tuple[tuple[str, str], ...]:
    if given is None or len(given) > MOST_ARGUMENTS:
        return (("", clipped(raw, most)),) if raw.strip() else ()
    try:
        values = {name: _value(value) for name, value in given.items()}
    except RecursionError:
        return (("", clipped(raw, most)),)
    return tuple((line(name, _NAME_CHARS), clipped(value, most)) for name, value in values.items())


def _value(value: object) -> str:
    return value if isinstance(value, str) else json.dumps(value, indent=1, ensure_ascii=False)
