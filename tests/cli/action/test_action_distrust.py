"""Shards come from machines that ran foreign code: what cannot be believed is left out."""

from __future__ import annotations

import hashlib
import os
import shutil
from typing import TYPE_CHECKING

import pytest

from testbed.records import Failure, Grade, Origin, Trial, Verdict

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from tests.cli.action.conftest import Place

pytestmark = pytest.mark.bubblewrap
NOOP = "scripted/noop"


def trials_of(run: Path) -> list[Trial]:
    """Read a shard's trials, the candidate's last."""
    lines = (run / "trials.jsonl").read_text().splitlines()
    found = [Trial.model_validate_json(line) for line in lines]
    return sorted(found, key=lambda trial: trial.model == NOOP)


def stored(run: Path, trials: list[Trial]) -> None:
    """Write trials as the tool does: a line of the journal and a file of its own for each."""
    (run / "trials.jsonl").write_text("".join(f"{t.model_dump_json()}\n" for t in trials))
    for trial in trials:
        path = run / f"trials/{trial.model.replace('/', '~')}/minus/{trial.repeat}/1/trial.json"
        path.write_text(trial.model_dump_json(indent=1) + "\n")


def rewritten(run: Path, change: Callable[[Trial], Trial]) -> None:
    """Rewrite the candidate's last trial."""
    *others, last = trials_of(run)
    stored(run, [*others, change(last)])


def test_trials_without_a_verdict_are_never_green(job: Place) -> None:
    def spoil(trial: Trial) -> Trial:
        failure = Failure(origin=Origin.GRADER, detail="@all see http://evil.test `x`")
        grade = Grade(verdict=Verdict.UNGRADED, failure=failure)
        data = (grade.model_dump_json(indent=1) + "\n").encode()
        model = trial.model.replace("/", "~")
        (run / f"trials/{model}/minus/{trial.repeat}/1/grade.json").write_bytes(data)
        files = trial.files | {"grade.json": hashlib.sha256(data).hexdigest()}
        return trial.model_copy(
            update={"verdict": Verdict.UNGRADED, "failure": failure, "files": files}
        )

    run = job.runs[1]
    rewritten(run, spoil)
    job.replan(inputs={"fail_on": "never"})
    code, outcome = job.reported()

    assert (code, outcome["verdict"]) == (3, "infrastructure")
    assert "1 of 3 planned trials" in outcome["faults"][0]
    assert "1 spoiled by infrastructure, 0 never made" in outcome["faults"][0]

    job.replan(policy={"max_ungraded": 0.5})
    code, outcome = job.reported()
    assert (code, outcome["verdict"], len(outcome["faults"])) == (0, "regression", 1)


def first_try(run: Path) -> Path:
    return next(run.glob("trials/*/minus/*/1"))


def linked(run: Path) -> None:
    (first_try(run) / "log.txt").unlink()
    (first_try(run) / "log.txt").symlink_to("/etc/hostname")


def strange(run: Path) -> None:
    (first_try(run) / "../../../../../evil.sh").write_text("#!")


def outside_its_plan(run: Path) -> None:
    shutil.copytree(first_try(run).parent, run / "trials/scripted~noop/minus/9")


def of_another_shard(run: Path) -> None:
    path = run / "trials.jsonl"
    path.write_text(path.read_text().replace('"repeat":2', '"repeat":1'))


def climbing(run: Path) -> None:
    rewritten(run, lambda trial: trial.model_copy(update={"files": {"../../x": "0" * 64}}))


def flattered(run: Path) -> None:
    rewritten(run, lambda trial: trial.model_copy(update={"verdict": Verdict.PASS}))


def doubled(run: Path) -> None:
    path = run / "trials.jsonl"
    path.write_text(path.read_text() * 2)


def unreadable(run: Path) -> None:
    (run / "trials.jsonl").write_text('{"verdict": "pass"}\n')


def of_another_run(run: Path) -> None:
    path = run / "run.json"
    path.write_text(path.read_text().replace('"repeats": 3', '"repeats": 4'))


def a_pipe(run: Path) -> None:
    os.mkfifo(run / "lock.json.pipe")


def too_large(run: Path) -> None:
    with (first_try(run) / "log.txt").open("wb") as file:
        file.truncate(300_000_000)


def bomb(run: Path, piece: bytes, times: int) -> None:
    import zstandard

    packed = zstandard.ZstdCompressor().compress(piece)
    with (first_try(run) / "exchanges.jsonl.zst").open("wb") as file:
        file.writelines(packed for _ in range(times))


def a_bomb(run: Path) -> None:
    bomb(run, b"{}\n" * 400_000, 300)


def an_endless_line(run: Path) -> None:
    bomb(run, b"\0" * 1_000_000, 40)


def nested(run: Path) -> None:
    import zstandard

    line = b"[" * 200_000 + b"\n"
    (first_try(run) / "exchanges.jsonl.zst").write_bytes(zstandard.ZstdCompressor().compress(line))


def tampered(run: Path) -> None:
    (first_try(run) / "turns.jsonl").write_text("")


@pytest.mark.parametrize(
    ("damage", "words"),
    [
        (linked, "log.txt' is a link"),
        (strange, "'evil.sh' is no file of a trial"),
        (outside_its_plan, "is no file of a trial that it was to make"),
        (of_another_shard, "a trial that it was not to make"),
        (climbing, "a file that no trial has"),
        (flattered, "grade.json: says fail, the trial pass"),
        (doubled, "the same try a second time"),
        (unreadable, "trials.jsonl:1: `model`: Field required"),
        (of_another_run, "run.json is not that of the plan"),
        (a_pipe, "is a link or no plain file"),
        (too_large, "is too large"),
        (a_bomb, "unpacks to too much"),
        (an_endless_line, "unpacks to too much"),
        (nested, "cannot be read"),
        (tampered, "changed: its digest is another"),
    ],
)
def test_a_shard_that_cannot_be_believed_is_left_out_and_named(
    job: Place, damage: Callable[[Path], None], words: str
) -> None:
    damage(job.runs[1])
    code, outcome = job.reported()

    assert (code, outcome["verdict"], outcome["valid"]) == (3, "infrastructure", 4)
    assert outcome["faults"][0].startswith("shard 2 is refused: ")
    assert words in outcome["faults"][0]
    assert not list(job.folder.glob("answer/**/evil*"))


def test_a_shard_made_under_other_conditions_does_not_fit(job: Place) -> None:
    run = job.runs[1]
    lock = run / "lock.json"
    lock.write_text(lock.read_text().replace('"prompt": "', '"prompt": "0'))
    digest = hashlib.sha256(lock.read_bytes()).hexdigest()
    stored(run, [trial.model_copy(update={"lock": digest}) for trial in trials_of(run)])
    code, outcome = job.reported()

    assert (code, outcome["verdict"]) == (3, "infrastructure")
    assert "were made under different conditions: prompt" in outcome["faults"][0]


def test_a_shard_that_was_ended_in_the_middle_counts_as_far_as_it_came(job: Place) -> None:
    run = job.runs[1]
    path = run / "trials.jsonl"
    first, second = path.read_bytes().splitlines()
    path.write_bytes(first + b"\n" + second[:50])
    note = job.shards / "testbed-2" / "shard.json"
    note.write_text(note.read_text().replace('"fault": null', '"fault": "it was ended"'))
    (first_try(run) / ".grade.json.0a1b2c3d").write_text("{")
    code, outcome = job.reported()

    assert (code, outcome["valid"]) == (3, 5)
    assert outcome["faults"][0] == "shard 2 ended early: it was ended"
