"""The part of HTTP/1.1 that a client of a local server needs: bounded, strict, keep-alive."""

from __future__ import annotations

import asyncio
import json
import re
from dataclasses import dataclass
from http import HTTPStatus

MAX_HEAD = 64 * 1024
MAX_BODY = 16 * 1024 * 1024
_DISCARD = 4 * MAX_BODY
"""A larger body is not even read to its end: the connection is closed under it."""
_TOKEN = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")
_LENGTH = re.compile(r"[0-9]{1,15}")


@dataclass(frozen=True, kw_only=True, slots=True)
class Request:
    """One complete request."""

    method: str
    path: str
    body: bytes
    keep_alive: bool


class Refusal(Exception):
    """A request that is answered by an error; `close` when the connection is out of step."""

    def __init__(
        self,
        status: HTTPStatus,
        message: str,
        *,
        code: str = "bad_request",
        headers: tuple[tuple[str, str], ...] = (),
        close: bool = False,
    ) -> None:
        super().__init__(message)
        self.status = status
        self.code = code
        self.headers = headers
        self.close = close


def _broken(status: HTTPStatus, message: str) -> Refusal:
    return Refusal(status, message, close=True)


async def read_request(reader: asyncio.StreamReader) -> Request | None:
    """Read the next request; `None` when the client is gone. Raises `Refusal`."""
    try:
        head = await reader.readuntil(b"\r\n\r\n")
    except asyncio.IncompleteReadError:
        return None
    except asyncio.LimitOverrunError:
        status = HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE
        raise _broken(status, f"the head is larger than {MAX_HEAD} bytes") from None
    line, *fields = head[:-4].decode("latin-1").split("\r\n")
    method, path = _request_line(line)
    headers = _headers(fields)
    length = _body_length(method, headers)
    if length > MAX_BODY:
        await _discard(reader, length)
        status = HTTPStatus.REQUEST_ENTITY_TOO_LARGE
        raise _broken(status, f"the body is larger than {MAX_BODY} bytes")
    try:
        body = await reader.readexactly(length)
    except asyncio.IncompleteReadError:
        return None
    keep_alive = headers.get("connection", "").lower() != "close"
    return Request(method=method, path=path, body=body, keep_alive=keep_alive)


def _request_line(line: str) -> tuple[str, str]:
    method, _, rest = line.partition(" ")
    path, _, version = rest.partition(" ")
    if not _TOKEN.fullmatch(method) or not path.startswith("/"):
        raise _broken(HTTPStatus.BAD_REQUEST, "the request line is malformed")
    if version != "HTTP/1.1":
        raise _broken(HTTPStatus.HTTP_VERSION_NOT_SUPPORTED, "only HTTP/1.1 is spoken here")
    return method, path.partition("?")[0]


def _headers(fields: list[str]) -> dict[str, str]:
    headers: dict[str, str] = {}
    for field in fields:
        name, colon, value = field.partition(":")
        if not colon or not _TOKEN.fullmatch(name):
            raise _broken(HTTPStatus.BAD_REQUEST, "a header is malformed")
        key = name.lower()
        if key == "content-length" and key in headers:
            raise _broken(HTTPStatus.BAD_REQUEST, "Content-Length stands twice")
        headers[key] = value.strip(" \t")
    return headers


def _body_length(method: str, headers: dict[str, str]) -> int:
    if "transfer-encoding" in headers:
        raise _broken(HTTPStatus.NOT_IMPLEMENTED, "bodies in chunks are not read here")
    length = headers.get("content-length")
    if length is None and method == "POST":
        raise _broken(HTTPStatus.LENGTH_REQUIRED, "Content-Length is missing")
    if length is not None and not _LENGTH.fullmatch(length):
        raise _broken(HTTPStatus.BAD_REQUEST, "Content-Length is not a number")
    return int(length or 0)


async def _discard(reader: asyncio.StreamReader, length: int) -> None:
    """Read what is still coming: closing on a sender would cost it the answer."""
    left = length if length <= _DISCARD else 0
    while left and (piece := await reader.read(min(left, MAX_HEAD))):
        left -= len(piece)


def json_response(
    status: HTTPStatus,
    value: object,
    *,
    headers: tuple[tuple[str, str], ...] = (),
    close: bool = False,
) -> bytes:
    """Write a complete response with a JSON body."""
    body = json.dumps(value).encode()
    lines = (f"Content-Length: {len(body)}", *(f"{name}: {text}" for name, text in headers))
    return _head(status, "application/json", *lines, close=close) + body


def error_response(refusal: Refusal) -> bytes:
    """Write an error in the form that OpenAI's API gives it."""
    error = {
        "message": str(refusal),
        "type": "invalid_request_error",
        "param": None,
        "code": refusal.code,
    }
    return json_response(
        refusal.status, {"error": error}, headers=refusal.headers, close=refusal.close
    )


def stream_head() -> bytes:
    """Begin a response of server-sent events in chunks."""
    return _head(HTTPStatus.OK, "text/event-stream", "Transfer-Encoding: chunked")


def chunk(data: bytes) -> bytes:
    """Frame one chunk; an empty one ends the response."""
    return b"%x\r\n%b\r\n" % (len(data), data)


def _head(status: HTTPStatus, kind: str, *more: str, close: bool = False) -> bytes:
    lines = [f"HTTP/1.1 {status.value} {status.phrase}", f"Content-Type: {kind}", *more]
    if close:
        lines.append("Connection: close")
    return ("\r\n".join(lines) + "\r\n\r\n").encode()
