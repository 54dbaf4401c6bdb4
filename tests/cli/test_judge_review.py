"""`testbed judge` and `testbed review`, from the command line to the marks they leave."""

from __future__ import annotations

import json
import shutil
from typing import TYPE_CHECKING, Any

import pytest

from testbed.marks import Factor, counted_marks, read_marks

if TYPE_CHECKING:
    from pathlib import Path

    from runner.sandbox.local import LocalEngine
    from testbed.marks import Mark
    from tests.cli.conftest import Desk

JUDGE = ("--model", "testbed/scripted-judge")
PLAYERS = ("-m", "scripted/oracle", "-m", "scripted/noop")

pytestmark = pytest.mark.bubblewrap


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("store") / "runs"


@pytest.fixture
def made(desk: Desk, store: Path, local_engine: LocalEngine) -> Desk:  # noqa: ARG001  (may skip)
    """Return a desk with a run, made once: the oracle leaves a patch, the no-op none."""
    if not store.exists():
        ran = desk.testbed("run", *PLAYERS, "-n", "1", "--engine", "local")
        assert ran.returncode == 0, ran.stderr
        shutil.copytree(desk.runs, store)
    shutil.copytree(store, desk.runs, dirs_exist_ok=True)
    return desk


def marks(desk: Desk) -> tuple[Mark, ...]:
    (run,) = desk.runs.iterdir()
    return read_marks(run / "marks.jsonl")


def answer_of(desk: Desk, *arguments: str) -> dict[str, Any]:
    judged = desk.testbed("judge", "latest", *JUDGE, *arguments, "--json")
    assert judged.returncode == 0, judged.stderr
    found: dict[str, Any] = json.loads(judged.stdout)
    return found


def test_a_run_is_judged_once_and_trials_stay_as_they_were(made: Desk) -> None:
    (journal,) = made.runs.glob("*/trials.jsonl")
    before = journal.read_bytes()

    first, again = answer_of(made), answer_of(made)

    assert (first["asked"], first["kept"], first["invalid"]) == (3, 0, 0)
    assert (again["asked"], again["kept"]) == (0, 3)
    assert first["means"] == again["means"]
    assert set(first["means"]) == {"scripted/oracle"}
    assert set(first["means"]["scripted/oracle"]) == set(Factor)
    assert first["agreement"]["modularity"]["within_one"] == 1
    assert first["cost_usd"] is None
    assert {mark.by for mark in marks(made)} == {"judge:testbed/scripted-judge"}
    assert len(list(made.runs.glob("*/judging/*/*/minus/1/1/*/exchanges.jsonl.zst"))) == 3
    assert journal.read_bytes() == before

    shown = made.testbed("judge", "latest", *JUDGE)
    assert "scripted/oracle" in shown.stdout
    assert "3 samples were there already" in shown.stderr


def test_a_review_is_written_filled_in_and_read_back(made: Desk) -> None:
    review = ("review", "latest", "--as", "Anna B.")
    written = made.testbed(*review)
    path = made.folder / written.stdout.strip()
    assert path.name == "review-Anna-B-.toml"
    assert "oracle" not in path.read_text()

    for score in (2, 4):
        text = path.read_text()
        for factor in Factor:
            text = text.replace(f"{factor} = {score - 2}", f"{factor} = {score}")
            text = text.replace(f"{factor} = 0", f"{factor} = {score}")
        path.write_text(text)
        stored = made.testbed(*review, "--file", str(path))
        assert stored.returncode == 0, stored.stderr

    assert [m.scores for m in marks(made)] == [dict.fromkeys(Factor, n) for n in (2, 4)]
    (counted,) = counted_marks(marks(made))
    assert counted.scores == dict.fromkeys(Factor, 4)
    assert (counted.by, counted.model) == ("human:Anna B.", "scripted/oracle")

    again = made.testbed(*review)
    assert again.returncode == 2
    assert "exists already" in again.stderr


def test_faults_of_a_review_are_a_line_each_and_nothing_is_stored(made: Desk) -> None:
    review = ("review", "latest", "scripted/oracle/minus/1", "--as", "Anna")
    path = made.folder / made.testbed(*review, "--show-models").stdout.strip()
    text = path.read_text()
    assert "Written by scripted/oracle" in text
    path.write_text(text.replace("modularity = 0", "modularity = 9"))

    refused = made.testbed(*review, "--file", str(path))

    assert refused.returncode == 2
    lines = refused.stderr.splitlines()
    assert len(lines) == 4
    assert all(f"{path}: entry 1 (p-" in line for line in lines)
    assert marks(made) == ()


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("judge", "latest", "-m", "own.toml"), "mine/judge would judge its own patches"),
        (("judge", "latest", "-m", "scripted/noop"), "a player cannot judge"),
        (("judge", "latest", *JUDGE, "--only", "x/y/1"), "x/y/1: no graded patch"),
        (("judge", "latest", *JUDGE, "--rubric", "none.md"), "none.md: cannot be read"),
        (("judge", "latest", *JUDGE, "--max-cost-usd", "1"), "has no price"),
        (("judge", "r9", *JUDGE), "no run `r9`"),
        (("review", "latest", "--as", " "), "--as: no name"),
        (("review", "latest", "--as", "A", "--file", "none.toml"), "none.toml: no such file"),
    ],
)
def test_what_cannot_be_done_is_one_clear_line(
    made: Desk, arguments: tuple[str, ...], words: str
) -> None:
    (made.folder / "own.toml").write_text(
        'schema_version = 1\nid = "mine/judge"\ntitle = "Own"\nprovider = "mine"\n'
        'model = "scripted/oracle"\nbase_url = "http://127.0.0.1:9/v1"\n'
    )

    refused = made.testbed(*arguments)

    assert refused.returncode == 2, refused.stderr
    assert words in refused.stderr
    assert len(refused.stderr.splitlines()) == 1
    assert not refused.stdout
    assert marks(made) == ()


def test_help_says_why_a_model_may_not_judge_itself(desk: Desk) -> None:
    told = " ".join(desk.testbed("judge", "--help").stdout.split())

    assert "--allow-self" in told
    assert "prefer what they wrote" in told
