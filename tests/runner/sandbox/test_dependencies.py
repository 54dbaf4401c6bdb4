"""The fixture's packages on the host: installed once, pruned, never half."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from runner.sandbox.dependencies import install
from testbed.errors import SandboxUnavailable, ScenarioError

if TYPE_CHECKING:
    from collections.abc import Sequence

PROGRAM = """
import asyncio, sys
from pathlib import Path
from runner.sandbox.dependencies import install
say = lambda message: print(message, flush=True)
cache = Path(sys.argv[2])
asyncio.run(install(Path(sys.argv[1]), prune=(), cache=cache, progress=say))
"""


@pytest.fixture
def fixture_dir(tmp_path: Path) -> Path:
    """Make a fixture whose one package lies beside it: no registry is needed."""
    package = tmp_path / "fixture" / "packages" / "left"
    for name, text in {
        "package.json": '{"name": "left", "version": "1.0.0", "bin": {"left": "bin.js"}}',
        "bin.js": "#!/usr/bin/env node\n",
        "lib/a.js": "module.exports = 1\n",
        "lib/a.js.map": "{}",
        "docs/keep.md": "kept",
        "readme.md": "dropped",
    }.items():
        (package / name).parent.mkdir(parents=True, exist_ok=True)
        (package / name).write_text(text)
    tar = tmp_path / "fixture" / "left.tgz"
    subprocess.run(
        ["tar", "-czf", tar, "-C", package.parent, "--transform=s,^left,package,", "left"],
        check=True,
    )
    root = tmp_path / "fixture"
    link = f"file:{tar}"
    wanted = {"name": "app", "version": "1.0.0", "dependencies": {"left": link}}
    (root / "package.json").write_text(json.dumps(wanted))
    entry = {"version": "1.0.0", "resolved": link, "bin": {"left": "bin.js"}}
    lock = {
        "name": "app",
        "version": "1.0.0",
        "lockfileVersion": 3,
        "requires": True,
        "packages": {"": wanted, "node_modules/left": entry},
    }
    (root / "package-lock.json").write_text(json.dumps(lock))
    return root


def files_of(node_modules: str) -> set[str]:
    root = Path(node_modules)
    return {str(p.relative_to(root)) for p in root.rglob("*") if p.is_file() and p.name[0] != "."}


def installed(root: Path, cache: Path, prune: Sequence[str] = ()) -> tuple[str, str, list[str]]:
    said: list[str] = []
    made = asyncio.run(install(root, prune=prune, cache=cache, progress=said.append))
    return made.node_modules, made.digest, said


def test_packages_are_installed_once_and_pruned(fixture_dir: Path, tmp_path: Path) -> None:
    prune = ["**/*.map", "**/*.md", "!left/docs/**"]
    modules, digest, said = installed(fixture_dir, tmp_path / "cache", prune)
    assert files_of(modules) >= {"left/lib/a.js", "left/docs/keep.md", "left/package.json"}
    assert not files_of(modules) & {"left/lib/a.js.map", "left/readme.md"}
    assert (Path(modules) / ".bin" / "left").is_symlink()
    assert said
    assert installed(fixture_dir, tmp_path / "cache", prune) == (modules, digest, [])


def test_the_key_changes_with_all_that_goes_in(fixture_dir: Path, tmp_path: Path) -> None:
    cache = tmp_path / "cache"
    digests = {installed(fixture_dir, cache)[1], installed(fixture_dir, cache, ["**/*.md"])[1]}
    for name in ("package.json", "package-lock.json"):
        (fixture_dir / name).write_text((fixture_dir / name).read_text() + "\n")
        digests.add(installed(fixture_dir, cache)[1])
    assert len(digests) == 4


def test_a_killed_installation_leaves_nothing_that_counts(
    fixture_dir: Path, tmp_path: Path
) -> None:
    cache = tmp_path / "cache"
    argv = [sys.executable, "-c", PROGRAM, str(fixture_dir), str(cache)]
    with subprocess.Popen(argv, stdout=subprocess.PIPE, start_new_session=True) as process:
        assert process.stdout
        assert process.stdout.readline()
        os.killpg(process.pid, signal.SIGKILL)
    time.sleep(0.2)
    assert not list((cache / "dependencies").glob("[!.]*"))
    modules, _, said = installed(fixture_dir, cache)
    assert said
    assert "left/lib/a.js" in files_of(modules)
    assert not list((cache / "dependencies").glob(".half-made-*"))


def test_what_cannot_be_installed_is_one_error_with_a_next_step(
    fixture_dir: Path, tmp_path: Path
) -> None:
    (fixture_dir / "left.tgz").unlink()
    with pytest.raises(SandboxUnavailable) as caught:
        installed(fixture_dir, tmp_path / "cache")
    assert "npm" in caught.value.what
    assert caught.value.next_step
    assert not list((tmp_path / "cache" / "dependencies").glob("[!.]*"))


def test_a_fixture_without_a_lockfile_is_refused(fixture_dir: Path, tmp_path: Path) -> None:
    (fixture_dir / "package-lock.json").unlink()
    with pytest.raises(ScenarioError, match=r"package-lock\.json"):
        installed(fixture_dir, tmp_path / "cache")
