"""Installs a fixture's packages on the host once, pruned, for every sandbox to share."""

from __future__ import annotations

import asyncio
import hashlib
import os
import platform
import shutil
import subprocess
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final

from runner.sandbox.alone import alone
from runner.sandbox.base import Dependencies
from runner.sandbox.node import node_root, node_version
from runner.sandbox.toolbox import glob_regex
from testbed.errors import SandboxUnavailable, ScenarioError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from runner.sandbox.base import Progress

_NEEDED: Final = ("package.json", "package-lock.json")
_WELCOME: Final = (".npmrc",)
_PROCESSORS: Final = {"x86_64": "x64", "aarch64": "arm64"}
_HALF_MADE: Final = ".half-made-"


async def install(
    fixture_dir: Path, *, prune: Sequence[str], cache: Path, progress: Progress
) -> Dependencies:
    """Return the fixture's packages as its lockfile names them, installed where needed.

    No package's script is run. `prune` holds globs relative to `node_modules` of files to delete;
    one that starts with `!` keeps what it matches. The result lies below `cache`, keyed by all
    that went into it; a killed installation leaves nothing that counts.
    Raises `ScenarioError` without a lockfile, `SandboxUnavailable` when npm cannot install.
    """
    wanted = await asyncio.to_thread(_wanted, fixture_dir, prune, cache)
    if not await asyncio.to_thread(wanted.place.is_dir):
        lock = wanted.place.parents[1] / ".lock"
        await alone(lock, lambda: _install(wanted, progress), progress)
    return Dependencies(node_modules=str(wanted.place), digest=wanted.digest)


@dataclass(frozen=True, kw_only=True)
class _Wanted:
    """What is to be installed, and where."""

    files: Sequence[Path]
    prune: Sequence[str]
    digest: str
    place: Path
    """The folder `node_modules` to be made."""


def _wanted(fixture_dir: Path, prune: Sequence[str], cache: Path) -> _Wanted:
    files = _inputs(fixture_dir)
    digest = _digest(files, prune)
    place = cache.absolute() / "dependencies" / digest / "node_modules"
    return _Wanted(files=files, prune=prune, digest=digest, place=place)


def _inputs(fixture_dir: Path) -> list[Path]:
    missing = [name for name in _NEEDED if not (fixture_dir / name).is_file()]
    if missing:
        raise ScenarioError(
            f"{fixture_dir} has no {missing[0]}",
            next_step="Run `npm install --package-lock-only` there and commit the result",
        )
    found = [fixture_dir / name for name in (*_NEEDED, *_WELCOME)]
    return [path for path in found if path.is_file()]


def _digest(files: Sequence[Path], prune: Sequence[str]) -> str:
    digest = hashlib.sha256(repr((node_version(), list(prune))).encode())
    for path in files:
        digest.update(f"{path.name}\0".encode() + path.read_bytes() + b"\0")
    return digest.hexdigest()[:32]


def _install(wanted: _Wanted, progress: Progress) -> None:
    """Install beside the place, then move there in one step; the caller holds the lock."""
    place = wanted.place
    if place.is_dir():  # made while this process waited
        return
    shelf = place.parents[1]
    for half_made in shelf.glob(f"{_HALF_MADE}*"):  # nobody else is building
        shutil.rmtree(half_made)
    folder = Path(tempfile.mkdtemp(prefix=_HALF_MADE, dir=shelf))
    try:
        for path in wanted.files:
            shutil.copy(path, folder)
        progress("installing the fixture's packages (a minute when npm's cache is cold)")
        _npm_ci(folder)
        (folder / "node_modules").mkdir(exist_ok=True)
        _prune(folder / "node_modules", wanted.prune)
        folder.chmod(0o755)
        shutil.rmtree(place.parent, ignore_errors=True)
        folder.rename(place.parent)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _npm_ci(folder: Path) -> None:
    root = node_root()
    npm = root / "lib" / "node_modules" / "npm" / "bin" / "npm-cli.js"
    processor = _PROCESSORS.get(platform.machine(), platform.machine())
    options = ("--ignore-scripts", "--no-audit", "--no-fund", "--loglevel=error")
    target = ("--os=linux", f"--cpu={processor}", "--libc=glibc")
    path = f"{root / 'bin'}{os.pathsep}{os.environ.get('PATH', os.defpath)}"
    done = subprocess.run(
        [str(root / "bin" / "node"), str(npm), "ci", *options, *target],
        cwd=folder,
        env={**os.environ, "PATH": path},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        errors="replace",
        check=False,
    )
    if done.returncode:
        said = [line for line in done.stderr.splitlines() if line.strip()] or ["no reason given"]
        raise SandboxUnavailable(
            f"npm could not install the fixture's packages: {said[0]}",
            next_step="Check that the npm registry can be reached, or copy `.cache/dependencies`"
            " from a machine where it was",
        )


def _prune(node_modules: Path, prune: Sequence[str]) -> None:
    """Delete the files that a glob matches and no `!` glob keeps."""
    unwanted = glob_regex(*(glob for glob in prune if not glob.startswith("!")))
    kept = glob_regex(*(glob[1:] for glob in prune if glob.startswith("!")))
    for folder, _, names in os.walk(node_modules):
        base = os.path.relpath(folder, node_modules)
        for name in names:
            path = name if base == "." else f"{base}/{name}"
            if unwanted.fullmatch(path) and not kept.fullmatch(path):
                (node_modules / path).unlink()
