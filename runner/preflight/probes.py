"""The questions of a preflight, one method each."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Mapping, Sequence

    from runner.chat.base import EmittedCall, Message, Reply
    from runner.preflight.desk import Desk
    from testbed.records import Usage

FILLER_TOKENS: Final = 8000
"""Estimated; more than a server's context when it was left at a small default."""
CHARACTERS_PER_TOKEN: Final = 4
LEAST: Final = 0.6
MOST: Final = 1.7
"""Reported tokens of plain English, as a share of the estimate: tokenisers differ that much."""
ORDER_NUMBER: Final = "7391"

_SENTENCE: Final = "The quick brown fox jumps over the lazy dog near the old stone bridge. "
_READY: Final = "Answer with the single word ready."
_ORDER: Final = (
    "Record an order of 3 large lamps, sent to Mill Lane 7, by calling record_order once. "
    "As soon as it is recorded, tell me the number that the order got."
)
_SENSORS: Final = (
    "Read the sensors of the kitchen and of the cellar. "
    "Make both calls of read_sensor in the same reply."
)
_ROOMS: Final = ["kitchen", "cellar"]


def _tool(name: str, description: str, properties: Mapping[str, Any]) -> dict[str, Any]:
    parameters = {
        "type": "object",
        "properties": properties,
        "required": list(properties),
        "additionalProperties": False,
    }
    function = {"name": name, "description": description, "parameters": parameters}
    return {"type": "function", "function": function}


TOOLS: Final = (
    _tool(
        "record_order",
        "Record one order.",
        {
            "item": {"type": "string", "minLength": 1},
            "quantity": {"type": "integer", "minimum": 1},
            "size": {"type": "string", "enum": ["small", "medium", "large"]},
            "address": {
                "type": "object",
                "properties": {"street": {"type": "string"}, "number": {"type": "integer"}},
                "required": ["street", "number"],
                "additionalProperties": False,
            },
        },
    ),
    _tool(
        "read_sensor",
        "Read the sensor of one room.",
        {"room": {"type": "string", "enum": _ROOMS}},
    ),
)
SCHEMAS: Final = {tool["function"]["name"]: tool["function"]["parameters"] for tool in TOOLS}


class Missed(Exception):
    """The endpoint did not do what was asked; the message says what it did."""


class Moot(Exception):
    """The question cannot be asked; the message says why."""


class Probes:
    """Puts the questions to one model; each returns what it saw, or raises.

    Raises `Missed`, `Moot` or `ChatFailure`.
    """

    def __init__(self, desk: Desk, *, context_window: int | None) -> None:
        self._desk = desk
        self._window = context_window
        self._plain: Reply | None = None
        self._ordered: Reply | None = None

    async def parameters(self) -> str:
        """Ask without tools, with every parameter that a run would send."""
        self._plain = await self._desk.ask([_user(_READY)])
        sent = sorted(set(self._desk.sent) - {"model", "messages"})
        dropped = self._plain.exchanges[-1].dropped_params
        kept_back = f"; not sent: {', '.join(dropped)}" if dropped else ""
        return f"accepted: {', '.join(sent)}{kept_back}"

    async def tools_streamed(self) -> str:
        """Ask for one call, streamed."""
        reply = await self._desk.ask([_user(_ORDER)], TOOLS)
        self._ordered = reply if reply.message.get("tool_calls") else None
        return _seen(reply, _orders(reply))

    async def tools_whole(self) -> str:
        """Ask for the same call in one piece."""
        reply = await self._desk.ask([_user(_ORDER)], TOOLS, stream=False)
        return _seen(reply, _orders(reply))

    async def prompt_tokens(self) -> str:
        """Compare what a longer prompt adds to the reported tokens with an estimate."""
        before = _input(self._plain)
        wanted = min(FILLER_TOKENS, (self._window or FILLER_TOKENS * 2) // 2)
        filler = _SENTENCE * (wanted * CHARACTERS_PER_TOKEN // len(_SENTENCE))
        estimate = len(filler) / CHARACTERS_PER_TOKEN
        added = _input(await self._desk.ask([_user(f"{filler}\n{_READY}")])) - before
        seen = f"{added} tokens reported for {len(filler)} characters, about {estimate:.0f} tokens"
        if added < LEAST * estimate:
            raise Missed(f"{seen}: the prompt is cut, or counted wrongly")
        if added > MOST * estimate:
            raise Missed(f"{seen}: more is counted, or sent on, than was asked")
        return seen

    async def parallel_calls(self) -> str:
        """Ask for two calls in one reply."""
        reply = await self._desk.ask([_user(_SENSORS)], TOOLS)
        arguments = _arguments(reply, "read_sensor")
        if len(arguments) == 1:
            raise Moot("the model made one call in the reply, though asked for two")
        rooms = sorted(str(one["room"]) for one in arguments)
        if rooms != sorted(_ROOMS):
            raise Missed(f"two rooms were asked for, {', '.join(rooms)} came")
        return _seen(reply, arguments)

    async def tool_result(self) -> str:
        """Answer the first call of the streamed order, and see whether the answer arrives."""
        if self._ordered is None:
            raise Moot("no call came that could be answered")
        calls = self._ordered.message["tool_calls"]
        results: list[Message] = [
            {
                "role": "tool",
                "tool_call_id": call["id"],
                "content": f"Recorded as order {ORDER_NUMBER}.",
            }
            for call in calls
        ]
        history = [_user(_ORDER), self._ordered.message, *results]
        reply = await self._desk.ask(history, TOOLS)
        if ORDER_NUMBER not in reply.text.replace(",", ""):
            raise Missed(f"the reply does not tell the result: {_quoted(reply)}")
        return "the result was understood"


PROBES: Final[Mapping[str, Callable[[Probes], Awaitable[str]]]] = {
    "parameters": Probes.parameters,
    "tools_streamed": Probes.tools_streamed,
    "tools_whole": Probes.tools_whole,
    "prompt_tokens": Probes.prompt_tokens,
    "parallel_calls": Probes.parallel_calls,
    "tool_result": Probes.tool_result,
}
"""Every question by its id, in the order in which they are asked."""


def _user(text: str) -> Message:
    return {"role": "user", "content": text}


def _orders(reply: Reply) -> list[dict[str, Any]]:
    return _arguments(reply, "record_order")


def _arguments(reply: Reply, name: str) -> list[dict[str, Any]]:
    """Return the arguments of a reply's calls, all of which must be sound and of one tool."""
    if not reply.calls:
        raise Missed(f"no call came: {_quoted(reply)}")
    return [_sound(call, name) for call in reply.calls]


def _sound(call: EmittedCall, name: str) -> dict[str, Any]:
    from jsonschema import Draft202012Validator

    if call.flaw is not None:
        raise Missed(f"{call.flaw}: {call.name} {call.raw_arguments[:200]}")
    if call.name != name:
        raise Missed(f"{name} was asked for, {call.name or 'a call without a name'} came")
    try:
        arguments: dict[str, Any] = json.loads(call.raw_arguments)
    except (ValueError, RecursionError):
        raise Missed(f"the arguments are no JSON: {call.raw_arguments[:200]}") from None
    errors = sorted(Draft202012Validator(SCHEMAS[name]).iter_errors(arguments), key=str)
    if errors:
        raise Missed(f"the schema is not kept: {errors[0].json_path}: {errors[0].message[:200]}")
    return arguments


def _seen(reply: Reply, arguments: Sequence[Mapping[str, Any]]) -> str:
    plural = "s" if len(arguments) > 1 else ""
    return f"{len(arguments)} call{plural} by the schema, finish_reason {reply.finish_reason!r}"


def _quoted(reply: Reply) -> str:
    said = " ".join(reply.text.split())[:120]
    return f"“{said}”" if said else "an empty reply"


def _input(reply: Reply | None) -> int:
    """Return all input tokens that a reply's usage tells of."""
    usage: Usage | None = reply.exchanges[-1].usage if reply else None
    if usage is None or usage.fresh_input is None:
        raise Missed("no usage is reported: cost stays unknown")
    return usage.fresh_input + (usage.cache_read or 0) + (usage.cache_write or 0)
