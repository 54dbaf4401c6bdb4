"""A run survives kill -9 and Ctrl-C at any moment: nothing lost, nothing doubled, nothing left."""

from __future__ import annotations

import json
import os
import random
import signal
import subprocess
import time
from collections import Counter
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from tests.cli.conftest import Desk

KILLS = 50
REPEATS = 12
PLAYERS = ("-m", "scripted/oracle", "-m", "scripted/noop", "-m", "scripted/sloppy")


def start(desk: Desk, *arguments: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        desk.command(*arguments),
        cwd=desk.folder,
        env=desk.environment({}),
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,  # a process group of its own, as a shell's job in a terminal
    )


def verdicts(desk: Desk) -> Counter[tuple[str, int, str]]:
    reported = desk.testbed("report", "latest", "--json")
    assert reported.returncode == 0, reported.stderr
    (path,) = desk.runs.glob("*/trials.jsonl")
    lines = [json.loads(line) for line in path.read_text().splitlines()]
    return Counter((t["model"], t["repeat"], t["verdict"]) for t in lines)


def sandboxes(desk: Desk, engine: str) -> list[str]:
    """List what still runs of this desk's runs: containers by label, processes by their cache."""
    commands = [["pgrep", "-af", f"bwrap.*{desk.cache}"]]
    if engine == "docker":
        runs = [path.parent.name for path in desk.runs.glob("*/run.json")]
        commands = [["docker", "ps", "-aq", "--filter", f"label=testbed.run={r}"] for r in runs]
    found: list[str] = []
    for command in commands:
        listed = subprocess.run(command, capture_output=True, text=True, check=False)
        found += listed.stdout.splitlines()
    return found


def wait_until_gone(desk: Desk, engine: str) -> list[str]:
    deadline = time.monotonic() + 20
    while (left := sandboxes(desk, engine)) and time.monotonic() < deadline:
        time.sleep(0.1)
    return left


@pytest.mark.timeout(900)
def test_fifty_kills_lose_nothing_double_nothing_and_leave_nothing(desk: Desk, engine: str) -> None:
    chance = random.Random(20261122)  # noqa: S311  (moments to kill at, no secret)
    run = start(desk, "run", *PLAYERS, "-n", str(REPEATS), "--engine", engine)
    while not list(desk.runs.glob("*/run.json")):
        time.sleep(0.02)
    for _ in range(KILLS):
        time.sleep(chance.uniform(0.0, 2.0))
        run.kill()
        run.communicate()
        run = start(desk, "run", "--resume", "latest")
    _, said = run.communicate(timeout=300)

    assert run.returncode == 0, said
    expected = {"scripted/oracle": "pass", "scripted/noop": "fail", "scripted/sloppy": "pass"}
    assert verdicts(desk) == Counter(
        (model, repeat, verdict)
        for model, verdict in expected.items()
        for repeat in range(1, REPEATS + 1)
    )
    assert len(list(desk.runs.glob("*/trials/*/minus/*/2"))) > 0, "no kill hit a trial"
    assert wait_until_gone(desk, engine) == []


@pytest.mark.parametrize("sign", [signal.SIGINT, signal.SIGTERM])
def test_an_interrupt_closes_the_sandboxes_and_says_how_to_go_on(
    desk: Desk, engine: str, sign: signal.Signals
) -> None:
    run = start(desk, "run", *PLAYERS, "-n", "50", "--engine", engine)
    while not sandboxes(desk, engine):
        assert run.poll() is None
        time.sleep(0.05)
    run.send_signal(sign)
    _, said = run.communicate(timeout=30)

    assert run.returncode == 130, said
    assert "testbed run --resume" in said
    assert "Traceback" not in said
    assert sandboxes(desk, engine) == []


def test_ctrl_c_in_a_terminal_reaches_the_run_alone(desk: Desk, engine: str) -> None:
    run = start(desk, "run", "-m", "scripted/slow", "-n", "50", "-j", "1", "--engine", engine)
    while not list(desk.runs.glob("*/trials/*/*/1/1/turns.jsonl")):
        assert run.poll() is None
        time.sleep(0.05)
    run.send_signal(signal.SIGSTOP)  # a busy machine: whoever else is to die is dead by then
    os.killpg(run.pid, signal.SIGINT)
    time.sleep(0.5)
    run.send_signal(signal.SIGCONT)
    _, said = run.communicate(timeout=30)

    assert run.returncode == 130, said
    assert len(list(desk.runs.glob("*/trials/*/*/*/*"))) == 1
    assert not list(desk.runs.glob("*/trials.jsonl"))
    assert sandboxes(desk, engine) == []


@pytest.mark.bubblewrap
@pytest.mark.usefixtures("local_engine")
def test_a_part_that_is_interrupted_goes_on_by_the_same_command(desk: Desk) -> None:
    inputs = {"INPUT_BASELINE": "scripted/oracle", "INPUT_CANDIDATE": "scripted/noop"}
    inputs |= {"INPUT_REPEATS": "12", "INPUT_SHARDS": "2"}
    assert desk.testbed("action", "plan", "-o", "plan", **inputs).returncode == 0
    command = ("run", "--plan", "plan/plan.json", "--shard", "2/2", "-j", "1")
    run = start(desk, *command)
    while not list(desk.runs.glob("*/trials.jsonl")):
        assert run.poll() is None
        time.sleep(0.02)
    run.send_signal(signal.SIGINT)
    _, said = run.communicate(timeout=30)
    done = len(verdicts(desk))

    again = desk.testbed(*command)

    assert run.returncode == 130, said
    assert said.endswith("finished trials are kept. Continue with the same command\n")
    assert 0 < done < 12
    assert again.returncode == 0, again.stderr
    assert f"{12 - done} of 12 trials to make" in again.stderr
    made = verdicts(desk)
    assert len(made) == 12
    assert {repeat for _, repeat, _ in made} == {2, 4, 6, 8, 10, 12}


def test_strays_of_a_dead_owner_are_cleaned(desk: Desk, engine: str) -> None:
    run = start(desk, "run", *PLAYERS, "-n", "50", "--engine", engine)
    while not sandboxes(desk, engine):
        time.sleep(0.05)
    run.kill()
    run.communicate()

    cleaned = desk.testbed("clean")

    assert cleaned.returncode == 0, cleaned.stderr
    assert wait_until_gone(desk, engine) == []
