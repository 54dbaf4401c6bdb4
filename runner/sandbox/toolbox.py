# ruff: noqa: ANN401  (tarfile is imported only where it is needed, as it costs 10 ms)
"""The process that serves a sandbox from inside it: PID 1, standard library only.

Requests and replies are frames over stdin and stdout: two big-endian 32-bit lengths, a JSON
header and raw bytes. One request is served at a time. Reading, writing and editing happen here;
everything that may take long or grow (commands, searches, archives) happens in another process.
When that ends, or is late, every process but this one is killed and reaped, so nothing outlives
a call. The end of stdin ends this process and, with it, the sandbox.

Every path is walked component by component from the workspace's own descriptor and links are
never followed, so neither a link nor one swapped in during the walk leads outside.
"""

from __future__ import annotations

import ctypes
import errno
import io
import json
import os
import re
import resource
import select
import signal
import stat
import struct
import sys
import time
from collections import deque
from contextlib import suppress
from importlib import import_module

TYPE_CHECKING = False  # importing typing would take a fifth of the start

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator
    from typing import Any, NoReturn

WORKSPACE = "/ws/app"
UNENTERED = frozenset({".git", "node_modules", ".next"})
PATH = "/opt/node/bin:/usr/local/bin:/usr/bin:/bin"
ENVIRONMENT = {
    "PATH": PATH,
    "HOME": "/tmp",  # noqa: S108  (private to the sandbox and wiped with it)
    "LANG": "C.UTF-8",
    "USER": "app",
    "SHELL": "/bin/bash",
    "TERM": "dumb",
}
FRAME = struct.Struct(">II")
CHUNK = 1 << 16
MAX_FRAME = 256 << 20
MAX_EDITED = 8 << 20
MAX_SEARCHED = 2 << 20
MAX_LINE = 500
MAX_DEPTH = 128
WORK_SECONDS = 60.0
SEARCH_SECONDS = 10.0
PR_SET_DUMPABLE = 4
FAULTS = {
    errno.ENOENT: "not_found",
    errno.ELOOP: "is_link",
    errno.ENOTDIR: "not_a_directory",
    errno.EISDIR: "is_directory",
    errno.ENXIO: "not_a_file",
    errno.EACCES: "denied",
    errno.EPERM: "denied",
    errno.EROFS: "denied",
    errno.ENOSPC: "disk_full",
    errno.EDQUOT: "disk_full",
    errno.EFBIG: "too_large",
}


class Fault(Exception):
    """A precondition of the caller's that did not hold."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code


def explain(error: OSError, path: str) -> Fault:
    """Turn an error of the file system into a fault about `path`."""
    reason = os.strerror(error.errno) if error.errno else str(error)
    return Fault(FAULTS.get(error.errno or 0, "bad_argument"), f"{path}: {reason}")


EXPECTED = (Fault, OSError, ValueError, TypeError, MemoryError, RecursionError)


def as_reply(error: Exception) -> dict[str, Any]:
    """Tell the caller what was wrong with its request."""
    if isinstance(error, OSError):
        error = explain(error, "workspace")
    if isinstance(error, (MemoryError, RecursionError)):
        error = Fault("too_large", "this needs too much memory")
    code = error.code if isinstance(error, Fault) else "bad_argument"
    return {"fault": code, "message": str(error)}


# ---------------------------------------------------------------- paths


def parts_of(path: str) -> list[str]:
    """Split a path, relative to the workspace or absolute below it, into its components."""
    if "\0" in path or len(path) > 4096:  # noqa: PLR2004  (PATH_MAX)
        raise Fault("bad_argument", "a path has at most 4096 characters and no NUL")
    shown = path
    if path.startswith("/"):
        if path != WORKSPACE and not path.startswith(WORKSPACE + "/"):
            raise Fault("outside_workspace", f"{shown} is outside the workspace {WORKSPACE}")
        path = path[len(WORKSPACE) :]
    parts: list[str] = []
    for part in path.split("/"):
        if part == "..":
            if not parts:
                raise Fault("outside_workspace", f"{shown} leads out of the workspace {WORKSPACE}")
            parts.pop()
        elif part not in ("", "."):
            parts.append(part)
    return parts


def kind_of(mode: int) -> str:
    """Name a file type: file, dir, link or other."""
    if stat.S_ISREG(mode):
        return "file"
    if stat.S_ISDIR(mode):
        return "dir"
    return "link" if stat.S_ISLNK(mode) else "other"


def kind_at(folder: int, name: str) -> str | None:
    """Say what `name` in an open folder is, without following it; `None` when absent."""
    try:
        return kind_of(os.stat(name, dir_fd=folder, follow_symlinks=False).st_mode)
    except FileNotFoundError:
        return None


FOLDER_FLAGS = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
FILE_FLAGS = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
NEW_FLAGS = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC


def open_step(folder: int, name: str, shown: str, *, create: bool) -> int:
    """Open one folder inside an open one."""
    try:
        if create:
            with suppress(FileExistsError):
                os.mkdir(name, 0o755, dir_fd=folder)
        return os.open(name, FOLDER_FLAGS, dir_fd=folder)
    except OSError as error:
        # O_DIRECTORY reports a link as "not a directory".
        if error.errno == errno.ENOTDIR and kind_at(folder, name) == "link":
            raise Fault("is_link", f"{shown}: {name} is a symbolic link") from None
        raise explain(error, shown) from None


def open_folder(parts: Iterable[str], *, create: bool = False) -> int:
    """Open a folder of the workspace, no component of its path being a link."""
    parts = list(parts)
    shown = "/".join(parts) or "."
    folder = os.open(WORKSPACE, FOLDER_FLAGS)
    for part in parts:
        try:
            inner = open_step(folder, part, shown, create=create)
        finally:
            os.close(folder)
        folder = inner
    return folder


def split_file(path: str) -> tuple[list[str], str]:
    """Split a file's path into its folder's parts and its name."""
    parts = parts_of(path)
    if not parts or path.endswith("/"):
        raise Fault("is_directory", f"{path} is a folder")
    return parts[:-1], parts[-1]


def open_file(folder: int, name: str, shown: str) -> tuple[int, os.stat_result]:
    """Open a regular file inside an open folder for reading."""
    try:
        fd = os.open(name, FILE_FLAGS, dir_fd=folder)
    except OSError as error:
        raise explain(error, shown) from None
    info = os.fstat(fd)
    kind = kind_of(info.st_mode)
    if kind != "file":
        os.close(fd)
        code = "is_directory" if kind == "dir" else "not_a_file"
        raise Fault(code, f"{shown} is not a regular file")
    return fd, info


def read_fd(fd: int, limit: int) -> bytes:
    """Read to the end, at most `limit` bytes."""
    pieces = []
    while limit > 0 and (piece := os.read(fd, min(limit, 1 << 20))):
        pieces.append(piece)
        limit -= len(piece)
    return b"".join(pieces)


def write_fd(fd: int, data: bytes | memoryview) -> None:
    """Write all of `data`."""
    view = memoryview(data)
    while view:
        view = view[os.write(fd, view) :]


def load(path: str, limit: int) -> bytes:
    """Return a regular file's bytes."""
    parents, name = split_file(path)
    folder = open_folder(parents)
    try:
        fd, info = open_file(folder, name, path)
        try:
            if info.st_size > limit:
                raise Fault("too_large", f"{path} has {info.st_size} bytes, the limit is {limit}")
            return read_fd(fd, limit)
        finally:
            os.close(fd)
    finally:
        os.close(folder)


def replaceable_mode(folder: int, name: str, shown: str) -> int:
    """Return the mode a file is to be written with; only regular files may be replaced."""
    try:
        mode = os.stat(name, dir_fd=folder, follow_symlinks=False).st_mode
    except FileNotFoundError:
        return 0o644
    except OSError as error:
        raise explain(error, shown) from None
    kind = kind_of(mode)
    if kind == "file":
        return stat.S_IMODE(mode)
    code = {"dir": "is_directory", "link": "is_link"}.get(kind, "not_a_file")
    raise Fault(code, f"{shown} is not a regular file")


def store_at(folder: int, name: str, shown: str, data: bytes, mode: int) -> None:
    """Write a file beside its place, then move it there: the old one stays until then."""
    part = f".testbed-{os.urandom(6).hex()}"
    try:
        fd = os.open(part, NEW_FLAGS, 0o600, dir_fd=folder)
        try:
            write_fd(fd, data)
            os.fchmod(fd, mode)
        finally:
            os.close(fd)
        os.rename(part, name, src_dir_fd=folder, dst_dir_fd=folder)
    except OSError as error:
        with suppress(OSError):
            os.unlink(part, dir_fd=folder)
        raise explain(error, shown) from None


def store(path: str, data: bytes) -> None:
    """Create or replace a regular file, parents included."""
    parents, name = split_file(path)
    folder = open_folder(parents, create=True)
    try:
        store_at(folder, name, path, data, replaceable_mode(folder, name, path))
    finally:
        os.close(folder)


def substitute(data: bytes, old: bytes, new: bytes, shown: str) -> tuple[bytes, int]:
    """Replace the only occurrence of `old`; return the result and the line it began on."""
    if not old:
        raise Fault("bad_argument", "the text to replace is empty")
    if b"\0" in data:
        raise Fault("not_text", f"{shown} is not a text file")
    at = data.find(old)
    if at < 0:
        raise Fault("old_text_not_found", f"the text to replace does not occur in {shown}")
    if data.find(old, at + 1) >= 0:
        raise Fault("old_text_not_unique", f"the text to replace occurs more than once in {shown}")
    return data[:at] + new + data[at + len(old) :], data.count(b"\n", 0, at) + 1


# ---------------------------------------------------------------- listing and searching

GLOB_TOKEN = re.compile(r"\*\*/|/\*\*$|\*\*|\*|\?|\[!?[^\]/]+\]|\{[^{}]*\}|.", re.DOTALL)
GLOB_WORDS = {"**/": "(?:.*/)?", "/**": "(?:/.*)?", "**": ".*", "*": "[^/]*", "?": "[^/]"}


def glob_source(glob: str) -> str:
    """Translate a glob (`**` crosses folders, `{a,b}` alternates) into a regular expression."""
    pieces = []
    for token in GLOB_TOKEN.findall(glob):
        if token in GLOB_WORDS:
            pieces.append(GLOB_WORDS[token])
        elif len(token) > 1 and token[0] == "{":
            pieces.append("(?:" + "|".join(map(glob_source, token[1:-1].split(","))) + ")")
        elif len(token) > 1 and token[0] == "[":
            inner = token[1:-1].replace("\\", r"\\")
            pieces.append("[" + ("^" + inner[1:] if inner[0] == "!" else inner) + "]")
        else:
            pieces.append(re.escape(token))
    return "".join(pieces)


def glob_regex(*globs: str) -> re.Pattern[str]:
    """Compile globs over paths with `/` into one pattern for `fullmatch`."""
    try:
        return re.compile("|".join(f"(?:{glob_source(g)})" for g in globs) or r"(?!)", re.DOTALL)
    except re.error as error:
        raise Fault("bad_pattern", f"bad glob: {error}") from None


def walk(
    folder: int, prefix: str, enter: Callable[[str, str], bool], depth: int
) -> Iterator[tuple[int, str, str, str]]:
    """Yield (folder, name, path, kind) below an open folder in order, links not followed."""
    try:
        with os.scandir(folder) as found:
            names = sorted((entry.name, entry_kind(entry)) for entry in found)
    except OSError as error:
        raise explain(error, prefix or ".") from None
    for name, kind in names:
        path = prefix + name
        yield folder, name, path, kind
        if kind != "dir" or depth <= 1 or not enter(name, path):
            continue
        try:
            inner = open_step(folder, name, path, create=False)
        except Fault:  # not readable by its owner: nothing to see
            continue
        try:
            yield from walk(inner, path + "/", enter, depth - 1)
        finally:
            os.close(inner)


def entry_kind(entry: os.DirEntry[str]) -> str:
    """Name a folder entry's type without a look at the file where the folder knows it."""
    if entry.is_symlink():
        return "link"
    if entry.is_dir(follow_symlinks=False):
        return "dir"
    return "file" if entry.is_file(follow_symlinks=False) else "other"


def usual(name: str, _path: str) -> bool:
    """Enter every folder but those that hold other people's files."""
    return name not in UNENTERED


def op_entries(path: str, depth: int, limit: int) -> list[tuple[str, str, int]]:
    """List entries below a folder as (path, kind, size)."""
    parts = parts_of(path)
    folder = open_folder(parts)
    found: list[tuple[str, str, int]] = []
    prefix = "".join(part + "/" for part in parts)
    for parent, name, shown, kind in walk(folder, prefix, usual, min(depth, MAX_DEPTH)):
        if len(found) >= limit:
            break
        size = os.stat(name, dir_fd=parent, follow_symlinks=False).st_size
        found.append((shown, kind, size if kind == "file" else 0))
    os.close(folder)
    return found


def needed_literal(pattern: str) -> str:
    """Return the longest text that every match must contain, or nothing when unsure."""
    try:
        parsed = import_module("re._parser").parse(pattern)
        literal = import_module("re._constants").LITERAL
    except (ImportError, AttributeError, re.error, OverflowError, RecursionError):
        return ""
    if parsed.state.flags & re.IGNORECASE:
        return ""
    runs = [""]
    for kind, value in parsed:
        runs[-1:] = [runs[-1] + chr(value)] if kind is literal else [runs[-1], ""]
    longest = max(runs, key=len)
    return "" if "\n" in longest else longest


def compile_search(pattern: str) -> tuple[re.Pattern[str], str]:
    """Compile a search and find the literal that its matches contain."""
    try:
        return re.compile(pattern), needed_literal(pattern)
    except (re.error, OverflowError, RecursionError) as error:
        raise Fault("bad_pattern", f"bad regular expression: {error}") from None


def matching_lines(text: str, regex: re.Pattern[str], literal: str) -> Iterator[tuple[int, str]]:
    """Yield (1-based line, text) for each matching line; only lines with `literal` are tried."""
    at, line, end = 0, 1, len(text)
    while at < end:
        hit = text.find(literal, at)
        if hit < 0:
            return
        start = text.rfind("\n", at, hit) + 1 or at
        stop = text.find("\n", hit)
        stop = end if stop < 0 else stop
        line += text.count("\n", at, start)
        row = text[start:stop].rstrip("\r")
        if regex.search(row):
            yield line, row
        at, line = stop + 1, line + 1


def searchable(folder: int, name: str) -> bytes:
    """Return a file's bytes, or nothing for what is not text, too large or not readable."""
    try:
        fd = os.open(name, FILE_FLAGS, dir_fd=folder)
    except OSError:
        return b""
    try:
        size = os.fstat(fd).st_size
        data = os.read(fd, size) if size <= MAX_SEARCHED else b""
    except OSError:
        data = b""
    finally:
        os.close(fd)
    return b"" if b"\0" in data[:8192] else data


def files_under(path: str) -> Iterator[tuple[int, str, str]]:
    """Yield (folder, name, path) of the file at `path`, or of all below the folder there."""
    parts = parts_of(path)
    if parts:
        folder = open_folder(parts[:-1])
        kind = kind_at(folder, parts[-1])
        if kind == "file":
            yield folder, parts[-1], "/".join(parts)
        os.close(folder)
        if kind == "file":
            return
    folder = open_folder(parts)
    prefix = "".join(part + "/" for part in parts)
    for parent, name, shown, kind in walk(folder, prefix, usual, MAX_DEPTH):
        if kind == "file":
            yield parent, name, shown
    os.close(folder)


def op_search(pattern: str, path: str, glob: str | None, limit: int) -> list[tuple[str, int, str]]:
    """Find matching lines as (path, line, text), long lines cut."""
    regex, literal = compile_search(pattern)
    wanted = glob_regex(glob) if glob else None
    needle = literal.encode("utf-8", "surrogateescape")
    found: list[tuple[str, int, str]] = []
    for folder, name, shown in files_under(path):
        if wanted and not wanted.fullmatch(shown if glob and "/" in glob else name):
            continue
        data = searchable(folder, name)
        if not data or needle not in data:
            continue
        for line, row in matching_lines(data.decode("utf-8", "replace"), regex, literal):
            found.append((shown, line, row[:MAX_LINE]))
            if len(found) >= limit:
                return found
    return found


# ---------------------------------------------------------------- archives


class Output:
    """A write-only file over the worker's result pipe that stops at a limit."""

    def __init__(self, fd: int, limit: int) -> None:
        self.fd = fd
        self.left = limit

    def write(self, data: bytes) -> int:
        """Pass `data` on."""
        self.left -= len(data)
        if self.left < 0:
            raise Fault("too_large", "the workspace is larger than the limit")
        write_fd(self.fd, data)
        return len(data)


def op_pack(exclude: list[str], limit: int, fd: int) -> None:
    """Write the workspace as a tar of files, folders and links, the same for the same content."""
    import tarfile  # slow to import

    unwanted = glob_regex(*exclude)

    def entered(name: str, path: str) -> bool:
        if path.count("/") >= MAX_DEPTH - 1:
            raise Fault("too_large", f"the workspace has more than {MAX_DEPTH} nested folders")
        return name != ".git" and not unwanted.fullmatch(path)

    output = Output(fd, limit)
    with tarfile.open(fileobj=output, mode="w|", format=tarfile.PAX_FORMAT) as tar:  # type: ignore[call-overload]  # needs only `write`
        for folder, name, path, kind in walk(open_folder([]), "", entered, MAX_DEPTH + 1):
            if kind != "other" and name != ".git" and not unwanted.fullmatch(path):
                pack_member(tar, tarfile.TarInfo(path), folder, name, output)


def pack_member(tar: Any, info: Any, folder: int, name: str, output: Output) -> None:
    """Add one file, folder or link; what its owner may not read is made readable first."""
    status = os.stat(name, dir_fd=folder, follow_symlinks=False)
    info.mode = 0o755 if status.st_mode & 0o100 else 0o644
    kind = kind_of(status.st_mode)
    if kind == "link":
        info.type, info.mode, info.linkname = b"2", 0o777, os.readlink(name, dir_fd=folder)
        tar.addfile(info)
        return
    needed = 0o500 if kind == "dir" else 0o400
    if status.st_mode & needed != needed:  # nothing else runs now: it is no link yet
        os.chmod(name, stat.S_IMODE(status.st_mode) | needed, dir_fd=folder)
    if kind == "dir":
        info.type, info.mode = b"5", 0o755
        tar.addfile(info)
        return
    info.size = status.st_size
    if info.size > output.left:
        raise Fault("too_large", f"{info.name} has {info.size} bytes, more than the limit allows")
    with os.fdopen(open_file(folder, name, info.name)[0], "rb") as file:
        tar.addfile(info, file)


def op_unpack(path: str, archive: Any) -> None:
    """Lay an uncompressed tar over a folder."""
    import tarfile  # slow to import

    base = parts_of(path)
    os.close(open_folder(base, create=True))
    try:
        with tarfile.open(fileobj=archive, mode="r|") as tar:
            for member in tar:
                unpack_member(base, member, tar)
    except tarfile.TarError as error:
        raise Fault("bad_argument", f"not an uncompressed tar: {error}") from None


def unpack_member(base: list[str], member: Any, tar: Any) -> None:
    """Create one member below `base`."""
    if member.name.startswith("/"):
        raise Fault("outside_workspace", f"{member.name} is an absolute path")
    inner = parts_of(member.name)
    shown = "/".join(base + inner)
    if member.isdir():
        os.close(open_folder(base + inner, create=True))
        return
    if not inner or not (member.isreg() or member.issym()):
        raise Fault("bad_argument", f"{shown} is neither a file, a folder nor a symbolic link")
    folder = open_folder(base + inner[:-1], create=True)
    try:
        if kind_at(folder, inner[-1]) == "dir":
            raise Fault("is_directory", f"{shown} is a folder")
        if member.issym():
            link_at(folder, inner[-1], shown, member.linkname)
        else:
            mode = 0o755 if member.mode & 0o100 else 0o644
            store_at(folder, inner[-1], shown, tar.extractfile(member).read(), mode)
    finally:
        os.close(folder)


def link_at(folder: int, name: str, shown: str, target: str) -> None:
    """Put a symbolic link in place of whatever file is there."""
    try:
        with suppress(FileNotFoundError):
            os.unlink(name, dir_fd=folder)
        os.symlink(target, name, dir_fd=folder)
    except OSError as error:
        raise explain(error, shown) from None


# ---------------------------------------------------------------- work in other processes


class Sink:
    """Keeps the head and the tail of a stream, whatever its length."""

    def __init__(self, head: int, tail: int) -> None:
        self.room = head
        self.tail_limit = tail
        self.head: list[bytes] = []
        self.tail: deque[bytes] = deque()
        self.tail_size = 0
        self.cut = 0

    def feed(self, data: bytes) -> None:
        """Take the next piece."""
        if self.room:
            self.head.append(data[: self.room])
            data, self.room = data[self.room :], self.room - len(self.head[-1])
        if not data:
            return
        self.tail.append(data)
        self.tail_size += len(data)
        while self.tail and self.tail_size - len(self.tail[0]) >= self.tail_limit:
            dropped = self.tail.popleft()
            self.tail_size -= len(dropped)
            self.cut += len(dropped)

    def result(self) -> bytes:
        """Return what was kept, with a line that says what is missing."""
        tail = b"".join(self.tail)
        extra = len(tail) - self.tail_limit
        if extra > 0:
            tail, self.cut = tail[extra:], self.cut + extra
        mark = b"\n[... %d bytes cut ...]\n" % self.cut if self.cut else b""
        return b"".join(self.head) + mark + tail


def do_job(job: dict[str, Any], body: bytes, out_w: int) -> None:
    """Do one of the longer operations; its result goes to `out_w`."""
    op = job.pop("op")
    if op == "pack":
        op_pack(fd=out_w, **job)
    elif op == "unpack":
        op_unpack(archive=io.BytesIO(body), **job)
    else:
        result = op_search(**job) if op == "search" else op_entries(**job)
        write_fd(out_w, json.dumps(result).encode())


def work_and_end(job: dict[str, Any], body: bytes, out_w: int, err_w: int) -> NoReturn:
    """Do a job in a forked process and end, whatever happens; a fault goes to `err_w`."""
    # Its own files in /proc belong to root until it may be dumped.
    ctypes.CDLL(None).prctl(PR_SET_DUMPABLE, 1, 0, 0, 0)
    die_first(os.getpid())
    try:
        do_job(job, body, out_w)
    except EXPECTED as error:
        write_fd(err_w, json.dumps(as_reply(error)).encode())
    finally:
        os._exit(0)


def die_first(pid: int) -> None:
    """When memory ends, it ends for this process and its children, not for the toolbox."""
    with suppress(OSError), open(f"/proc/{pid}/oom_score_adj", "w") as score:  # noqa: PTH123  (pathlib costs 10 ms at start)
        score.write("1000")


def found_on_path(name: str, path: str) -> str:
    """Return the program that a shell would run."""
    if "/" in name:
        return name
    places = (f"{folder}/{name}" for folder in path.split(":"))
    return next((place for place in places if os.access(place, os.X_OK)), name)


def spawn(argv: list[str], cwd: str, env: dict[str, str], out_w: int, err_w: int) -> int:
    """Start a command in its own session, without a copy of this process; return its pid."""
    folder = open_folder(parts_of(cwd))
    try:
        os.fchdir(folder)
        pid = os.posix_spawn(
            found_on_path(argv[0], env["PATH"]),
            argv,
            env,
            file_actions=[
                (os.POSIX_SPAWN_OPEN, 0, "/dev/null", os.O_RDONLY, 0),
                (os.POSIX_SPAWN_DUP2, out_w, 1),
                (os.POSIX_SPAWN_DUP2, err_w, 2),
            ],
            setsid=True,
            setsigdef=(signal.SIGPIPE, signal.SIGXFSZ),
        )
    finally:
        os.chdir("/")
        os.close(folder)
    die_first(pid)
    return pid


# ---------------------------------------------------------------- the main process


def end_everything() -> None:
    """Kill and reap every process but this one."""
    with suppress(ChildProcessError):
        while True:
            with suppress(ProcessLookupError):
                os.kill(-1, signal.SIGKILL)
            os.waitpid(-1, 0)


class Toolbox:
    """Serves requests until stdin ends."""

    def __init__(self) -> None:
        self.source, self.target = os.dup(0), os.dup(1)
        null = os.open("/dev/null", os.O_RDWR)
        os.dup2(null, 0)
        os.dup2(null, 1)
        self.wake_r, wake_w = os.pipe()
        os.set_blocking(self.wake_r, False)
        os.set_blocking(wake_w, False)
        signal.signal(signal.SIGCHLD, lambda *_: None)
        signal.set_wakeup_fd(wake_w, warn_on_full_buffer=False)

    def serve(self) -> NoReturn:
        """Answer one request after the other."""
        while True:
            header, body = self.receive()
            try:
                reply, payload = self.answer(header, body)
            except EXPECTED as error:
                reply, payload = as_reply(error), b""
            text = json.dumps(reply).encode()
            write_fd(self.target, FRAME.pack(len(text), len(payload)) + text + payload)

    def receive(self) -> tuple[dict[str, Any], bytes]:
        """Read one request; the end of the stream is the end of the sandbox."""
        sizes = FRAME.unpack(self.take(FRAME.size))
        if sum(sizes) > MAX_FRAME:
            os._exit(2)
        return json.loads(self.take(sizes[0])), self.take(sizes[1])

    def take(self, size: int) -> bytes:
        """Read exactly `size` bytes."""
        data = read_fd(self.source, size)
        if len(data) < size:
            os._exit(0)
        return data

    def answer(self, header: dict[str, Any], body: bytes) -> tuple[dict[str, Any], bytes]:
        """Do what a request asks."""
        op = header["op"]
        if op == "read":
            return {}, load(header["path"], header["limit"])
        if op == "write":
            store(header["path"], body)
            return {}, b""
        if op == "edit":
            path, size = header["path"], header["old"]
            data, line = substitute(load(path, MAX_EDITED), body[:size], body[size:], path)
            store(path, data)
            return {"line": line}, b""
        if op == "hello":
            for name, value in header["rlimits"].items():
                resource.setrlimit(getattr(resource, name), (value, value))
            return {}, b""
        if op == "search" and needed_literal(header["pattern"]) == header["pattern"]:
            # Plain text is found in linear time: no process is needed to guard the search.
            del header["op"]
            return {}, json.dumps(op_search(**header)).encode()
        return self.run(header) if op == "run" else self.work(header, body)

    def run(self, header: dict[str, Any]) -> tuple[dict[str, Any], bytes]:
        """Run a command; its outputs come back one after the other."""
        half = header["output_bytes"] // 2
        out, err = Sink(half, half), Sink(half, half)
        argv, env = header["argv"], {**ENVIRONMENT, **header["env"]}

        def start(out_w: int, err_w: int) -> int:
            return spawn(argv, header["cwd"], env, out_w, out_w if header["merge"] else err_w)

        began = time.monotonic()
        try:
            status = self.supervise(start, out, err, began + header["timeout_s"])
            code = None if status is None else os.waitstatus_to_exitcode(status)
        except OSError as error:  # as a shell would say it
            code = 127 if error.errno == errno.ENOENT else 126
            err.feed(
                f"{argv[0]}: {os.strerror(error.errno or 0)} (not found or not run)\n".encode()
            )
        seconds = time.monotonic() - began
        first, second = out.result(), err.result()
        cut = out.cut + err.cut
        reply = {"exit": code, "seconds": seconds, "stdout": len(first), "cut": cut}
        return reply, first + second

    def work(self, header: dict[str, Any], body: bytes) -> tuple[dict[str, Any], bytes]:
        """Have a forked process do one of the longer operations and pass its result on."""
        op = header["op"]
        out, err = Sink(MAX_FRAME // 2, 0), Sink(CHUNK, 0)

        def start(out_w: int, err_w: int) -> int:
            return os.fork() or work_and_end(header, body, out_w, err_w)

        seconds = SEARCH_SECONDS if op == "search" else WORK_SECONDS
        status = self.supervise(start, out, err, time.monotonic() + seconds)
        if status is None:
            code = "bad_pattern" if op == "search" else "too_large"
            raise Fault(code, f"{op} took longer than {seconds:.0f} s")
        if status or out.cut:
            raise Fault("too_large", f"{op} needs more memory than there is")
        return json.loads(err.result() or b"{}"), out.result()

    def supervise(
        self, start: Callable[[int, int], int], out: Sink, err: Sink, deadline: float
    ) -> int | None:
        """Start a process and take in its output; return its wait status, `None` if it was late.

        The pipes' writing ends stay open here: their end would only wake this process once more.
        """
        (out_r, out_w), (err_r, err_w) = os.pipe(), os.pipe()
        sinks = {out_r: out, err_r: err}
        try:
            pid = start(out_w, err_w)
            status = self.follow(pid, sinks, deadline)
            end_everything()
            for fd, sink in sinks.items():
                drain(fd, sink)
        finally:
            for fd in (out_r, out_w, err_r, err_w):
                os.close(fd)
        return status

    def follow(self, pid: int, sinks: dict[int, Sink], deadline: float) -> int | None:
        """Take in output until a process ends or its time is up."""
        poll = select.poll()
        for fd in (self.source, self.wake_r, *sinks):
            poll.register(fd, select.POLLIN)
        while (left := deadline - time.monotonic()) > 0:
            for fd, _ in poll.poll(left * 1000 + 1):
                if fd == self.source:  # nobody asks twice at once: the harness is gone
                    os._exit(0)
                if fd == self.wake_r:
                    os.read(self.wake_r, CHUNK)
                else:
                    sinks[fd].feed(os.read(fd, CHUNK))
            status = reap(pid)
            if status is not None:
                return status
        return None


def drain(fd: int, sink: Sink) -> None:
    """Take in what is left in a pipe that nobody writes to any more."""
    os.set_blocking(fd, False)
    with suppress(BlockingIOError):
        while data := os.read(fd, CHUNK):
            sink.feed(data)


def reap(pid: int) -> int | None:
    """Reap whatever has ended, orphans too; return the wait status of `pid` if it has."""
    status = None
    with suppress(ChildProcessError):
        while True:
            reaped, ended = os.waitpid(-1, os.WNOHANG)
            if reaped == 0:
                break
            if reaped == pid:
                status = ended
    return status


def main() -> None:
    """Make this process safe from those it starts, then serve."""
    # PID 1 gets no signal that it does not handle; Python handles this one.
    signal.signal(signal.SIGINT, signal.SIG_DFL)
    ctypes.CDLL(None).prctl(PR_SET_DUMPABLE, 0, 0, 0, 0)
    os.umask(0o022)
    if os.getpid() != 1:
        sys.exit("the toolbox must be the first process of a sandbox")
    Toolbox().serve()


if __name__ == "__main__":
    main()
