"""The local engine: what is its own beside the promises of every sandbox."""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from runner.sandbox import bubblewrap, cgroups, choose, local
from runner.sandbox.base import Dependencies, Limits, SandboxSpec
from runner.sandbox.local import LocalEngine
from runner.sandbox.owner import is_running
from testbed.errors import SandboxLost, SandboxUnavailable, UsageError
from tests.conftest import family

if TYPE_CHECKING:
    from runner.sandbox.base import Engine

HARNESS = """
import asyncio, os
from runner.sandbox.base import Dependencies, SandboxSpec
from runner.sandbox.local import LocalEngine

async def main():
    engine = LocalEngine()
    image = await engine.prepare(Dependencies(node_modules="/usr/lib", digest="x"), lambda _: None)
    box = await engine.start(SandboxSpec(run_id="killed", name="box", image=image))
    await box.write("marker", b"x")
    print("ready", flush=True)
    await box.run(["sleep", "600.25"], timeout_s=600)

asyncio.run(main())
"""
pytestmark = pytest.mark.bubblewrap


def running(marker: str) -> list[int]:
    """List the processes of this machine whose command line has a word."""
    found = []
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            words = (folder / "cmdline").read_bytes().split(b"\0")
        except OSError:
            continue
        if marker.encode() in words:
            found.append(int(folder.name))
    return found


async def test_a_killed_harness_leaves_no_process(local_engine: LocalEngine) -> None:
    argv = [sys.executable, "-c", HARNESS]
    with subprocess.Popen(argv, stdout=subprocess.PIPE) as harness:  # noqa: ASYNC220  (awaited below)
        assert harness.stdout
        try:
            assert await asyncio.to_thread(harness.stdout.readline) == b"ready\n"
            async with asyncio.timeout(30):
                while not running("600.25"):  # noqa: ASYNC110  (nothing tells of it)
                    await asyncio.sleep(0.05)
        finally:
            harness.send_signal(signal.SIGKILL)
    async with asyncio.timeout(30):
        while running("600.25"):  # noqa: ASYNC110  (nothing tells of it)
            await asyncio.sleep(0.05)
    await local_engine.clean()
    assert await local_engine.clean("killed") == 0


async def test_a_start_that_is_cancelled_at_any_moment_ends_and_leaves_nothing(
    local_engine: LocalEngine, tmp_path: Path
) -> None:
    image = await local_engine.prepare(Dependencies(node_modules="/usr/lib", digest="x"), print)
    spec = SandboxSpec(run_id=tmp_path.name, name="box", image=image)
    others = family(os.getpid())
    for turns in range(15):  # of the event loop: asyncio's own part of a start is over by then
        start = asyncio.create_task(local_engine.start(spec))
        for _ in range(turns):
            await asyncio.sleep(0)
        start.cancel()
        done, _ = await asyncio.wait({start}, timeout=20)
        assert done
        assert start.cancelled()
        assert await local_engine.clean(tmp_path.name) == 0
        assert family(os.getpid()) == others


@pytest.mark.parametrize("busy", [True, False], ids=["in a call", "between calls"])
async def test_a_sandbox_that_dies_is_lost_for_every_call_and_leaves_nothing(
    local_engine: LocalEngine, *, busy: bool
) -> None:
    run_id = f"dies-{os.getpid()}"
    image = await local_engine.prepare(Dependencies(node_modules="/usr/lib", digest="x"), print)
    box = await local_engine.start(SandboxSpec(run_id=run_id, name="box", image=image))
    toolboxes = running("/opt/testbed/toolbox.py")
    innermost = [pid for pid in family(os.getpid()) if pid in toolboxes][-1]
    call = asyncio.create_task(box.run(["sleep", "602.25"], timeout_s=60)) if busy else None
    while busy and not running("602.25"):  # noqa: ASYNC110  (nothing tells of it)
        await asyncio.sleep(0.02)
    os.kill(innermost, signal.SIGKILL)
    if call:
        with pytest.raises(SandboxLost):
            await call
    else:
        async with asyncio.timeout(20):
            while is_running(innermost):  # noqa: ASYNC110  (nothing tells of it)
                await asyncio.sleep(0.02)
        await asyncio.sleep(0.1)  # its pipes are seen to be broken
    with pytest.raises(SandboxLost):
        await box.run(["true"], timeout_s=5)
    await box.close()
    assert await local_engine.clean(run_id) == 0


async def test_without_control_groups_rlimits_hold(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(cgroups, "roots", list)
    engine = LocalEngine()
    assert "per process" in engine.weaker
    dependencies = Dependencies(node_modules="/usr/lib", digest=tmp_path.name)
    image = await engine.prepare(dependencies, lambda _: None)
    limits = Limits(memory_bytes=128 << 20, pids=32)
    spec = SandboxSpec(run_id="rlimits", name="box", image=image, limits=limits)
    async with await engine.start(spec) as box:
        hog = "data = bytearray(768 << 20)"
        result = await box.run(["python3", "-c", hog], timeout_s=30)
        assert b"MemoryError" in result.stderr
        bomb = "bomb() { bomb | bomb & }; bomb; sleep 600"
        result = await box.run(["bash", "-c", bomb], timeout_s=2)
        assert result.timed_out
        result = await box.run(["bash", "-c", "for i in {1..40}; do sleep 9 & done"], timeout_s=20)
        assert b"Resource temporarily unavailable" in result.stderr
        assert (await box.run(["echo", "sound"], timeout_s=10)).stdout == b"sound\n"


async def test_the_host_s_root_is_not_root_outside(
    local_engine: LocalEngine, local_image: str
) -> None:
    spec = SandboxSpec(run_id="uid", name="box", image=local_image)
    async with await local_engine.start(spec) as box:
        call = asyncio.create_task(box.run(["sleep", "601.75"], timeout_s=3))
        async with asyncio.timeout(30):
            while not running("601.75"):  # noqa: ASYNC110  (nothing tells of it)
                await asyncio.sleep(0.02)
        (pid,) = running("601.75")
        owner = Path(f"/proc/{pid}").stat().st_uid  # noqa: ASYNC240  (one quick look)
        assert owner != 0
        assert (await call).timed_out


async def test_an_image_of_another_process_is_not_prepared(local_engine: LocalEngine) -> None:
    with pytest.raises(SandboxUnavailable) as caught:
        await local_engine.start(SandboxSpec(run_id="x", name="box", image="local-other"))
    assert caught.value.next_step


def test_blocked_namespaces_are_unavailable_with_a_next_step(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    refusing = tmp_path / "bwrap"
    refusing.write_text("#!/bin/sh\necho 'bwrap: No permissions to create namespaces' >&2; exit 1")
    refusing.chmod(0o755)
    monkeypatch.setattr(local, "find_bwrap", lambda: refusing)
    with pytest.raises(SandboxUnavailable, match="No permissions") as caught:
        LocalEngine()
    assert "sysctl" in caught.value.next_step


def test_auto_falls_back_to_local_and_says_what_failed_when_nothing_works(
    monkeypatch: pytest.MonkeyPatch, local_engine: LocalEngine
) -> None:
    monkeypatch.setenv("DOCKER_HOST", "tcp://127.0.0.1:1")
    chosen: Engine = choose.choose_engine("auto")
    assert chosen.name == local_engine.name
    with pytest.raises(SandboxUnavailable, match="Docker"):
        choose.choose_engine("docker")
    with pytest.raises(UsageError):
        choose.choose_engine("podman")

    def missing() -> Path:
        raise SandboxUnavailable("no bubblewrap", next_step="install it")

    monkeypatch.setattr(local, "find_bwrap", missing)
    with pytest.raises(SandboxUnavailable) as caught:
        choose.choose_engine("auto")
    assert "Docker" in caught.value.what
    assert "no bubblewrap" in caught.value.what


def test_the_command_line_shows_nothing_of_the_host_but_programs() -> None:
    with bubblewrap.open_files() as files:
        words = bubblewrap.command_of(Path("/x/_bin/bwrap"), "/modules", 1 << 20, files)
    outer = words[: words.index("--")]
    shown = {outer[i + 1] for i, word in enumerate(outer) if word in ("--ro-bind", "--bind")}
    assert not shown & {"/", "/etc", "/home", "/root", str(Path.home()), "/var", "/run"}
    assert "--bind" not in outer
    assert os.environ.get("HOME", "/root") not in shown
