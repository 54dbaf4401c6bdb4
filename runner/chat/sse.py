"""Server-sent events from raw bytes, as they arrive: pure, incremental, forgiving at the end."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

DONE: Final = "[DONE]"
"""The data of the event that closes a Chat Completions stream."""


@dataclass(frozen=True, slots=True)
class Event:
    """One dispatched event, or one comment line."""

    kind: str
    """`message` unless the server named it (`error`); `comment` for a keep-alive line."""
    data: str


class SseParser:
    """Turns pieces of a body, cut anywhere, into events."""

    def __init__(self) -> None:
        self._rest = b""
        self._first = True
        self._kind = ""
        self._data: list[str] = []

    def feed(self, piece: bytes) -> list[Event]:
        """Return the events and comments that this piece completed."""
        text = self._rest + piece
        end = max(text.rfind(b"\n"), text.rfind(b"\r", 0, -1)) + 1
        self._rest = text[end:]
        return self._lines(text[:end])

    def close(self) -> list[Event]:
        """Return what an unterminated last event holds: a cut body still counts."""
        rest, self._rest = self._rest, b""
        return self._lines(rest + b"\n\n")

    def _lines(self, text: bytes) -> list[Event]:
        events: list[Event] = []
        for raw in text.splitlines():
            line = raw.decode("utf-8", "replace")
            if self._first:
                line, self._first = line.removeprefix("\ufeff"), False
            event = self._line(line)
            if event is not None:
                events.append(event)
        return events

    def _line(self, line: str) -> Event | None:
        if not line:
            return self._dispatch()
        if line.startswith(":"):
            return Event("comment", line[1:].strip())
        field, _, value = line.partition(":")
        value = value.removeprefix(" ")
        if field == "data":
            self._data.append(value)
        elif field == "event":
            self._kind = value
        return None

    def _dispatch(self) -> Event | None:
        kind, data = self._kind or "message", "\n".join(self._data)
        self._kind, self._data = "", []
        return Event(kind, data) if data else None
