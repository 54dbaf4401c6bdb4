"""`testbed recompute`, `replay` and `verify-run` over a real run of the tiny suite."""

from __future__ import annotations

import json
import shutil
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest
import zstandard

from runner.recording import read_exchanges

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from tests.cli.conftest import Desk

pytestmark = pytest.mark.bubblewrap

PARTS = ("runs", "scenarios", "fixtures")
ORACLE = "scripted/oracle/minus/1"
CARD = """schema_version = 1
id = "mine/dear"
title = "Dear"
provider = "mine"
model = "dear"
base_url = "http://127.0.0.1:9/v1"

[[prices]]
input = 1000.0
output = 2000.0
valid_from = 2020-01-01
source = "here"
checked_on = 2026-11-22
"""


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the folder of the one run that all these tests look at: it holds its own path."""
    return tmp_path_factory.mktemp("place")


@pytest.fixture
def played(desk: Desk, place: Path, local_engine: object) -> Desk:
    """Return a desk with a run that is made once, to be spoiled at will."""
    assert local_engine
    here, kept = replace(desk, folder=place), place / "kept"
    if not kept.is_dir():
        shutil.copytree(desk.folder, here.folder, dirs_exist_ok=True)
        models = ("-m", "scripted/oracle", "-m", "scripted/noop")
        ran = here.testbed("run", *models, "-n", "1", "--engine", "local")
        assert ran.returncode == 0, ran.stderr
        for part in PARTS:
            shutil.copytree(here.folder / part, kept / part)
    for part in PARTS:
        shutil.rmtree(here.folder / part)
        shutil.copytree(kept / part, here.folder / part)
    return here


def oracle(desk: Desk) -> Path:
    (folder,) = desk.runs.glob("*/trials/scripted~oracle/minus/1/1")
    return folder


def rewrite(path: Path, change: Callable[[int, str], str]) -> None:
    """Change the text of recorded streams; exchanges are counted from 1."""
    records: list[dict[str, Any]] = list(read_exchanges(path))
    for number, record in enumerate(records, 1):
        record["chunks"] = [[at, change(number, text)] for at, text in record["chunks"]]
    lines = [json.dumps(record).encode() + b"\n" for record in records]
    path.write_bytes(b"".join(zstandard.ZstdCompressor().compress(line) for line in lines))


def test_a_run_is_recomputed_replayed_and_verified(played: Desk) -> None:
    recomputed, replayed, verified = map(played.testbed, ("recompute", "replay", "verify-run"))

    assert recomputed.returncode == 0, recomputed.stderr
    assert recomputed.stdout == "2 of 2 tries are rebuilt to the last digit\n"
    assert replayed.returncode == 0, replayed.stdout + replayed.stderr
    assert replayed.stdout.endswith("2 same, 0 depart, 0 not replayed\n")
    assert verified.returncode == 0, verified.stderr
    assert "2 planned = 2 valid + 0 ungraded + 0 missing" in verified.stdout


def test_a_replay_leaves_nothing_behind(played: Desk) -> None:
    before = {path: path.read_bytes() for path in played.runs.rglob("*") if path.is_file()}
    temporary = played.folder / "temporary"
    temporary.mkdir()

    played.testbed("replay", "--trial", ORACLE, TMPDIR=str(temporary))

    assert before == {p: p.read_bytes() for p in played.runs.rglob("*") if p.is_file()}
    assert not list(temporary.iterdir())


def test_the_figures_of_the_records_made_again_are_those_of_the_report(played: Desk) -> None:
    again = json.loads(played.testbed("recompute", "--metrics", "--json").stdout)
    told = json.loads(played.testbed("report", "--json").stdout)

    del told["scoreboard"]
    assert again == told
    table = played.testbed("recompute", "--metrics").stdout
    assert table
    assert played.testbed("report", "--all").stdout.startswith(table)


def test_another_price_card_gives_another_cost(played: Desk) -> None:
    (played.folder / "dear.toml").write_text(CARD)

    priced = played.testbed("recompute", "--prices", "dear.toml", "--json")

    assert priced.returncode == 0, priced.stderr
    answer = json.loads(priced.stdout)
    assert answer["prices"] == "mine/dear"
    costs = {row["model"]: (row["stored_usd"], row["new_usd"]) for row in answer["models"]}
    trials = [json.loads(path.read_text()) for path in played.runs.glob("*/trials/*/*/*/*/t*.json")]
    for trial in trials:
        usage = trial["usage"]
        wanted = (usage["fresh_input"] * 1000 + usage["output"] * 2000) / 1e6
        assert costs[trial["model"]] == (None, pytest.approx(wanted))


def test_a_stored_figure_that_was_changed_is_named_with_both_values(played: Desk) -> None:
    (journal,) = played.runs.glob("*/trials.jsonl")
    journal.write_text(journal.read_text().replace('"verdict":"fail"', '"verdict":"pass"'))

    changed = played.testbed("recompute")

    assert changed.returncode == 1
    assert "scripted/noop/minus/1 try 1: verdict: was 'pass', is 'fail'" in changed.stderr
    assert changed.stdout == "1 of 2 tries are rebuilt to the last digit\n"


def test_a_stream_that_was_changed_departs_at_its_turn(played: Desk) -> None:
    rewrite(
        oracle(played) / "exchanges.jsonl.zst",
        lambda number, text: text.replace('"shell"', '"shelf"') if number == 3 else text,
    )

    replayed = played.testbed("replay", "--trial", ORACLE)

    assert replayed.returncode == 1, replayed.stdout
    departure = "departs at turn 3: call 1.name: was 'shell', is 'shelf'"
    assert f"{ORACLE}: {departure}" in replayed.stdout


def test_a_changed_prompt_departs_at_the_first_request(played: Desk) -> None:
    prompt = played.folder / "scenarios" / "minus" / "prompt.md"
    prompt.write_text(prompt.read_text() + "\nHurry.\n")

    replayed = played.testbed("replay", "--trial", ORACLE)

    assert replayed.returncode == 1
    assert "departs at turn 1: request.messages.1.content" in replayed.stdout
    assert "changed since the run: scenarios.minus" in replayed.stderr


def test_a_scenario_that_is_not_replayed_is_not_told_as_changed(played: Desk) -> None:
    (path,) = played.runs.glob("*/lock.json")
    lock = json.loads(path.read_text())
    lock["scenarios"]["another"] = "a digest"
    path.write_text(json.dumps(lock))

    replayed = played.testbed("replay", "--trial", ORACLE)

    assert replayed.returncode == 0, replayed.stderr
    assert "changed since the run" not in replayed.stderr


def test_a_patch_that_was_changed_departs_after_the_conversation(played: Desk) -> None:
    patch = oracle(played) / "patch.diff"
    patch.write_text(patch.read_text().replace("+", "+ ", 1))

    replayed = played.testbed("replay", "--trial", ORACLE, "--json")

    (row,) = json.loads(replayed.stdout)["trials"]
    assert replayed.returncode == 1
    assert row["departure"].startswith("patch.diff: was ")


def test_a_verdict_that_was_changed_departs(played: Desk) -> None:
    (journal,) = played.runs.glob("*/trials.jsonl")
    journal.write_text(journal.read_text().replace('"verdict":"fail"', '"verdict":"pass"'))

    replayed = played.testbed("replay", "--trial", "scripted/noop/minus/1")

    assert replayed.returncode == 1
    assert "scripted/noop/minus/1: departs at verdict: was 'pass', is 'fail'" in replayed.stdout


def test_follow_ups_and_grades_made_again_hold_as_well(played: Desk) -> None:
    asked = ("-m", "scripted/noop", "-n", "1", "--engine", "local", "--follow-ups", "1")
    ran = played.testbed("run", *asked)
    assert ran.returncode == 0, ran.stderr

    graded = played.testbed("grade")

    assert "0 verdicts changed" in graded.stderr
    for command in ("recompute", "replay", "verify-run"):
        done = played.testbed(command)
        assert done.returncode == 0, done.stdout + done.stderr
    (folder,) = played.runs.glob("*/trials/scripted~noop/minus/1/1/patch-2.diff")
    assert folder.read_bytes() == b""


def test_a_damaged_recording_departs_and_the_others_are_replayed(played: Desk) -> None:
    (oracle(played) / "exchanges.jsonl.zst").write_bytes(b"nothing of the kind")

    replayed = played.testbed("replay")

    assert replayed.returncode == 1
    assert f"{ORACLE}: departs at exchanges.jsonl.zst: was 'readable'" in replayed.stdout
    assert "scripted/noop/minus/1: same" in replayed.stdout
    assert "Traceback" not in replayed.stderr


def test_a_damaged_run_is_a_finding_and_no_traceback(played: Desk) -> None:
    (config,) = played.runs.glob("*/run.json")
    config.write_bytes(config.read_bytes()[:-40])
    stream = oracle(played) / "exchanges.jsonl.zst"
    stream.write_bytes(stream.read_bytes()[:-9] + b"scrambled")

    verified = played.testbed("verify-run")
    recomputed = played.testbed("recompute", str(config.parent))

    assert verified.returncode == 1
    assert "run.json: " in verified.stderr
    assert "1/1/exchanges.jsonl.zst: changed" in verified.stderr
    assert recomputed.returncode == 2
    assert "Traceback" not in verified.stderr + recomputed.stderr


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("replay", "--trial", "scripted/oracle/plus/1"), "no complete trial `scripted/oracle/pl"),
        (("recompute", "--prices", "gpt-9"), "no model card `gpt-9`"),
        (("recompute", "r9"), "no run `r9`"),
        (("verify-run", "r9"), "no run `r9`"),
    ],
)
def test_what_is_not_there_is_one_clear_line(
    played: Desk, arguments: tuple[str, ...], words: str
) -> None:
    refused = played.testbed(*arguments)

    assert refused.returncode == 2
    assert words in refused.stderr
    assert len(refused.stderr.splitlines()) == 1
