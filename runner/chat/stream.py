"""One recorded body -> what the model said, what the provider counted, and when each came."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from runner.chat.calls import CallSlots, Slot, whole_text
from runner.chat.errors import Fault, stream_fault
from runner.chat.sse import DONE, Event, SseParser
from runner.chat.thinking import Inline, find_inline

_FAILED_FINISH: Final = {
    "error": "stream",
    "insufficient_system_resource": "overloaded",
    "MALFORMED_FUNCTION_CALL": "tool_use_failed",
    "malformed_function_call": "tool_use_failed",
}
"""Finish reasons that say that there is no usable reply."""


@dataclass(frozen=True, kw_only=True)
class Stream:
    """Everything that one streamed body held. Times are seconds since the request was sent."""

    text: str
    reasoning: str | None
    reasoning_key: str
    """The delta's key that carried the reasoning."""
    refusal: str | None
    slots: tuple[Slot, ...]
    finish_reason: str | None
    """As sent; never used to decide whether there are calls."""
    served_model: str | None
    usage: Mapping[str, Any] | None
    """The last usage object of any of the three places, as sent."""
    first_token_s: float | None
    first_output_s: float | None
    last_token_s: float | None
    fault: Fault | None
    """Why the reply is not complete."""


def read_stream(pieces: Sequence[tuple[float, bytes]]) -> Stream:
    """Read a whole body from its pieces and their arrival times; never raises."""
    parser, reader = SseParser(), _Reader()
    for at, piece in pieces:
        for event in parser.feed(piece):
            reader.take(event, at)
    for event in parser.close():
        reader.take(event, pieces[-1][0] if pieces else 0.0)
    return reader.stream(b"".join(piece for _, piece in pieces))


def read_whole(pieces: Sequence[tuple[float, bytes]]) -> Stream:
    """Read a reply that came as one JSON value; everything in it came at the end."""
    reader = _Reader()
    body = b"".join(piece for _, piece in pieces)
    try:
        whole = json.loads(body)
    except (ValueError, RecursionError):
        whole = None
    if isinstance(whole, Mapping) and whole.get("choices"):
        choices = [c for c in whole["choices"] if isinstance(c, Mapping)]
        deltas = [{**choice, "delta": choice.get("message")} for choice in choices]
        reader.chunk({**whole, "choices": deltas}, pieces[-1][0])
    return reader.stream(body)


class _Reader:
    """Accumulates the chunks of one stream."""

    def __init__(self) -> None:
        self.said: list[tuple[float, str]] = []
        """Pieces of the content and when they came."""
        self.reasoning: list[str] = []
        self.refusal: list[str] = []
        self.reasoning_key = "reasoning_content"
        self.slots = CallSlots()
        self.usage: Mapping[str, Any] | None = None
        self.finish_reason: str | None = None
        self.served_model: str | None = None
        self.fault: Fault | None = None
        self.chunks = 0
        self.first_token: float | None = None
        self.first_call: float | None = None
        """When a call or a refusal began."""
        self.last_token: float | None = None

    def take(self, event: Event, at: float) -> None:
        """Take one event of the stream."""
        if event.kind == "comment" or event.data.strip() == DONE:
            return
        try:
            chunk = json.loads(event.data)
        except (ValueError, RecursionError):
            chunk = event.data
        if event.kind == "error" or not isinstance(chunk, Mapping):
            self._fail(stream_fault(chunk))
        else:
            self.chunk(chunk, at)

    def _fail(self, fault: Fault) -> None:
        self.fault = self.fault or fault

    def chunk(self, chunk: Mapping[str, Any], at: float) -> None:
        """Take one chunk, or a whole reply in its form."""
        self.chunks += 1
        if chunk.get("error"):
            self._fail(stream_fault(chunk["error"]))
        if isinstance(chunk.get("model"), str):
            self.served_model = chunk["model"] or self.served_model
        choices = [c for c in chunk.get("choices") or () if isinstance(c, Mapping)]
        for holder in (chunk, *choices, chunk.get("x_groq")):
            usage = holder.get("usage") if isinstance(holder, Mapping) else None
            if isinstance(usage, Mapping) and usage:
                self.usage = usage
        for choice in choices:
            self._choice(choice, at)

    def _choice(self, choice: Mapping[str, Any], at: float) -> None:
        if choice.get("index"):
            return
        if choice.get("error"):
            self._fail(stream_fault(choice["error"]))
        if choice.get("finish_reason") is not None:
            self.finish_reason = str(choice["finish_reason"])
        delta = choice.get("delta")
        if isinstance(delta, Mapping):
            self._delta(delta, at)

    def _delta(self, delta: Mapping[str, Any], at: float) -> None:
        thought = self._thought(delta)
        content = delta.get("content")
        spoke = isinstance(content, str) and bool(content)
        if spoke:
            self.said.append((at, str(content)))
        acted = self._keep(self.refusal, delta.get("refusal"))
        for call in delta.get("tool_calls") or ():
            if isinstance(call, Mapping):
                acted |= self.slots.add(call)
        if acted and self.first_call is None:
            self.first_call = at
        if spoke or acted or thought:
            self.first_token = at if self.first_token is None else self.first_token
            self.last_token = at

    def _thought(self, delta: Mapping[str, Any]) -> bool:
        # Gateways may send the same text under both names: one of them is kept.
        for key in ("reasoning_content", "reasoning"):
            if self._keep(self.reasoning, delta.get(key)):
                self.reasoning_key = key
                return True
        return False

    def _keep(self, parts: list[str], value: object) -> bool:
        if not isinstance(value, str) or not value:
            return False
        parts.append(value)
        return True

    def stream(self, body: bytes) -> Stream:
        """Close the books."""
        content = "".join(text for _, text in self.said)
        inline = None if self.reasoning else find_inline(content)
        thought = self.reasoning if inline is None else [inline.thought]
        return Stream(
            text=whole_text(content[inline.end :] if inline else content),
            reasoning=_joined(thought) or None,
            reasoning_key=self.reasoning_key,
            refusal=_joined(self.refusal) or None,
            slots=self.slots.close(),
            finish_reason=self.finish_reason,
            served_model=self.served_model,
            usage=self.usage,
            first_token_s=self.first_token,
            first_output_s=self._first_output(inline),
            last_token_s=self.last_token,
            fault=self.fault or self._ending_fault(body),
        )

    def _first_output(self, inline: Inline | None) -> float | None:
        """Return when the answer began, by words after any inline thinking or by a call."""
        length = 0
        for at, text in self.said:
            length += len(text)
            if length > (inline.end if inline else 0):
                return at if self.first_call is None else min(at, self.first_call)
        return self.first_call

    def _ending_fault(self, body: bytes) -> Fault | None:
        # Gemini puts the filter before its own word: `function_call_filter: MALFORMED_…`.
        named = (self.finish_reason or "").rpartition(": ")[2]
        if named in _FAILED_FINISH:
            kind = _FAILED_FINISH[named]
            return Fault(kind=kind, detail=f"finish_reason: {self.finish_reason}")
        if not self.chunks:
            return _empty_fault(body)
        if self.finish_reason is None:
            return Fault(kind="truncated_stream", detail="the stream ended without finish_reason")
        return None


def _joined(parts: Sequence[str]) -> str:
    return whole_text("".join(parts))


def _empty_fault(body: bytes) -> Fault:
    """Say why a body with status 200 held no chunk at all."""
    try:
        content = json.loads(body)
    except (ValueError, RecursionError):
        content = None
    error = content[0] if isinstance(content, list) and content else content
    if isinstance(error, Mapping) and error.get("error"):
        return stream_fault(error)
    if isinstance(error, Mapping) and error.get("choices"):
        return Fault(kind="empty_stream", detail="a whole completion came instead of a stream")
    return Fault(kind="empty_stream", detail=f"no chunk in {len(body)} bytes")
