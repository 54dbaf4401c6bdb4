"""Certificates are made once, survive interruption, and are looked at without an engine."""

from __future__ import annotations

import json
import shutil
import signal
import subprocess
import time
from typing import TYPE_CHECKING

import pytest

from testbed.certified import certificate_path
from testbed.scenario import load_suite
from testbed.store import write_record

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from testbed.certificate import Certificate
    from testbed.scenario import Scenario
    from tests.cli.conftest import Desk

NO_ENGINE = {"DOCKER_HOST": "unix:///nowhere", "PATH": "/nowhere"}


def scenario_of(desk: Desk) -> Scenario:
    (scenario,) = load_suite(desk.folder).scenarios
    return scenario


def looked_at(desk: Desk, *arguments: str) -> subprocess.CompletedProcess[str]:
    return desk.testbed("certify", "--check", *arguments, **NO_ENGINE)


def end_after(desk: Desk, ledger: Path, lines: int, ending: signal.Signals) -> int:
    """Begin to certify, and end it once the ledger has grown to so many lines."""
    certifying = subprocess.Popen(
        desk.command("certify", "--engine", "local"),
        cwd=desk.folder,
        env=desk.environment({}),
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    while certifying.poll() is None and len(kept(ledger)) < lines:
        time.sleep(0.02)
    certifying.send_signal(ending)
    return certifying.wait(timeout=60)


def kept(ledger: Path) -> list[str]:
    return ledger.read_text().splitlines() if ledger.is_file() else []


def sandboxes(desk: Desk) -> str:
    found = subprocess.run(
        ["pgrep", "-af", f"bwrap.*{desk.cache}"], capture_output=True, text=True, check=False
    )
    return found.stdout


@pytest.mark.bubblewrap
@pytest.mark.usefixtures("local_engine")
def test_an_interrupted_certification_goes_on_where_it_was(desk: Desk) -> None:
    shutil.rmtree(desk.cache / "certificates", ignore_errors=True)
    ledger = desk.cache / "certificates/minus.jsonl"

    stopped = end_after(desk, ledger, 4, signal.SIGINT)
    left = sandboxes(desk)
    end_after(desk, ledger, 8, signal.SIGKILL)
    before = kept(ledger)
    certified = desk.testbed("certify", "--engine", "local", "--json")

    assert (stopped, left) == (130, "")
    assert certified.returncode == 0, certified.stderr
    keys = [json.loads(line)["key"] for line in kept(ledger)]
    assert len(keys) == len(set(keys))
    assert kept(ledger)[: len(before) - 1] == before[:-1]
    brief = json.loads(certified.stdout)["minus"]
    assert (brief["state"], brief["faults"]) == ("fresh", [])
    assert (brief["accepted"], brief["rejected"]) == (3, 3)
    assert (brief["flakes"], brief["gradings"], brief["score"]) == (0, 40, 1.0)

    again = desk.testbed("certify", **NO_ENGINE)

    assert again.returncode == 0, again.stderr
    assert "0 of 1 scenarios have no fresh certificate" in again.stderr
    assert len(kept(ledger)) == len(keys)


def test_a_missing_certificate_fails_the_check_by_one_line(desk: Desk) -> None:
    missing = looked_at(desk)

    assert missing.returncode == 1
    assert missing.stdout.splitlines()[-2:] == ["minus/certificate.json: not certified", "1 fault"]


def test_a_sound_certificate_passes_the_check_and_a_stale_one_names_its_input(
    desk: Desk, certify: Callable[[Scenario], Certificate]
) -> None:
    write_record(certificate_path(scenario_of(desk)), certify(scenario_of(desk)))
    sound = looked_at(desk)
    prompt = desk.folder / "scenarios/minus/prompt.md"
    prompt.write_text("Sums are wrong.\n")
    stale = looked_at(desk)

    assert (sound.returncode, sound.stdout.splitlines()[-1]) == (0, "no fault")
    assert "12 of 13" in sound.stdout
    survivor = "minus: lib/sum.mjs:2: `+` as `|` is not found: lib/sum.mjs:swap-arithmetic:1"
    assert survivor in sound.stdout.splitlines()
    assert stale.returncode == 1
    assert "minus/certificate.json: stale: prompt.md has changed" in stale.stdout.splitlines()


def test_a_low_score_is_shown_and_fails_the_check(
    desk: Desk, certify: Callable[[Scenario], Certificate]
) -> None:
    certificate = certify(scenario_of(desk))
    assert certificate.mutation
    low = certificate.mutation.model_copy(update={"killed": 1, "score": 0.5})
    changed = certificate.model_copy(update={"mutation": low})
    write_record(certificate_path(scenario_of(desk)), changed)

    checked = looked_at(desk)

    assert checked.returncode == 1
    assert "1 of 2" in checked.stdout
    assert "50 %" in checked.stdout
    fault = "minus/certificate.json: the hidden checks kill 1 of 2 mutants, fewer than 85%"
    assert fault in checked.stdout.splitlines()


def test_scenarios_and_lint_tell_of_certificates(
    desk: Desk, certify: Callable[[Scenario], Certificate]
) -> None:
    none = desk.testbed("scenarios")
    demanded = desk.testbed("scenarios", "lint", "--certified")
    write_record(certificate_path(scenario_of(desk)), certify(scenario_of(desk)))
    scored = desk.testbed("scenarios")
    (row,) = json.loads(desk.testbed("scenarios", "--json").stdout)

    assert "  none" in none.stdout
    assert "  score 92 %" in scored.stdout
    assert row["certificate"]["state"] == "fresh"
    assert demanded.returncode == 1
    assert demanded.stdout.startswith("minus/certificate.json: is missing. Run `testbed certify")
    assert desk.testbed("scenarios", "lint", "--certified").stdout == "no finding\n"


def test_an_unknown_scenario_names_the_known_ones(desk: Desk) -> None:
    refused = looked_at(desk, "plus")

    assert refused.returncode == 2
    assert "no scenario `plus`" in refused.stderr
    assert "Choose from: minus" in refused.stderr
