"""The host's end of a toolbox: frames out, frames in, nothing from inside believed."""

from __future__ import annotations

import asyncio
import json
import struct
from typing import TYPE_CHECKING, Any, Final, Protocol, TypeVar, cast

from runner.sandbox.base import Entry, ExecResult, Match, ToolFault
from testbed.errors import SandboxLost

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Mapping, Sequence
    from types import TracebackType
    from typing import Self

_FRAME: Final = struct.Struct(">II")
_MAX_HEADER: Final = 1 << 20
_MAX_LISTING: Final = 16 << 20
_MARKS: Final = 4096
_GRACE_S: Final = 20.0
_QUICK_S: Final = 30.0
_LONG_S: Final = 60.0
_FAULTS: Final = frozenset(
    (
        "outside_workspace",
        "not_found",
        "is_directory",
        "not_a_directory",
        "is_link",
        "not_a_file",
        "too_large",
        "not_text",
        "old_text_not_found",
        "old_text_not_unique",
        "bad_pattern",
        "disk_full",
        "denied",
        "bad_argument",
    )
)
_NEXT_STEP: Final = "Run the trial again; `testbed doctor` tells whether sandboxes can be started"


_Reply = dict[str, Any]
_T = TypeVar("_T")


class Reader(Protocol):
    """The stream of replies."""

    async def readexactly(self, n: int) -> bytes:
        """Read `n` bytes or raise `asyncio.IncompleteReadError`."""
        ...


class Writer(Protocol):
    """The stream of requests."""

    def write(self, data: bytes) -> None:
        """Queue bytes."""
        ...

    async def drain(self) -> None:
        """Wait until there is room for more."""
        ...


class Garbage(Exception):
    """A reply that the toolbox would never send."""


_EXPECTED: Final = (OSError, EOFError, Garbage, ValueError, RecursionError)


def _printable(text: object) -> str:
    """Check a text from inside; file names that are not UTF-8 become storable."""
    if not isinstance(text, str):
        raise Garbage
    return text.encode("utf-8", "replace").decode()


def _count(value: object) -> int:
    """Check a number from inside."""
    if not isinstance(value, int) or value < 0:
        raise Garbage
    return value


def _rows(payload: bytes) -> list[list[Any]]:
    """Check a table of three columns from inside."""
    rows = json.loads(payload)
    if not isinstance(rows, list) or any(not isinstance(r, list) or len(r) != 3 for r in rows):  # noqa: PLR2004  (path and two facts)
        raise Garbage
    return rows


def _entries(_: _Reply, payload: bytes) -> list[Entry]:
    return [
        Entry(path=_printable(path), kind=_printable(kind), size=_count(size))
        for path, kind, size in _rows(payload)
    ]


def _matches(_: _Reply, payload: bytes) -> list[Match]:
    return [
        Match(path=_printable(path), line=_count(line), text=_printable(text))
        for path, line, text in _rows(payload)
    ]


def _exec_result(reply: _Reply, payload: bytes) -> ExecResult:
    code, seconds = reply.get("exit"), reply.get("seconds")
    if not (code is None or isinstance(code, int)) or not isinstance(seconds, (int, float)):
        raise Garbage
    split = _count(reply.get("stdout"))
    return ExecResult(
        exit_code=code,
        stdout=payload[:split],
        stderr=payload[split:],
        cut_bytes=_count(reply.get("cut")),
        timed_out=code is None,
        seconds=float(seconds),
    )


def _nothing(_: _Reply, payload: bytes) -> None:
    if payload:
        raise Garbage


def _payload(_: _Reply, payload: bytes) -> bytes:
    return payload


def _line(reply: _Reply, _: bytes) -> int:
    return _count(reply.get("line"))


def _fault(reply: _Reply) -> ToolFault | None:
    """Return the fault that a reply tells of."""
    code = reply.get("fault")
    if code is not None and code not in _FAULTS:
        raise Garbage
    return ToolFault(code, _printable(reply.get("message"))[:2000]) if code else None


def _why(error: BaseException, seconds: float) -> str:
    """Say in words how a sandbox was lost."""
    if isinstance(error, TimeoutError):
        return f"it did not answer within {seconds:.0f} s"
    if isinstance(error, (OSError, EOFError)):
        return f"its connection ended ({type(error).__name__})"
    if isinstance(error, _EXPECTED):
        return "it sent what its toolbox never sends"
    return "a call to it was cancelled"


class ToolboxSandbox:
    """A sandbox whose toolbox answers over a pair of streams, one request at a time."""

    def __init__(
        self,
        *,
        name: str,
        reader: Reader,
        writer: Writer,
        end: Callable[[], Awaitable[None]],
        environment: Mapping[str, str],
        output_bytes: int,
    ) -> None:
        self._name = name
        self._reader = reader
        self._writer = writer
        self._end = end
        self._environment = dict(environment)
        self._output_bytes = output_bytes
        self._turn = asyncio.Lock()
        self._lost = ""
        self._ending: asyncio.Future[None] | None = None

    async def hello(self, rlimits: Mapping[str, int] | None = None) -> None:
        """Wait for the first answer; `rlimits` (RLIMIT name -> value) hold for all inside."""
        await self._call({"op": "hello", "rlimits": dict(rlimits or {})}, parse=_nothing)

    async def read(self, path: str, *, limit: int = 1 << 20) -> bytes:
        """Return a regular file's bytes; `too_large` above `limit`."""
        header = {"op": "read", "path": path, "limit": limit}
        return await self._call(header, parse=_payload, most=limit)

    async def write(self, path: str, data: bytes) -> None:
        """Create or replace a regular file, parents included."""
        await self._call({"op": "write", "path": path}, data, parse=_nothing)

    async def edit(self, path: str, old: str, new: str) -> int:
        """Replace `old`, which must occur exactly once; return the 1-based line it began on."""
        try:
            before, after = old.encode(), new.encode()
        except UnicodeEncodeError as error:
            raise ToolFault("bad_argument", f"the text is not Unicode: {error}") from None
        header = {"op": "edit", "path": path, "old": len(before)}
        return await self._call(header, before + after, parse=_line)

    async def entries(self, path: str = ".", *, depth: int = 1, limit: int = 500) -> list[Entry]:
        """List entries below a folder, sorted; `.git`, `node_modules`, `.next` not entered."""
        header = {"op": "entries", "path": path, "depth": depth, "limit": limit}
        return await self._call(header, parse=_entries, most=_MAX_LISTING, seconds=_LONG_S)

    async def search(
        self, pattern: str, *, path: str = ".", glob: str | None = None, limit: int = 100
    ) -> list[Match]:
        """Find lines matching a regular expression in text files; a line is cut at 500."""
        header = {"op": "search", "pattern": pattern, "path": path, "glob": glob, "limit": limit}
        return await self._call(header, parse=_matches, most=_MAX_LISTING, seconds=_LONG_S)

    async def run(
        self,
        argv: Sequence[str],
        *,
        timeout_s: float,
        cwd: str = ".",
        env: Mapping[str, str] | None = None,
        merge: bool = False,
    ) -> ExecResult:
        """Run a command; its whole process tree is dead when this returns."""
        header = {
            "op": "run",
            "argv": list(argv),
            "timeout_s": timeout_s,
            "cwd": cwd,
            "env": {**self._environment, **(env or {})},
            "merge": merge,
            "output_bytes": self._output_bytes,
        }
        most = 2 * self._output_bytes + _MARKS
        return await self._call(header, parse=_exec_result, most=most, seconds=timeout_s)

    async def unpack(self, archive: bytes, *, path: str = ".") -> None:
        """Lay an uncompressed tar over a folder of the workspace; existing files are replaced."""
        await self._call({"op": "unpack", "path": path}, archive, parse=_nothing, seconds=_LONG_S)

    async def pack(self, *, exclude: Sequence[str] = (), limit: int = 64 << 20) -> bytes:
        """Return the workspace as a tar (links as links); `too_large` above `limit` bytes."""
        header = {"op": "pack", "exclude": list(exclude), "limit": limit}
        return await self._call(header, parse=_payload, most=limit, seconds=_LONG_S)

    async def close(self) -> None:
        """Kill everything and remove every trace; may be called twice."""
        self._lost = self._lost or "it was closed"
        if self._ending is None:
            self._ending = asyncio.ensure_future(self._end())
        await asyncio.shield(self._ending)

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        await self.close()

    async def _call(
        self,
        header: Mapping[str, Any],
        body: bytes = b"",
        *,
        parse: Callable[[_Reply, bytes], _T],
        most: int = 0,
        seconds: float = _QUICK_S,
    ) -> _T:
        """Send one request and return its parsed answer of at most `most` raw bytes."""
        text = json.dumps(header).encode()
        async with self._turn:
            if self._lost:
                raise self._gone()
            try:
                async with asyncio.timeout(seconds + _GRACE_S):
                    reply, payload = await self._exchange(text, body, most)
                fault = _fault(reply)
                result = None if fault else parse(reply, payload)
            except BaseException as error:
                # Whatever happened, half a frame may be under way: nothing can follow it.
                self._lost = _why(error, seconds + _GRACE_S)
                await self.close()
                if isinstance(error, _EXPECTED):
                    raise self._gone() from error
                raise
        if fault:
            raise fault
        return cast("_T", result)

    async def _exchange(self, text: bytes, body: bytes, most: int) -> tuple[_Reply, bytes]:
        """Send one frame and read one."""
        self._writer.write(_FRAME.pack(len(text), len(body)) + text + body)
        await self._writer.drain()
        header_size, size = _FRAME.unpack(await self._reader.readexactly(_FRAME.size))
        if header_size > _MAX_HEADER or size > most:
            raise Garbage
        frame = await self._reader.readexactly(header_size + size)
        reply = json.loads(frame[:header_size])
        if not isinstance(reply, dict):
            raise Garbage
        return reply, frame[header_size:]

    def _gone(self) -> SandboxLost:
        return SandboxLost(f"Sandbox {self._name} is gone: {self._lost}", next_step=_NEXT_STEP)
