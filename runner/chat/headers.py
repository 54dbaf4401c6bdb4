"""The response headers that are worth keeping: quotas, waits and request ids, without keys."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Mapping

    from runner.redaction import Redactor

_REQUEST_IDS: Final = ("x-request-id", "request-id", "x-generation-id", "cf-ray")
_QUOTAS: Final = ("x-ratelimit-", "anthropic-ratelimit-", "ratelimit-", "retry-after")
_RETRY: Final = "x-should-retry"
_TOLD: Final = ("retry-after", "x-ratelimit-", _RETRY)
_MOST: Final = 40
_CHARS: Final = 200


def kept_headers(headers: Mapping[str, str], redactor: Redactor) -> dict[str, str]:
    """Keep what an allow-list names, short and without keys; names are in lower case."""
    kept = {
        redactor.text(name): redactor.text(value)[:_CHARS]
        for name, value in sorted(headers.items())
        if name.startswith(_QUOTAS) or name in (*_REQUEST_IDS, _RETRY)
    }
    return dict(list(kept.items())[:_MOST])


def request_id(kept: Mapping[str, str]) -> str | None:
    """Return the id by which the provider knows the request, if it told one."""
    return next((kept[name] for name in _REQUEST_IDS if name in kept), None)


def told(kept: Mapping[str, str]) -> str:
    """Write the headers that tell how long to wait, for the detail of a failed attempt."""
    return " ".join(f"{name}={value}" for name, value in kept.items() if name.startswith(_TOLD))
