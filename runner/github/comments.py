"""One comment on an issue or pull request, found again by a hidden marker and kept up to date."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from http.client import HTTPConnection, HTTPException, HTTPSConnection
from typing import TYPE_CHECKING, Any, Final, Self
from urllib.parse import urlsplit

from testbed.comparing.outcome import MARKER, MOST_CHARACTERS
from testbed.errors import EndpointError, UsageError

if TYPE_CHECKING:
    from collections.abc import Mapping

PUBLIC: Final = "https://api.github.com"
PER_PAGE: Final = 100
MOST_PAGES: Final = 200
TIMEOUT_S: Final = 30.0
SHOWN: Final = 200
_OWN: Final = frozenset({"OWNER", "MEMBER", "COLLABORATOR"})
_LIMITED: Final = frozenset({403, 429})
_WORDS: Final = {
    401: "the token is not taken",
    403: "the token may not do that: the job needs `pull-requests: write` or `issues: write`",
    404: "there is no such repository or issue, or the token may not see it",
}


@dataclass(frozen=True, kw_only=True)
class Repository:
    """Where comments are written."""

    name: str
    """OWNER/NAME."""
    api: str
    token: str

    @classmethod
    def read(cls, name: str, environ: Mapping[str, str]) -> Self:
        """Take address and token from the environment; raise `UsageError` for unusable ones."""
        if not re.fullmatch(r"[A-Za-z0-9_.-]{1,100}/[A-Za-z0-9_.-]{1,100}", name) or ".." in name:
            raise UsageError(f"{name!a} is no repository", next_step="Give OWNER/NAME")
        token = environ.get("GITHUB_TOKEN", "").strip()
        if not token.isascii() or not token.isprintable() or not token:
            raise UsageError("GITHUB_TOKEN is not set", next_step="Give it to this step alone")
        api = environ.get("GITHUB_API_URL", "").strip().rstrip("/") or PUBLIC
        if not re.fullmatch(r"https?://[A-Za-z0-9.:\[\]-]+(/[A-Za-z0-9._/-]*)?", api):
            raise UsageError("GITHUB_API_URL is no address", next_step="Mend it, or unset it")
        return cls(name=name, api=api, token=token)


@dataclass(frozen=True)
class _Reply:
    status: int
    headers: Mapping[str, str]
    body: Any


def keep_comment(place: Repository, number: int, body: str) -> str:
    """Update the marked comment of an issue, or make it; return its address.

    A stranger's comment that carries the marker is left alone. Raises `UsageError` for a body
    without the marker or too long for the platform, `EndpointError` when the API refuses.
    """
    if not body.startswith(MARKER):
        raise UsageError("the body has no marker", next_step="Give the comment.md of the report")
    if len(body) >= MOST_CHARACTERS:
        raise UsageError("the body is too long for a comment", next_step="Shorten it")
    known = _find(place, number)
    if known is None:
        reply = _ask(place, "POST", f"issues/{number}/comments", {"body": body})
    else:
        reply = _ask(place, "PATCH", f"issues/comments/{known}", {"body": body})
    url = reply.body.get("html_url") if isinstance(reply.body, dict) else None
    done = "made" if known is None else "updated"
    return f"comment {done}: {url}" if isinstance(url, str) and url.isprintable() else done


def _find(place: Repository, number: int) -> int | None:
    """Look through all pages for the first marked comment that is not a stranger's."""
    for page in range(1, MOST_PAGES + 1):
        path = f"issues/{number}/comments?per_page={PER_PAGE}&page={page}"
        reply = _ask(place, "GET", path)
        found = reply.body if isinstance(reply.body, list) else []
        for one in found:
            if isinstance(one, dict) and _is_ours(one):
                return int(one["id"])
        more = 'rel="next"' in reply.headers.get("link", "")
        if not found or not (more or len(found) >= PER_PAGE):
            return None
    return None


def _is_ours(comment: Mapping[str, Any]) -> bool:
    """Say whether a comment has the marker and was not written by just anyone."""
    text, user = comment.get("body"), comment.get("user")
    if not isinstance(text, str) or not text.startswith(MARKER):
        return False
    bot = isinstance(user, dict) and user.get("type") == "Bot"
    known = isinstance(comment.get("id"), int)
    return known and (bot or comment.get("author_association", "MEMBER") in _OWN)


def _ask(place: Repository, method: str, path: str, body: object = None) -> _Reply:
    """Send one request; redirects are not followed, so that the token stays with its host."""
    base = urlsplit(place.api)
    kind = HTTPSConnection if base.scheme == "https" else HTTPConnection
    headers = {
        "Accept": "application/vnd.github+json",
        "Authorization": f"Bearer {place.token}",
        "User-Agent": "testbed",
        "X-GitHub-Api-Version": "2022-11-28",
    }
    data = None if body is None else json.dumps(body).encode()
    if data is not None:
        headers["Content-Type"] = "application/json"
    connection = kind(base.netloc, timeout=TIMEOUT_S)
    try:
        connection.request(method, f"{base.path}/repos/{place.name}/{path}", data, headers)
        answer = connection.getresponse()
        raw = answer.read()
    except (OSError, HTTPException) as fault:
        raise EndpointError(
            f"{place.api} does not answer: {type(fault).__name__}",
            next_step="Run the job again; the comparison itself is done",
        ) from fault
    finally:
        connection.close()
    told = {name.lower(): value for name, value in answer.getheaders()}
    return _checked(_Reply(answer.status, told, _json(raw)), method)


def _checked(reply: _Reply, method: str) -> _Reply:
    if 200 <= reply.status < 300:  # noqa: PLR2004  (the class of what went well)
        return reply
    said = reply.body.get("message", "") if isinstance(reply.body, dict) else ""
    quoted = f" ({said[:SHOWN]!a})" if isinstance(said, str) and said else ""
    if reply.status in _LIMITED and _is_limited(reply):
        wait = reply.headers.get("retry-after", "")
        after = f" for {wait} s" if wait.isdigit() else ""
        raise EndpointError(
            f"the API's rate limit is used up{after}{quoted}", next_step="Run the job again later"
        )
    why = _WORDS.get(reply.status, "the API refuses")
    raise EndpointError(
        f"{method} of the comment: {reply.status}: {why}{quoted}",
        next_step="The comparison itself is done: see the job's summary",
    )


def _is_limited(reply: _Reply) -> bool:
    spent = reply.headers.get("x-ratelimit-remaining") == "0"
    return spent or "retry-after" in reply.headers or reply.status != 403  # noqa: PLR2004


def _json(raw: bytes) -> Any:  # noqa: ANN401  (whatever a server sends)
    try:
        return json.loads(raw)
    except (ValueError, RecursionError):
        return None
