"""Whatever is changed in a run's folder is found, and its file named."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from runner.replay.audit import NO_DIGESTS, audit_run
from testbed.briefs import Briefs
from testbed.findings import References
from testbed.plan import PlannedTrial
from testbed.preflight import Preflights
from testbed.records import Verdict
from testbed.store import write_record

if TYPE_CHECKING:
    from pathlib import Path

    from testbed.store import Run


def recorded(run: Run) -> list[Path]:
    """List the files of the run."""
    files = (path for path in run.paths.folder.rglob("*") if path.is_file())
    return sorted(path for path in files if path != run.paths.writer)


def named(run: Run) -> set[str]:
    return {finding.file for finding in audit_run(run.paths.folder).findings}


def first_try(run: Run) -> Path:
    return run.paths.attempt(PlannedTrial("acme/coder", "minus", 1), 1).folder


def test_a_run_as_it_was_left_is_sound(run: Run) -> None:
    audit = audit_run(run.paths.folder)

    assert audit.sound
    assert not audit.notes
    assert audit.digests == len(recorded(run)) - len(("lock.json", "trials.jsonl", *"123"))
    assert audit.counts == {"planned": 4, "valid": 2, "ungraded": 1, "missing": 1, "tries": 3}


def test_one_flipped_bit_of_any_byte_of_any_file_is_found_and_named(run: Run) -> None:
    files = [path for path in recorded(run) if path.stat().st_size]
    assert len(files) > 15
    for path in files:
        data = path.read_bytes()
        name = path.relative_to(run.paths.folder).as_posix()
        for at in sorted({0, len(data) // 3, len(data) // 2, len(data) - 1}):
            path.write_bytes(data[:at] + bytes([data[at] ^ 1]) + data[at + 1 :])
            assert name in named(run), f"byte {at} of {name}"
        path.write_bytes(data)
    assert audit_run(run.paths.folder).sound


def test_every_byte_of_the_journal_and_the_records_counts(run: Run) -> None:
    for path in (run.paths.journal, run.paths.lock, first_try(run) / "trial.json"):
        data = path.read_bytes()
        name = path.relative_to(run.paths.folder).as_posix()
        for at in range(0, len(data), 41):
            path.write_bytes(data[:at] + bytes([data[at] ^ 1]) + data[at + 1 :])
            assert name in named(run), f"byte {at} of {name}"
        path.write_bytes(data)


def test_every_file_that_is_gone_is_named(run: Run) -> None:
    for path in recorded(run):
        data = path.read_bytes()
        path.unlink()
        found = named(run)
        assert path.relative_to(run.paths.folder).as_posix() in found, path
        path.write_bytes(data)


def test_a_file_that_came_later_is_named(run: Run) -> None:
    (first_try(run) / "junit-app.xml").write_text("<testsuites/>")

    assert named(run) == {"trials/acme~coder/minus/1/1/junit-app.xml"}


def test_a_result_without_its_line_is_named(run: Run) -> None:
    lines = run.paths.journal.read_bytes().splitlines(keepends=True)
    run.paths.journal.write_bytes(b"".join(lines[1:]))

    assert named(run) == {"trials.jsonl", "trials/acme~coder/minus/1/1/trial.json"}


def test_a_line_that_no_plan_asked_for_is_named(run: Run) -> None:
    with run.paths.journal.open("ab") as journal:
        line = run.paths.journal.read_bytes().splitlines()[0]
        journal.write(line.replace(b'"repeat":1', b'"repeat":9') + b"\n")

    audit = audit_run(run.paths.folder)

    assert "trials.jsonl: acme/coder/minus/9 was not planned" in map(str, audit.findings)


def test_a_try_that_a_crash_cut_short_is_a_note(run: Run) -> None:
    cut = run.paths.attempt(PlannedTrial("acme/coder", "minus", 4), 1)
    cut.folder.mkdir(parents=True)
    cut.turns.write_text("")

    audit = audit_run(run.paths.folder)

    assert audit.sound
    assert [str(note) for note in audit.notes] == ["trials/acme~coder/minus/4/1: an unfinished try"]


def test_a_run_without_digests_is_not_called_sound(run: Run) -> None:
    tries = [trial for tries in run.tries().values() for trial in tries.values()]
    run.paths.journal.unlink()
    for trial in tries:
        run.add(trial.model_copy(update={"files": {}, "lock": None}))

    audit = audit_run(run.paths.folder)

    assert not audit.findings
    assert not audit.sound
    assert {unproven.what for unproven in audit.unproven} == {NO_DIGESTS}


@pytest.mark.parametrize(
    ("was", "now", "told"),
    [
        ('"requests":5', '"requests":6', "holds 5 exchanges, the trial 6"),
        ('"turns":4', '"turns":5', "holds 4 turns, the trial 5"),
        ('"output":129', '"output":130', "its usage does not add up"),
        ('"cost_usd":0.00', '"cost_usd":0.01', "its costs do not add up"),
        ('"verdict":"fail"', '"verdict":"pass"', "says fail, the trial pass"),
        ('"digest":"', '"digest":"0', "not the patch that was measured"),
    ],
)
def test_counts_and_sums_that_disagree_with_the_files_are_named(
    run: Run, was: str, now: str, told: str
) -> None:
    journal = run.paths.journal.read_text()
    assert was in journal
    run.paths.journal.write_text(journal.replace(was, now, 1))

    findings = audit_run(run.paths.folder).findings

    assert any(told in finding.what for finding in findings), findings


def test_a_replaced_line_may_differ_in_its_grade_alone(run: Run) -> None:
    trial = run.trials()[0][0]
    run.add(trial.model_copy(update={"verdict": Verdict.PASS}))
    run.add(trial)

    assert audit_run(run.paths.folder).sound

    lines = run.paths.journal.read_text().splitlines(keepends=True)
    lines[0] = lines[0].replace('"requests":5', '"requests":7')
    run.paths.journal.write_text("".join(lines))

    (finding,) = audit_run(run.paths.folder).findings
    assert str(finding) == "trials.jsonl: line 4 is no re-grading: requests: was 7, is 5"


@pytest.mark.parametrize("name", ["preflight.json", "references.json", "briefs.json"])
def test_a_file_that_no_digest_covers_is_a_note_and_its_damage_a_finding(
    run: Run, name: str
) -> None:
    record = {
        "preflight.json": Preflights(),
        "references.json": References(quality={}),
        "briefs.json": Briefs(scenarios={}),
    }[name]
    write_record(run.paths.folder / name, record)

    assert audit_run(run.paths.folder).sound
    assert [note.file for note in audit_run(run.paths.folder).notes] == [name]

    (run.paths.folder / name).write_text("{")

    assert named(run) == {name}


def test_a_line_that_says_the_same_in_other_bytes_is_named(run: Run) -> None:
    run.paths.journal.write_text(run.paths.journal.read_text().replace('","', '", "', 1))

    assert named(run) == {"trials.jsonl"}
