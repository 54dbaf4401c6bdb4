"""What a model card may say about its API, and the request body that follows from it."""

from __future__ import annotations

from dataclasses import dataclass, field
from itertools import count
from typing import TYPE_CHECKING, Any, Literal

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from runner.chat.base import Message

REASONING_KEYS = ("reasoning_content", "reasoning")


@dataclass(frozen=True, kw_only=True)
class ApiQuirks:
    """How one model's Chat Completions differ from the common ground."""

    drop: tuple[str, ...] = ()
    """Parameters that are never sent."""
    rename: Mapping[str, str] = field(default_factory=dict)
    """Our parameter name -> theirs, e.g. `max_tokens` -> `max_completion_tokens`."""
    force: Mapping[str, Any] = field(default_factory=dict)
    """Parameters always sent with this value, whatever else is configured."""
    extra_body: Mapping[str, Any] = field(default_factory=dict)
    """Provider-specific keys added at the top level of the body."""
    replay_reasoning: Literal["required", "forbidden", "ignore"] = "ignore"
    """Only `required` sends the reasoning of earlier turns back with their tool calls."""
    stream_usage: bool = True
    """Ask for usage with `stream_options.include_usage`."""
    rewrite_call_ids: bool = False
    """Number the call ids of the history as Kimi K2 was trained: `functions.{name}:{n}`."""
    reasoning_in_total: bool = False
    """The provider counts reasoning in the total of its usage alone."""
    quota_is_limit: bool = False
    """The provider calls a limit by the minute a spent quota, under 429."""


@dataclass(frozen=True, kw_only=True)
class ModelEndpoint:
    """One model at one Chat Completions endpoint."""

    base_url: str
    api_key: str = field(repr=False)
    """Any non-empty text for servers without keys."""
    model: str
    """The model id that is sent."""
    quirks: ApiQuirks = field(default_factory=ApiQuirks)
    max_output_tokens: int = 8192
    temperature: float | None = None
    """`None` leaves the choice to the provider."""
    stream: bool = True
    """Whether replies are streamed; a whole one has no times before its end."""
    deadline_s: float = 600.0
    """Longest wall-clock time of one attempt; a reply that still runs on then is the model's."""
    idle_s: float = 180.0
    """Longest time without a byte, before the headers and between pieces."""


@dataclass(frozen=True, kw_only=True)
class Request:
    """The body as it is sent, and the parameters that the model's quirks took out of it."""

    body: dict[str, Any]
    dropped: tuple[str, ...]


def build_request(
    endpoint: ModelEndpoint,
    messages: Sequence[Message],
    tools: Sequence[Mapping[str, Any]],
) -> Request:
    """Build the body of one completion; neither argument is changed."""
    quirks = endpoint.quirks
    wanted: dict[str, Any] = {
        "tools": list(tools),
        "stream": endpoint.stream,
        "stream_options": {"include_usage": True} if _asks_usage(endpoint) else None,
        "max_tokens": endpoint.max_output_tokens,
        "temperature": endpoint.temperature,
    }
    sent = {key: value for key, value in wanted.items() if value not in (None, [])}
    kept = {quirks.rename.get(k, k): v for k, v in sent.items() if k not in quirks.drop}
    body = {
        "model": endpoint.model,
        "messages": _history(messages, quirks),
        **kept,
        **quirks.force,
        **quirks.extra_body,
    }
    return Request(body=body, dropped=tuple(key for key in sent if key in quirks.drop))


def _asks_usage(endpoint: ModelEndpoint) -> bool:
    return endpoint.stream and endpoint.quirks.stream_usage


def _history(messages: Sequence[Message], quirks: ApiQuirks) -> list[Message]:
    replayed = [_replayed(message, quirks) for message in messages]
    return _numbered(replayed) if quirks.rewrite_call_ids else replayed


def _replayed(message: Message, quirks: ApiQuirks) -> Message:
    """Strip or supply the reasoning of an assistant message."""
    if message.get("role") != "assistant":
        return message
    bare = {key: value for key, value in message.items() if key not in REASONING_KEYS}
    if quirks.replay_reasoning != "required" or not message.get("tool_calls"):
        return bare
    # The field must be present on every message with calls, and an empty one counts as missing.
    reasoning = next((message[key] for key in REASONING_KEYS if message.get(key)), " ")
    return {**bare, "reasoning_content": reasoning}


def _numbered(messages: Sequence[Message]) -> list[Message]:
    """Rewrite call ids with one counter over the whole conversation."""
    counter = count()
    names: dict[str, str] = {}
    return [_renamed(message, names, counter) for message in messages]


def _renamed(message: Message, names: dict[str, str], counter: Iterator[int]) -> Message:
    if "tool_call_id" in message:
        old = message["tool_call_id"]
        return {**message, "tool_call_id": names.get(old, old)}
    calls = []
    for call in message.get("tool_calls") or ():
        names[call["id"]] = f"functions.{call['function']['name']}:{next(counter)}"
        calls.append({**call, "id": names[call["id"]]})
    return {**message, "tool_calls": calls} if calls else message
