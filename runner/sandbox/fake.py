"""A sandbox in memory with the same paths, limits and faults, for tests of what uses one."""

from __future__ import annotations

import io
import tarfile
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from runner.sandbox import toolbox
from runner.sandbox.base import Entry, ExecResult, Match, ToolFault
from testbed.errors import SandboxLost, SandboxUnavailable

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence
    from types import TracebackType
    from typing import Self

    from runner.sandbox.base import Dependencies, Progress, SandboxSpec

    Command = Callable[[Sequence[str]], ExecResult]


@dataclass(frozen=True)
class _Node:
    """A file (`data`), a link (`target`) or a folder (neither)."""

    data: bytes | None = None
    target: str | None = None
    executable: bool = False

    @property
    def kind(self) -> str:
        if self.data is not None:
            return "file"
        return "dir" if self.target is None else "link"


_WRONG_KIND = {"dir": "is_directory", "link": "is_link"}
_NOT_FOUND = 127


@contextmanager
def _faults() -> Iterator[None]:
    """Let the toolbox's faults out as the caller knows them."""
    try:
        yield
    except toolbox.Fault as fault:
        raise ToolFault(fault.code, str(fault)) from None
    except (UnicodeError, ValueError, tarfile.TarError) as error:
        raise ToolFault("bad_argument", str(error)) from None


class _Tree:
    """The workspace: path -> node, every folder listed."""

    def __init__(self, disk_bytes: int, empty: Sequence[str]) -> None:
        self.nodes: dict[str, _Node] = {folder: _Node() for folder in empty}
        self.disk_bytes = disk_bytes
        self.empty = empty

    def folder(self, parts: Sequence[str], *, create: bool = False) -> str:
        """Return a folder's prefix (empty or ending in `/`); no part may be a link."""
        for depth in range(1, len(parts) + 1):
            path = "/".join(parts[:depth])
            node = self.nodes.get(path)
            if node is None and create:
                self._admit(path)
                node = self.nodes[path] = _Node()
            if node is None:
                raise toolbox.Fault("not_found", f"{path}: No such file or directory")
            if node.kind != "dir":
                code = "is_link" if node.kind == "link" else "not_a_directory"
                raise toolbox.Fault(code, f"{path} is a {node.kind}")
        return "".join(f"{part}/" for part in parts)

    def load(self, path: str, limit: int) -> bytes:
        """Return a file's bytes."""
        parents, name = toolbox.split_file(path)
        node = self.nodes.get(self.folder(parents) + name)
        if node is None:
            raise toolbox.Fault("not_found", f"{path}: No such file or directory")
        if node.data is None:
            raise toolbox.Fault(_WRONG_KIND[node.kind], f"{path} is not a regular file")
        if len(node.data) > limit:
            raise toolbox.Fault("too_large", f"{path} has {len(node.data)} bytes")
        return node.data

    def store(self, parts: Sequence[str], node: _Node, *, over_links: bool = False) -> None:
        """Put a file or a link in place, parents included."""
        path = self.folder(parts[:-1], create=True) + parts[-1]
        there = self.nodes.get(path)
        if there and there.kind != "file" and not (over_links and there.kind == "link"):
            raise toolbox.Fault(_WRONG_KIND[there.kind], f"{path} is not a regular file")
        self._admit(path)
        used = sum(len(n.data or b"") for p, n in self.nodes.items() if p != path)
        if used + len(node.data or b"") > self.disk_bytes:
            raise toolbox.Fault("disk_full", f"{path}: No space left on device")
        self.nodes[path] = node

    def _admit(self, path: str) -> None:
        if path.partition("/")[0] in self.empty:
            raise toolbox.Fault("denied", f"{path}: Read-only file system")

    def below(self, prefix: str, depth: int) -> Iterator[tuple[str, _Node]]:
        """Yield what is below a folder in order, down to `depth`, usual folders not entered."""
        for path in sorted(self.nodes, key=lambda p: p.split("/")):
            inner = path.removeprefix(prefix).split("/")
            entered = not toolbox.UNENTERED.intersection(inner[:-1])
            if path.startswith(prefix) and len(inner) <= depth and entered:
                yield path, self.nodes[path]


class FakeSandbox:
    """One workspace in memory; commands are the engine's callables."""

    def __init__(self, spec: SandboxSpec, commands: Mapping[str, Command]) -> None:
        self.spec = spec
        self.closed = False
        self._commands = commands
        self._tree = _Tree(spec.limits.disk_bytes, spec.empty)

    @contextmanager
    def _open(self) -> Iterator[_Tree]:
        if self.closed:
            raise SandboxLost(f"Sandbox {self.spec.name} is gone: it was closed")
        with _faults():
            yield self._tree

    async def read(self, path: str, *, limit: int = 1 << 20) -> bytes:
        """Return a regular file's bytes; `too_large` above `limit`."""
        with self._open() as tree:
            return tree.load(path, limit)

    async def write(self, path: str, data: bytes) -> None:
        """Create or replace a regular file, parents included."""
        with self._open() as tree:
            parents, name = toolbox.split_file(path)
            there = tree.nodes.get("/".join([*parents, name]))
            tree.store([*parents, name], _Node(data, executable=bool(there and there.executable)))

    async def edit(self, path: str, old: str, new: str) -> int:
        """Replace `old`, which must occur exactly once; return the 1-based line it began on."""
        with self._open() as tree:
            before = tree.load(path, toolbox.MAX_EDITED)
            data, line = toolbox.substitute(before, old.encode(), new.encode(), path)
        await self.write(path, data)
        return line

    async def entries(self, path: str = ".", *, depth: int = 1, limit: int = 500) -> list[Entry]:
        """List entries below a folder, sorted; `.git`, `node_modules`, `.next` not entered."""
        with self._open() as tree:
            found = tree.below(tree.folder(toolbox.parts_of(path)), depth)
            entries = [
                Entry(path=path, kind=node.kind, size=len(node.data or b"")) for path, node in found
            ]
        return entries[:limit]

    async def search(
        self, pattern: str, *, path: str = ".", glob: str | None = None, limit: int = 100
    ) -> list[Match]:
        """Find lines matching a regular expression in text files."""
        with self._open() as tree:
            regex, literal = toolbox.compile_search(pattern)
            wanted = toolbox.glob_regex(glob or "**")
            matches = []
            for found, data in _files(tree, toolbox.parts_of(path)):
                name = found if "/" in (glob or "/") else found.rpartition("/")[2]
                if b"\0" in data or not wanted.fullmatch(name):
                    continue
                lines = toolbox.matching_lines(data.decode("utf-8", "replace"), regex, literal)
                matches += [Match(path=found, line=n, text=t[: toolbox.MAX_LINE]) for n, t in lines]
        return matches[:limit]

    async def run(
        self,
        argv: Sequence[str],
        *,
        timeout_s: float,
        cwd: str = ".",
        env: Mapping[str, str] | None = None,
        merge: bool = False,
    ) -> ExecResult:
        """Call the engine's command named `argv[0]`; 127 when there is none."""
        del timeout_s, env
        with self._open() as tree:
            tree.folder(toolbox.parts_of(cwd))
            if not argv:
                raise toolbox.Fault("bad_argument", "a command has at least a name")
        command = self._commands.get(argv[0], _unknown)
        result = command(argv)
        if merge:
            result = replace(result, stdout=result.stdout + result.stderr, stderr=b"")
        half = self.spec.limits.output_bytes // 2
        out, err = toolbox.Sink(half, half), toolbox.Sink(half, half)
        out.feed(result.stdout)
        err.feed(result.stderr)
        result = replace(result, stdout=out.result(), stderr=err.result())
        return replace(result, cut_bytes=result.cut_bytes + out.cut + err.cut)

    async def unpack(self, archive: bytes, *, path: str = ".") -> None:
        """Lay an uncompressed tar over a folder of the workspace; existing files are replaced."""
        with self._open() as tree, tarfile.open(fileobj=io.BytesIO(archive), mode="r:") as tar:
            base = toolbox.parts_of(path)
            for member in tar:
                if member.name.startswith("/"):
                    raise toolbox.Fault("outside_workspace", f"{member.name} is absolute")
                _unpack(tree, base + toolbox.parts_of(member.name), member, tar)

    async def pack(self, *, exclude: Sequence[str] = (), limit: int = 64 << 20) -> bytes:
        """Return the workspace as a tar (links as links); `too_large` above `limit` bytes."""
        file = io.BytesIO()
        with self._open() as tree, tarfile.open(fileobj=file, mode="w") as tar:
            unwanted = toolbox.glob_regex(*exclude, "**/.git/**")
            for path in sorted(tree.nodes, key=lambda p: p.split("/")):
                parents = path.split("/")
                heads = ("/".join(parents[:n]) for n in range(1, len(parents) + 1))
                if not any(unwanted.fullmatch(head) for head in heads):
                    _pack(tar, path, tree.nodes[path])
        with _faults():
            if file.tell() > limit:
                raise toolbox.Fault("too_large", "the workspace is larger than the limit")
        return file.getvalue()

    async def close(self) -> None:
        """Forget everything; may be called twice."""
        self.closed = True

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        await self.close()


class FakeEngine:
    """Starts sandboxes in memory.

    `commands` maps a program's name to what stands in for it: a call with the whole argv that
    returns an `ExecResult`. `sandboxes` holds all that were started.
    """

    name = "fake"
    weaker = "fake sandbox: nothing is run"

    def __init__(self, commands: Mapping[str, Command] | None = None) -> None:
        self._commands = dict(commands or {})
        self.sandboxes: list[FakeSandbox] = []

    async def prepare(self, dependencies: Dependencies, progress: Progress) -> str:
        """Return a name; there is nothing to build."""
        progress("nothing to build")
        return f"fake-{dependencies.digest}"

    async def start(self, spec: SandboxSpec) -> FakeSandbox:
        """Start a sandbox with an empty workspace, ready for the first call."""
        if not spec.image.startswith("fake-"):
            raise SandboxUnavailable(f"The image {spec.image} is not prepared")
        self.sandboxes.append(FakeSandbox(spec, self._commands))
        return self.sandboxes[-1]

    async def clean(self, run_id: str | None = None) -> int:
        """Close what is open of a run, or of all; return how many that were."""
        strays = [s for s in self.sandboxes if not s.closed and run_id in (None, s.spec.run_id)]
        for sandbox in strays:
            await sandbox.close()
        return len(strays)


def _unknown(argv: Sequence[str]) -> ExecResult:
    stderr = f"{argv[0]}: command not found\n".encode()
    return ExecResult(
        exit_code=_NOT_FOUND, stdout=b"", stderr=stderr, cut_bytes=0, timed_out=False, seconds=0.0
    )


def _files(tree: _Tree, parts: Sequence[str]) -> Iterator[tuple[str, bytes]]:
    """Yield the file at a path, or all below the folder there."""
    path = "/".join(parts)
    node = tree.nodes.get(path)
    if node and node.data is not None:
        yield path, node.data
        return
    for found, inner in tree.below(tree.folder(parts), toolbox.MAX_DEPTH):
        if inner.data is not None:
            yield found, inner.data


def _unpack(tree: _Tree, parts: list[str], member: tarfile.TarInfo, tar: tarfile.TarFile) -> None:
    if member.isdir():
        tree.folder(parts, create=True)
    elif member.issym():
        tree.store(parts, _Node(target=member.linkname), over_links=True)
    elif member.isreg() and (source := tar.extractfile(member)):
        node = _Node(source.read(), executable=bool(member.mode & 0o100))
        tree.store(parts, node, over_links=True)
    else:
        raise toolbox.Fault("bad_argument", f"{member.name} is no file, folder or link")


def _pack(tar: tarfile.TarFile, path: str, node: _Node) -> None:
    info = tarfile.TarInfo(path)
    info.type = {"dir": tarfile.DIRTYPE, "link": tarfile.SYMTYPE}.get(node.kind, tarfile.REGTYPE)
    info.mode = 0o755 if node.executable or node.kind == "dir" else 0o644
    info.linkname = node.target or ""
    info.size = len(node.data or b"")
    tar.addfile(info, io.BytesIO(node.data or b""))
