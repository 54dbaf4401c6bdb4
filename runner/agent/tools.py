"""The seven tools on a sandbox, and how far each call got through the funnel."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from time import perf_counter
from typing import TYPE_CHECKING, Any, Final

from runner.agent.judge import judge
from runner.agent.schemas import LIST_DEPTH, READ_LINES, SHELL_TIMEOUT_S
from runner.agent.words import capped, listing, matches, numbered, shell_report
from runner.chat.calls import whole_text
from runner.sandbox.base import ToolFault
from testbed.records import Stage, ToolCall

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from runner.chat.base import EmittedCall
    from runner.sandbox.base import Sandbox

OUTPUT_BYTES: Final = 16 * 1024
"""Most of one result that the model is shown."""
ENTRIES: Final = 500
MATCHES: Final = 100


@dataclass(frozen=True, kw_only=True)
class Result:
    """What a tool returned."""

    text: str
    changed: bool | None = None
    """Whether the tree is another one; `None` where only the answer tells."""
    fact: str | None = None
    """The part of the text that can repeat; `None` for all of it."""


class Tools:
    """The tools of one trial. `SandboxLost` passes through: it is never a result."""

    def __init__(
        self,
        sandbox: Sandbox,
        *,
        output_bytes: int = OUTPUT_BYTES,
        clock: Callable[[], float] = perf_counter,
    ) -> None:
        self._sandbox = sandbox
        self._output_bytes = output_bytes
        self._clock = clock
        self._seen: set[bytes] = set()
        self._tools: dict[str, Callable[..., Awaitable[Result]]] = {
            "read_file": self._read_file,
            "write_file": self._write_file,
            "edit_file": self._edit_file,
            "list_files": self._list_files,
            "search": self._search,
            "shell": self._shell,
            "finish": self._finish,
        }

    async def dispatch(self, call: EmittedCall, *, at_most_s: float | None = None) -> ToolCall:
        """Judge a call and run it if it may run; a shell command gets `at_most_s` seconds."""
        judged = judge(call)
        if judged.cause is not None:
            return self._booked(call, judged.stage, judged.cause, judged.advice)
        arguments = dict(judged.arguments)
        if call.name == "shell" and at_most_s is not None:
            wanted = arguments.get("timeout_s", SHELL_TIMEOUT_S)
            arguments["timeout_s"] = min(wanted, max(at_most_s, 1.0))
        start = self._clock()
        reached: tuple[Stage, str | None]
        try:
            _demand_text(judged.arguments)
            result = await self._tools[call.name](**arguments)
        except ToolFault as fault:
            reached = Stage.SCHEMA_VALID, f"precondition_failed:{fault.code}"
            text = f"Error ({fault.code}): {fault}"
        else:
            reached = self._effect(call.name, judged.arguments, result)
            text = result.text
        return self._booked(call, *reached, text, seconds=self._clock() - start)

    def _effect(
        self, name: str, arguments: dict[str, Any], result: Result
    ) -> tuple[Stage, str | None]:
        """Decide between effective and repeated."""
        said = [name, arguments, result.text if result.fact is None else result.fact]
        key = hashlib.sha256(json.dumps(said, sort_keys=True).encode()).digest()
        fresh = key not in self._seen if result.changed is None else result.changed
        self._seen.add(key)
        return (Stage.EFFECTIVE, None) if fresh else (Stage.EXECUTABLE, "repeated")

    def _booked(
        self, call: EmittedCall, stage: Stage, cause: str | None, text: str, seconds: float = 0.0
    ) -> ToolCall:
        return ToolCall(
            id=call.id,
            name=call.name,
            raw_arguments=call.raw_arguments,
            stage=stage,
            cause=cause,
            seconds=seconds,
            result=capped(whole_text(text), self._output_bytes),
        )

    async def _read_file(self, path: str, offset: int = 1, limit: int = READ_LINES) -> Result:
        text = _decoded(await self._sandbox.read(path), path)
        lines = numbered(text, int(offset), int(limit), self._output_bytes)
        return Result(text=lines)

    async def _write_file(self, path: str, content: str) -> Result:
        data = content.encode()
        before = await self._current(path)
        await self._sandbox.write(path, data)
        how = "created" if before is None else "unchanged" if before == data else "replaced"
        return Result(text=f"{how} {path} ({len(data)} bytes)", changed=before != data)

    async def _current(self, path: str) -> bytes | None:
        """Return what a file holds before it is written; `None` if that cannot be read."""
        try:
            return await self._sandbox.read(path)
        except ToolFault:
            return None

    async def _edit_file(self, path: str, old_text: str, new_text: str) -> Result:
        line = await self._sandbox.edit(path, old_text, new_text)
        changed = old_text != new_text
        how = "edited" if changed else "unchanged (old and new text are the same):"
        return Result(text=f"{how} {path}, line {line}", changed=changed)

    async def _list_files(self, path: str = ".", depth: int = LIST_DEPTH) -> Result:
        entries = await self._sandbox.entries(path, depth=int(depth), limit=ENTRIES)
        return Result(text=listing(entries, ENTRIES))

    async def _search(self, pattern: str, path: str = ".", glob: str | None = None) -> Result:
        found = await self._sandbox.search(pattern, path=path, glob=glob, limit=MATCHES)
        return Result(text=matches(found, MATCHES))

    async def _shell(self, command: str, timeout_s: float = SHELL_TIMEOUT_S) -> Result:
        done = await self._sandbox.run(("bash", "-c", command), timeout_s=timeout_s, merge=True)
        how, output = shell_report(done, timeout_s, self._output_bytes)
        fact = f"{done.exit_code} {done.timed_out}\n{output}"
        return Result(text=f"{how}\n{output}", fact=fact)

    async def _finish(self, summary: str) -> Result:
        return Result(text=f"finished: {summary}", changed=True)


def _demand_text(arguments: dict[str, Any]) -> None:
    """Refuse what no file or command line can hold."""
    for name, value in arguments.items():
        if not isinstance(value, str):
            continue
        if whole_text(value) != value:
            raise ToolFault("bad_argument", f"{name} holds half of a surrogate pair")
        if "\0" in value and name not in ("content", "old_text", "new_text"):
            raise ToolFault("bad_argument", f"{name} holds a NUL character")


def _decoded(data: bytes, path: str) -> str:
    try:
        return data.decode()
    except UnicodeDecodeError:
        raise ToolFault("not_text", f"{path} is not UTF-8 text ({len(data)} bytes)") from None
