"""Chat Completions as they go over the wire: what is asked, and an answer whole or streamed."""

from __future__ import annotations

import json
import secrets
import time
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import TYPE_CHECKING, Any

from runner.players.http1 import Refusal
from runner.players.player import Bill

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from runner.chat.base import Message
    from runner.players.player import Answer

CHARACTERS_PER_TOKEN = 4
DONE = b"data: [DONE]\n\n"


@dataclass(frozen=True, kw_only=True)
class Question:
    """A request for a completion, checked."""

    messages: Sequence[Message]
    stream: bool
    include_usage: bool
    prompt_tokens: int
    """Estimated from the characters of messages and tools; nothing is ever cached."""


@dataclass(frozen=True, kw_only=True)
class Completion:
    """An answer to a question, under the name of the player that gave it."""

    model: str
    answer: Answer
    question: Question
    id: str = field(default_factory=lambda: f"chatcmpl-{secrets.token_hex(12)}")
    created: int = field(default_factory=lambda: int(time.time()))

    def whole(self) -> dict[str, Any]:
        """Write it as one JSON value."""
        message: dict[str, Any] = {"role": "assistant", "content": self.answer.text or None}
        if self.answer.reasoning:
            message["reasoning_content"] = self.answer.reasoning
        if self.answer.calls:
            message["tool_calls"] = [_without_index(call) for call in self._calls()]
        choice = {"index": 0, "message": message, "finish_reason": self._finish_reason()}
        return {**self._envelope("chat.completion"), "choices": [choice], "usage": self._usage()}

    def events(self) -> Iterator[tuple[bytes, bool]]:
        """Write it as server-sent events, each with whether it carries a token.

        Role, reasoning, text, calls, finish, usage if asked for, end.
        """
        yield self._event({"role": "assistant", "content": "" if self.answer.text else None}), False
        for delta in self._deltas():
            yield self._event(delta), True
        yield self._event({}, self._finish_reason()), False
        if self.question.include_usage:
            last = {**self._envelope("chat.completion.chunk"), "choices": []}
            yield _data({**last, "usage": self._usage()}), False
        yield DONE, False

    def _deltas(self) -> Iterator[dict[str, Any]]:
        most = self.answer.deltas
        for key, text in (
            ("reasoning_content", self.answer.reasoning),
            ("content", self.answer.text),
        ):
            yield from ({key: piece} for piece in pieces(text, most))
        for call in self._calls():
            arguments = call["function"]["arguments"]
            opening = {**call, "function": {**call["function"], "arguments": ""}}
            yield {"tool_calls": [opening]}
            for piece in pieces(arguments, most):
                yield {"tool_calls": [{"index": call["index"], "function": {"arguments": piece}}]}

    def _event(self, delta: dict[str, Any], finish_reason: str | None = None) -> bytes:
        choice = {"index": 0, "delta": delta, "finish_reason": finish_reason}
        value = {**self._envelope("chat.completion.chunk"), "choices": [choice]}
        return _data({**value, "usage": None} if self.question.include_usage else value)

    def _envelope(self, kind: str) -> dict[str, Any]:
        return {"id": self.id, "object": kind, "created": self.created, "model": self.model}

    def _calls(self) -> list[dict[str, Any]]:
        turn = sum(message.get("role") == "assistant" for message in self.question.messages)
        return [
            {
                "index": index,
                "id": f"call_{turn}_{index}",
                "type": "function",
                "function": {"name": call.name, "arguments": call.arguments},
            }
            for index, call in enumerate(self.answer.calls)
        ]

    def _finish_reason(self) -> str:
        if self.answer.cut:
            return "length"
        return "tool_calls" if self.answer.calls else "stop"

    def _usage(self) -> dict[str, Any]:
        bill = self.answer.bill or counted(self.answer, prompt=self.question.prompt_tokens)
        return {
            "prompt_tokens": bill.prompt,
            "completion_tokens": bill.completion,
            "total_tokens": bill.prompt + bill.completion,
            "prompt_tokens_details": {"cached_tokens": bill.cached},
            "completion_tokens_details": {"reasoning_tokens": bill.reasoning},
        }


def counted(answer: Answer, *, prompt: int) -> Bill:
    """Bill an answer by its characters."""
    said = len(answer.text) + sum(len(call.name) + len(call.arguments) for call in answer.calls)
    thought = tokens(len(answer.reasoning))
    return Bill(prompt=prompt, completion=thought + tokens(said), reasoning=thought)


def parse_question(body: bytes) -> Question:
    """Check a request's body as strictly as a provider would, or raise `Refusal`."""
    try:
        asked = json.loads(body)
    except (ValueError, RecursionError):
        raise _bad("the body is not JSON") from None
    if not isinstance(asked, dict):
        raise _bad("the body is not a JSON object")
    if not isinstance(asked.get("model"), str):
        raise _bad("`model` must be a string")
    options = asked.get("stream_options") or {}
    if not isinstance(options, dict):
        raise _bad("`stream_options` must be an object")
    messages = _messages(asked.get("messages"))
    return Question(
        messages=messages,
        stream=asked.get("stream") is True,
        include_usage=options.get("include_usage") is True,
        prompt_tokens=tokens(characters(messages) + characters(asked.get("tools"))),
    )


def _messages(value: object) -> list[Message]:
    if not isinstance(value, list) or not value:
        raise _bad("`messages` must be a list with at least one message")
    for number, message in enumerate(value):
        if not isinstance(message, dict) or not isinstance(message.get("role"), str):
            raise _bad(f"`messages[{number}]` must be an object with a `role`")
    _demand_results(value)
    return value


def _demand_results(messages: list[Message]) -> None:
    """Refuse a history in which a tool call has no result, or a result no call."""
    waiting: set[str] = set()
    for number, message in enumerate(messages):
        if message["role"] == "tool":
            if message.get("tool_call_id") not in waiting:
                raise _bad(f"`messages[{number}]` answers no tool call before it")
            waiting.discard(message["tool_call_id"])
        elif waiting:
            raise _bad(f"tool call `{min(waiting)}` has no result before `messages[{number}]`")
        else:
            waiting = _call_ids(number, message)
    if waiting:
        raise _bad(f"tool call `{min(waiting)}` has no result")


def _call_ids(number: int, message: Message) -> set[str]:
    calls = message.get("tool_calls") or []
    if isinstance(calls, list) and all(isinstance(call, dict) for call in calls):
        ids = [call.get("id") for call in calls]
        if all(isinstance(name, str) for name in ids):
            return set(ids)
    raise _bad(f"`messages[{number}].tool_calls` must be a list of objects with an `id`")


def characters(value: object) -> int:
    """Count the characters of every text within a JSON value, keys included."""
    count, pending = 0, [value]
    while pending:
        item = pending.pop()
        if isinstance(item, str):
            count += len(item)
        elif isinstance(item, dict):
            pending += [*item.keys(), *item.values()]
        elif isinstance(item, list):
            pending += item
    return count


def tokens(count: int) -> int:
    """Estimate tokens from characters, rounded up."""
    return -(-count // CHARACTERS_PER_TOKEN)


def pieces(text: str, most: int) -> list[str]:
    """Split a text as it is streamed: into at most so many equal pieces."""
    size = max(1, -(-len(text) // most))
    return [text[start : start + size] for start in range(0, len(text), size)]


def _without_index(call: dict[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in call.items() if key != "index"}


def _data(value: dict[str, Any]) -> bytes:
    return b"data: %b\n\n" % json.dumps(value, separators=(",", ":")).encode()


def _bad(message: str) -> Refusal:
    return Refusal(HTTPStatus.BAD_REQUEST, message)
