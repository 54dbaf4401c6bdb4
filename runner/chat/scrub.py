"""A key that a stream tells bit by bit is taken out of the stream itself.

The raw bytes of such a body do not hold the key; whoever reads its events in order does.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from runner.chat.sse import SseParser
from runner.redaction import MARK

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from runner.chat.sse import Event
    from runner.chat.stream import Stream
    from runner.redaction import Redactor

Place = tuple[str | int, ...]
"""Where a text stands inside an event: the fields and list positions that lead to it."""


def tells_key(stream: Stream, redactor: Redactor) -> bool:
    """Say whether what a stream amounts to holds a key."""
    said = [stream.text, stream.reasoning, stream.refusal, stream.finish_reason]
    said += [stream.served_model, stream.fault.detail if stream.fault else None]
    called = [(slot.id, slot.name, slot.arguments, json.dumps(slot.extra)) for slot in stream.slots]
    texts = [*(text for text in said if text), *(text for call in called for text in call)]
    return any(redactor.text(text) != text for text in texts)


def scrubbed(
    pieces: Sequence[tuple[float, bytes]], redactor: Redactor
) -> list[tuple[float, bytes]]:
    """Write a body anew, event by event, without the bits of any key.

    Each event keeps the time at which it was complete.
    """
    if not pieces:
        return []
    body = b"".join(piece for _, piece in pieces)
    try:
        whole = json.loads(body)
    except (ValueError, RecursionError):
        return _scrubbed_events(pieces, redactor)
    return [(pieces[-1][0], json.dumps(redactor.value(whole)).encode())]


def _scrubbed_events(
    pieces: Sequence[tuple[float, bytes]], redactor: Redactor
) -> list[tuple[float, bytes]]:
    timed = list(_events(pieces))
    contents = [_content(event) for _, event in timed]
    texts = [dict(_texts(content)) for content in contents]
    for place in sorted({place for found in texts for place in found}, key=repr):
        holders = [found for found in texts if place in found]
        parts = _without_keys([found[place] for found in holders], redactor)
        for found, part in zip(holders, parts, strict=True):
            found[place] = part
    return [
        (at, _written(event, _filled(content, found)))
        for (at, event), content, found in zip(timed, contents, texts, strict=True)
    ]


def _events(pieces: Sequence[tuple[float, bytes]]) -> Iterator[tuple[float, Event]]:
    parser = SseParser()
    for at, piece in pieces:
        yield from ((at, event) for event in parser.feed(piece))
    yield from ((pieces[-1][0], event) for event in parser.close())


def _content(event: Event) -> Any:  # noqa: ANN401 (any JSON value)
    try:
        return json.loads(event.data)
    except (ValueError, RecursionError):
        return event.data


def _texts(value: Any, place: Place = ()) -> Iterator[tuple[Place, str]]:  # noqa: ANN401 (JSON)
    if isinstance(value, str):
        yield place, value
    elif isinstance(value, dict):
        for name, part in value.items():
            yield from _texts(part, (*place, name))
    elif isinstance(value, list):
        for at, part in enumerate(value):
            yield from _texts(part, (*place, at))


def _filled(value: Any, texts: dict[Place, str], place: Place = ()) -> Any:  # noqa: ANN401 (JSON)
    if isinstance(value, str):
        return texts[place]
    if isinstance(value, dict):
        return {name: _filled(part, texts, (*place, name)) for name, part in value.items()}
    if isinstance(value, list):
        return [_filled(part, texts, (*place, at)) for at, part in enumerate(value)]
    return value


def _written(event: Event, content: Any) -> bytes:  # noqa: ANN401 (any JSON value)
    if event.kind == "comment":
        return f": {content}\n\n".encode()
    data = content if isinstance(_content(event), str) else json.dumps(content)
    named = "" if event.kind == "message" else f"event: {event.kind}\n"
    return (named + "".join(f"data: {line}\n" for line in data.split("\n")) + "\n").encode()


def _without_keys(parts: list[str], redactor: Redactor) -> list[str]:
    """Take the keys out of a text in parts; the mark goes where a key began."""
    for key in redactor.keys:
        while (start := "".join(parts).find(key)) >= 0:
            parts = _marked(parts, start, start + len(key))
    return parts


def _marked(parts: list[str], start: int, end: int) -> list[str]:
    clean, at, mark = [], 0, MARK
    for part in parts:
        low, high = max(start - at, 0), min(end - at, len(part))
        at += len(part)
        hit = low < high
        clean.append(part[:low] + mark + part[high:] if hit else part)
        mark = "" if hit else mark
    return clean
