"""The seam between trials and the place where their commands run."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from types import TracebackType
    from typing import Self


@dataclass(frozen=True, kw_only=True)
class Limits:
    """What one sandbox may use. Bytes, cores, processes."""

    memory_bytes: int = 2 * 1024**3
    cpus: float = 2.0
    pids: int = 256
    disk_bytes: int = 1024**3
    output_bytes: int = 256 * 1024
    """Kept of each output stream of one command: half from its head, half from its tail."""


@dataclass(frozen=True, kw_only=True)
class SandboxSpec:
    """One sandbox to be started."""

    run_id: str
    name: str
    """Readable and unique within the run, e.g. `agent-oracle-docx-upload-1`."""
    image: str
    """What `Engine.prepare` returned."""
    environment: Mapping[str, str] = field(default_factory=dict)
    limits: Limits = field(default_factory=Limits)
    empty: tuple[str, ...] = ()
    """Folders at the top of the workspace that are there and stay empty, whatever runs."""


@dataclass(frozen=True, kw_only=True)
class ExecResult:
    """The outcome of one command inside the sandbox."""

    exit_code: int | None
    """`None` when the command was killed at its deadline; negative for a signal."""
    stdout: bytes
    stderr: bytes
    """Empty when the streams were merged."""
    cut_bytes: int
    """Bytes dropped from the middle of the outputs; a marker line stands in their place."""
    timed_out: bool
    seconds: float


@dataclass(frozen=True, kw_only=True)
class Entry:
    """One file or folder below the workspace."""

    path: str
    kind: str
    """file, dir, link or other."""
    size: int


@dataclass(frozen=True, kw_only=True)
class Match:
    """One line found by a search."""

    path: str
    line: int
    text: str


class ToolFault(Exception):
    """The caller's precondition did not hold: a fact for the model, never infrastructure.

    `code` is one of: outside_workspace, not_found, is_directory, not_a_directory, is_link,
    not_a_file, too_large, not_text, old_text_not_found, old_text_not_unique, bad_pattern,
    disk_full, denied, bad_argument.
    """

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code


class Sandbox(Protocol):
    """A running sandbox. Paths are relative to the workspace (or absolute below it).

    Every method raises `ToolFault` when the caller's precondition does not hold and
    `testbed.errors.SandboxLost` when the sandbox itself is gone.
    """

    async def read(self, path: str, *, limit: int = 1 << 20) -> bytes:
        """Return a regular file's bytes; `too_large` above `limit`."""
        ...

    async def write(self, path: str, data: bytes) -> None:
        """Create or replace a regular file, parents included."""
        ...

    async def edit(self, path: str, old: str, new: str) -> int:
        """Replace `old`, which must occur exactly once; return the 1-based line it began on."""
        ...

    async def entries(self, path: str = ".", *, depth: int = 1, limit: int = 500) -> list[Entry]:
        """List entries below a folder, sorted; `.git`, `node_modules`, `.next` not entered."""
        ...

    async def search(
        self, pattern: str, *, path: str = ".", glob: str | None = None, limit: int = 100
    ) -> list[Match]:
        """Find lines matching a regular expression in text files."""
        ...

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
        ...

    async def unpack(self, archive: bytes, *, path: str = ".") -> None:
        """Lay an uncompressed tar over a folder of the workspace; existing files are replaced."""
        ...

    async def pack(self, *, exclude: Sequence[str] = (), limit: int = 64 << 20) -> bytes:
        """Return the workspace as a tar (links as links); `too_large` above `limit` bytes.

        `exclude` holds globs relative to the workspace (`.next/**`); `.git` is always left out.
        """
        ...

    async def close(self) -> None:
        """Kill everything and remove every trace; may be called twice."""
        ...

    async def __aenter__(self) -> Self:
        """Enter with the sandbox running."""
        ...

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Close it."""
        ...


@dataclass(frozen=True, kw_only=True)
class Dependencies:
    """What the fixture brings into the sandbox, already on the host."""

    node_modules: str
    """Host folder holding the pruned packages; becomes /ws/node_modules, read-only."""
    digest: str
    """Keyed by lockfile, package.json, prune list and Node version."""


class Engine(Protocol):
    """A way to start sandboxes: docker, local or fake."""

    name: str
    weaker: str
    """One line on what is weaker than Docker; empty for Docker."""

    async def prepare(self, dependencies: Dependencies, progress: Progress) -> str:
        """Build what sandboxes need, or reuse it; return the image's name (content-hashed)."""
        ...

    async def start(self, spec: SandboxSpec) -> Sandbox:
        """Start a sandbox with an empty workspace /ws/app, ready for the first call."""
        ...

    async def clean(self, run_id: str | None = None) -> int:
        """Remove strays of a run (of every run whose owner process is dead when `None`)."""
        ...


class Progress(Protocol):
    """Told what is being built, for people who wait."""

    def __call__(self, message: str, /) -> None:
        """Show one line."""
        ...
