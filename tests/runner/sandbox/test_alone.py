"""Builds of several processes: one at a time, and who waits is told so and can be stopped."""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import sys
import time
from contextlib import contextmanager
from typing import IO, TYPE_CHECKING

import pytest

from runner.sandbox.alone import alone

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


HOLDER = """
import fcntl, sys
with open(sys.argv[1], "w") as lock:
    fcntl.flock(lock, fcntl.LOCK_EX)
    print("held", flush=True)
    sys.stdin.read()
"""
INSTALLING = """
import asyncio, sys
from pathlib import Path
from runner.sandbox.dependencies import install
say = lambda message: print(message, flush=True)
folder = Path(sys.argv[1])
asyncio.run(install(folder, prune=(), cache=folder, progress=say))
"""
BUILDING = """
import asyncio, sys
from runner.sandbox.base import Dependencies
from runner.sandbox.docker import DockerEngine
say = lambda message: print(message, flush=True)
dependencies = Dependencies(node_modules=sys.argv[1], digest="none")
asyncio.run(DockerEngine().prepare(dependencies, say))
"""
WAITING = "waiting for another process, which is building"


@contextmanager
def held(lock: Path) -> Iterator[IO[str]]:
    """Let another process hold a lock until its stdin, which is yielded, is closed."""
    lock.parent.mkdir(parents=True, exist_ok=True)
    argv = [sys.executable, "-c", HOLDER, str(lock)]
    pipe = subprocess.PIPE
    with subprocess.Popen(argv, stdin=pipe, stdout=pipe, text=True) as holder:
        assert holder.stdin
        assert holder.stdout
        assert holder.stdout.readline() == "held\n"
        yield holder.stdin
        holder.stdin.close()


def stopped_while_it_waits(program: str, folder: Path) -> int:
    """Send Ctrl-C to a program once it waits; return its exit code."""
    argv = [sys.executable, "-c", program, str(folder)]
    environment = {"PATH": "/usr/bin:/bin", "TMPDIR": str(folder)}
    with subprocess.Popen(
        argv, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True, env=environment
    ) as waiting:
        try:
            assert waiting.stdout
            assert waiting.stdout.readline() == f"{WAITING}\n"
            waiting.send_signal(signal.SIGINT)
            return waiting.wait(timeout=20)
        finally:
            waiting.kill()


def test_ctrl_c_ends_waiting_for_packages_that_another_process_installs(tmp_path: Path) -> None:
    for name in ("package.json", "package-lock.json"):
        (tmp_path / name).write_text("{}")
    with held(tmp_path / "dependencies" / ".lock"):
        assert stopped_while_it_waits(INSTALLING, tmp_path) == -signal.SIGINT


@pytest.mark.docker
@pytest.mark.usefixtures("docker_engine")
def test_ctrl_c_ends_waiting_for_an_image_that_another_process_builds(tmp_path: Path) -> None:
    with held(tmp_path / f"testbed-images-{os.getuid()}.lock"):
        assert stopped_while_it_waits(BUILDING, tmp_path) == -signal.SIGINT


async def test_who_waits_is_told_once_and_goes_on_when_the_other_is_done(tmp_path: Path) -> None:
    said: list[str] = []
    lock = tmp_path / "lock"
    with held(lock) as end:
        waiting = asyncio.create_task(alone(lock, lambda: "done", said.append))
        await asyncio.sleep(0.5)
        assert not waiting.done()
        end.close()
        assert await asyncio.wait_for(waiting, 20) == "done"

    assert said == [WAITING]


async def test_work_that_nobody_waits_for_any_more_keeps_others_out(tmp_path: Path) -> None:
    lock, order = tmp_path / "lock", []
    begun = asyncio.Event()
    loop = asyncio.get_running_loop()

    def slow() -> None:
        loop.call_soon_threadsafe(begun.set)
        time.sleep(0.5)
        order.append("first")

    first = asyncio.create_task(alone(lock, slow, print))
    await begun.wait()
    first.cancel()
    await alone(lock, lambda: order.append("second"), print)

    assert order == ["first", "second"]
