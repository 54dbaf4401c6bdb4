"""What went wrong with an attempt: one class per cause, whatever shape the provider gave it."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any, Final

OVERLOADS: Final = frozenset({"rate_limit", "overloaded"})
"""Refusals for the sake of a limit: 429 and 503."""
RETRYABLE: Final = frozenset(
    {
        "rate_limit",
        "overloaded",
        "server",
        "connection",
        "timeout",
        "stream",
        "truncated_stream",
        "empty_stream",
    }
)
MODEL_FAULTS: Final = frozenset(
    {"context_length", "content_filter", "tool_use_failed", "endless_stream"}
)
_DETAIL_CHARS: Final = 400
_SPAN = r"(\d+(?:\.\d+)?)\s?(ms|milliseconds?|s|sec|seconds?|m|min|minutes?|h|hours?)(?![a-z])"
_ASKED = re.compile(
    rf"(?:(?:try again|retry) (?:in|after)|retrydelay\W+)\s*((?:{_SPAN}\s?)+)", re.IGNORECASE
)

_TOOL_USE = (
    "tool_use_failed",
    "failed_generation",
    "did not match schema",
    "does not match the expected peg-native format",
    "error parsing tool call",
    "failed to parse xml",
    "xml syntax error",
    "expected element type <function>",
)
_CONTEXT = (
    "context_length_exceeded",
    "exceed_context_size",
    "context length",
    "context window",
    "max_new_tokens",
    "maximum prompt length",
    "exceeded model token limit",
    "exceeds the maximum number of tokens",
    "prompt is too long",
    "exceed context limit",
    "range of input length should be",
)
_FILTER = (
    "content_filter",
    "content_policy_violation",
    "data_inspection_failed",
    "flagged_input",
)
_QUOTA = ("insufficient_quota", "exceeded_current_quota")
_NO_MONEY = ("quota", "account balance", "insufficient balance", "credits", "billing")
_OVERLOADED = ("engine_overloaded", "overloaded_error", "insufficient_system_resource")


@dataclass(frozen=True, kw_only=True)
class Fault:
    """Why an attempt gave no complete reply."""

    kind: str
    """An `Exchange.error` class."""
    detail: str
    """One line, at most 400 characters."""
    retry_after_s: float | None = None
    """What the provider asked us to wait, in seconds."""

    @property
    def retryable(self) -> bool:
        """Say whether the same request may succeed later."""
        return self.kind in RETRYABLE

    @property
    def model_fault(self) -> bool:
        """Say whether the model, not the infrastructure, caused it."""
        return self.kind in MODEL_FAULTS


def http_fault(status: int, body: bytes, headers: Mapping[str, str], *, now: datetime) -> Fault:
    """Classify a refused request; `headers` must be keyed in lower case."""
    content = _decoded(body)
    text = _flat(content)
    return Fault(
        kind=_kind(status, text.lower()),
        detail=_line(_message(content) or f"HTTP {status} without a message"),
        retry_after_s=retry_after(headers, text, now=now),
    )


def stream_fault(error: object) -> Fault:
    """Classify an error object that arrived inside a stream, or in a body with status 200."""
    text = _flat(error)
    status = _inner_status(error)
    kind = _kind(status, text.lower()) if status else _named(None, text.lower())
    return Fault(
        kind=kind or "stream",
        detail=_line(_message(error) or "error inside the stream"),
        retry_after_s=retry_after({}, text, now=datetime.now(UTC)),
    )


def broken_fault(error: BaseException, *, started: bool) -> Fault:
    """Classify an exception of the transport; `started` once response headers have arrived."""
    names = " ".join(kind.__name__ for kind in type(error).__mro__)
    if "Timeout" in names and not started:
        kind = "timeout"
    else:
        kind = "stream" if started else "connection"
    cause = error.__cause__ or error
    return Fault(kind=kind, detail=_line(f"{type(cause).__name__}: {cause}"))


def retry_after(headers: Mapping[str, str], text: str, *, now: datetime) -> float | None:
    """Return the wait that a provider asks for, in seconds, from its headers or its words."""
    milliseconds = _number(headers.get("retry-after-ms"))
    if milliseconds is not None:
        return milliseconds / 1000
    value = headers.get("retry-after")
    seconds = _number(value)
    if seconds is not None:
        return seconds
    if value and (date := _http_date(value)):
        return max(0.0, (date - now).total_seconds())
    said = _ASKED.search(text)
    return _duration(said[1].lower()) if said else None


def _kind(status: int, text: str) -> str:
    named = _named(status, text)
    if named:
        return named
    by_status = {
        401: "auth",
        402: "quota",
        403: "quota" if _has(text, _NO_MONEY) else "auth",
        408: "timeout",
        409: "server",
        429: "rate_limit",
        503: "overloaded",
        529: "overloaded",
    }
    return by_status.get(status, "server" if status >= 500 else "bad_request")  # noqa: PLR2004 (HTTP)


def _named(status: int | None, text: str) -> str | None:
    """Return the class that the provider's own words name."""
    if _has(text, _TOOL_USE):
        return "tool_use_failed"
    if status != 429 and _has(text, _CONTEXT):  # noqa: PLR2004 (HTTP)
        return "context_length"
    if _has(text, _FILTER):
        return "content_filter"
    if _has(text, _QUOTA):
        return "quota"
    if _has(text, _OVERLOADED):
        return "overloaded"
    return "rate_limit" if "rate_limit" in text else None


def _has(text: str, signs: tuple[str, ...]) -> bool:
    return any(sign in text for sign in signs)


def _decoded(body: bytes) -> object:
    text = body.decode("utf-8", "replace")
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        return re.sub(r"<[^>]*>", " ", text)


def _flat(content: object) -> str:
    return content if isinstance(content, str) else json.dumps(content, ensure_ascii=False)


def _message(content: object) -> str:
    """Find the sentence for people in a str, dict or list of any provider."""
    if isinstance(content, str):
        return content
    if isinstance(content, list):
        return _message(content[0]) if content else ""
    if isinstance(content, Mapping):
        inner = next((content[k] for k in ("error", "message", "detail") if content.get(k)), None)
        return _flat(content) if inner is None else _message(inner)
    return ""


def _inner_status(content: object) -> int | None:
    for mapping in _mappings(content):
        for key in ("status_code", "code", "status"):
            value = str(mapping.get(key, ""))
            if re.fullmatch(r"[45]\d\d", value):
                return int(value)
    return None


def _mappings(content: object) -> Iterator[Mapping[str, Any]]:
    if isinstance(content, Mapping):
        yield content
        yield from _mappings(content.get("error"))


def _line(text: str) -> str:
    """Make one line of it that a terminal obeys in nothing."""
    line = " ".join(text.split())[:_DETAIL_CHARS]
    return "".join(c if c.isprintable() else "\N{REPLACEMENT CHARACTER}" for c in line)


def _number(value: str | None) -> float | None:
    return float(value) if value and re.fullmatch(r"\s*\d+(\.\d+)?\s*", value) else None


def _http_date(value: str) -> datetime | None:
    try:
        date = parsedate_to_datetime(value)
    except ValueError:
        return None
    return date if date.tzinfo else date.replace(tzinfo=UTC)


def _duration(text: str) -> float:
    units = {"h": 3600.0, "m": 60.0, "s": 1.0}
    parts = re.findall(_SPAN, text)
    return sum(float(n) * (0.001 if u.startswith(("ms", "mil")) else units[u[0]]) for n, u in parts)
