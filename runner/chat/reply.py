"""A complete stream -> the calls it holds and the message that stands for it in the history."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from runner.chat.base import ChatFailure, EmittedCall, Message, Reply
from runner.chat.errors import Fault
from runner.chat.leaks import Leak, find_leaks, is_object

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Mapping, Sequence

    from runner.chat.calls import Slot
    from runner.chat.quirks import Request
    from runner.chat.stream import Stream
    from testbed.records import Exchange

_CUT_REASONS: Final = frozenset({"length", "max_tokens", "MAX_TOKENS", "max_output_tokens"})


@dataclass(frozen=True, kw_only=True)
class Parts:
    """What a reply consists of, before anything is judged."""

    calls: tuple[EmittedCall, ...]
    message: Message


def build_reply(
    stream: Stream,
    tools: Sequence[Mapping[str, Any]],
    request: Request,
    exchanges: Sequence[Exchange],
) -> Reply:
    """Make the reply of a complete stream; the last exchange is its own."""
    usage = exchanges[-1].usage
    limit = request.body.get("max_completion_tokens") or request.body.get("max_tokens")
    parts = build_parts(
        stream,
        offered={tool["function"]["name"] for tool in tools},
        turn=exchanges[-1].turn,
        at_limit=bool(limit and usage and usage.output and usage.output >= limit),
    )
    return Reply(
        text=stream.text,
        reasoning=stream.reasoning,
        calls=parts.calls,
        finish_reason=stream.finish_reason,
        message=parts.message,
        exchanges=tuple(exchanges),
    )


def build_failure(exchanges: Sequence[Exchange]) -> ChatFailure:
    """Make the failure that the last of these attempts was."""
    last = exchanges[-1]
    kind = last.error or "stream"
    return ChatFailure(
        kind,
        last.error_detail or "",
        model_fault=Fault(kind=kind, detail="").model_fault,
        exchanges=tuple(exchanges),
    )


def build_parts(
    stream: Stream, *, offered: Collection[str], turn: int, at_limit: bool = False
) -> Parts:
    """Assemble calls and history message of one stream.

    `offered` are the tools' names; `at_limit` says that the reply is as long as it may be,
    whatever its finish reason. Nothing is repaired: the history alone is made acceptable.
    """
    cut = at_limit or stream.finish_reason in _CUT_REASONS
    ids = _ids(stream.slots, turn)
    last = len(stream.slots) - 1
    calls = tuple(
        EmittedCall(
            id=call_id,
            name=slot.name,
            raw_arguments=slot.arguments,
            flaw=_flaw(slot.arguments, cut=cut and at == last),
        )
        for at, (call_id, slot) in enumerate(zip(ids, stream.slots, strict=True))
    )
    leaked = tuple(
        EmittedCall(
            id=f"leaked_{turn}_{at}",
            name=leak.name,
            raw_arguments=leak.arguments,
            flaw="leaked_text_call",
        )
        for at, leak in enumerate(_leaks(stream, offered))
    )
    return Parts(calls=calls + leaked, message=_message(stream, ids))


def _flaw(arguments: str, *, cut: bool) -> str | None:
    if _is_json(arguments):
        return None
    if _is_concatenated(arguments):
        return "concatenated_json"
    return "truncated_call" if cut else None


def _is_json(text: str) -> bool:
    try:
        json.loads(text)
    except (ValueError, RecursionError):
        return False
    return True


def _is_concatenated(text: str) -> bool:
    decoder, at, objects = json.JSONDecoder(), 0, 0
    text = text.strip()
    while at < len(text):
        try:
            value, at = decoder.raw_decode(text, at)
        except (ValueError, RecursionError):
            return False
        objects += isinstance(value, dict)
        while text[at : at + 1].isspace():
            at += 1
    return objects > 1


def _ids(slots: Sequence[Slot], turn: int) -> list[str]:
    """Give every call an id of its own: tool results are matched by id alone."""
    ids: list[str] = []
    for at, slot in enumerate(slots):
        ids.append(f"call_{turn}_{at}" if not slot.id or slot.id in ids else slot.id)
    return ids


def _leaks(stream: Stream, offered: Collection[str]) -> Iterator[Leak]:
    """List leaked calls once each; a draft of a call that then arrived properly is none."""
    seen = {(slot.name, _canonical(slot.arguments)) for slot in stream.slots}
    in_reasoning = find_leaks(stream.reasoning or "", offered)
    # A model that calls properly may still think in JSON.
    thought = [leak for leak in in_reasoning if leak.marked or not stream.slots]
    for leak in (*find_leaks(stream.text, offered), *thought):
        key = (leak.name, _canonical(leak.arguments))
        if key not in seen:
            seen.add(key)
            yield leak


def _canonical(arguments: str) -> str:
    return json.dumps(json.loads(arguments), sort_keys=True) if _is_json(arguments) else arguments


def _message(stream: Stream, ids: Sequence[str]) -> Message:
    message: Message = {"role": "assistant", "content": stream.text}
    if stream.reasoning:
        message[stream.reasoning_key] = stream.reasoning
    if stream.refusal:
        message["refusal"] = stream.refusal
    if ids:
        pairs = zip(ids, stream.slots, strict=True)
        message["tool_calls"] = [_history_call(call_id, slot) for call_id, slot in pairs]
    return message


def _history_call(call_id: str, slot: Slot) -> dict[str, Any]:
    """Write a call as every endpoint accepts it: many refuse odd names and broken JSON."""
    function = {
        "name": re.sub(r"[^A-Za-z0-9_-]", "_", slot.name)[:64] or "unnamed",
        "arguments": slot.arguments if is_object(slot.arguments) else "{}",
    }
    return {**slot.extra, "id": call_id, "type": "function", "function": function}
