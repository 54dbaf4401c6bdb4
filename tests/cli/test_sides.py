"""What a side of a comparison may be called."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from testbed.catalog import find_card
from testbed.cli.sides import find_entrant
from testbed.errors import RunError
from testbed.plan import PlannedScenario, RunConfig
from testbed.store import Run

if TYPE_CHECKING:
    from pathlib import Path

ORACLE, NOOP, SLOPPY = "scripted/oracle", "scripted/noop", "scripted/sloppy"


def a_run(runs: Path, run_id: str, *models: str) -> Run:
    config = RunConfig(
        run_id=run_id,
        created_at="2026-01-01T00:00:00+00:00",
        suite=str(runs),
        models=tuple(map(find_card, models)),
        scenarios=(PlannedScenario(id="a", title="A", kind="bug", difficulty="easy"),),
        repeats=1,
        engine="auto",
    )
    return Run.create(runs, config)


@pytest.fixture
def runs(tmp_path: Path) -> Path:
    """Keep runs of which the latest has one model, and one whose name reads like two."""
    folder = tmp_path / "my@runs, all"
    a_run(folder, "r0", ORACLE)
    a_run(folder, "r0,r1", NOOP)
    a_run(folder, "r1", ORACLE, NOOP)
    a_run(folder, "r2", ORACLE, SLOPPY)
    a_run(folder, "r3", NOOP)
    return folder


@pytest.mark.parametrize(
    ("name", "model", "ids"),
    [
        (ORACLE, ORACLE, ["r2"]),
        (NOOP, NOOP, ["r3"]),
        ("scripted/oracle@r1", ORACLE, ["r1"]),
        ("scripted/oracle@r1,r2", ORACLE, ["r1", "r2"]),
        ("scripted/noop@latest", NOOP, ["r3"]),
        ("scripted/noop@latest,r1", NOOP, ["r3", "r1"]),
        ("scripted/noop@r0,r1,r3", NOOP, ["r0,r1", "r3"]),
        ("r3", NOOP, ["r3"]),
        ("latest", NOOP, ["r3"]),
        ("{runs}/r3", NOOP, ["r3"]),
        ("scripted/noop@{runs}/r1", NOOP, ["r1"]),
        ("scripted/noop@{runs}/r1,{runs}/r3", NOOP, ["r1", "r3"]),
        ("scripted/oracle@{runs}/r1,r2", ORACLE, ["r1", "r2"]),
    ],
)
def test_a_side_is_found_by_model_run_or_both(
    runs: Path, name: str, model: str, ids: list[str]
) -> None:
    """The folder's own name holds what else parts a name."""
    found = find_entrant(runs, name.format(runs=runs))

    assert (found.model, [run.config.run_id for run in found.runs]) == (model, ids)


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("r1", "run `r1` has 2 models: scripted/oracle, scripted/noop"),
        ("scripted/sloppy@r1", "run r1 has no model `scripted/sloppy`; it has: scripted/oracle"),
        ("scripted/orakle", "no run and no model `scripted/orakle`.*scripted/oracle"),
        ("scripted/noop@r9", "no run `r9`.*the latest: r3, r2, r1"),
        ("scripted/noop@r3,latest", "run r3 is named twice"),
        ("scripted/noop@r3,", "no run ``"),
        ("scripted/noop@", "no run ``"),
        ("", "no run and no model ``"),
        ("@r3", "run r3 has no model ``"),
    ],
)
def test_what_is_not_there_is_refused_in_one_line_that_says_what_is(
    runs: Path, name: str, words: str
) -> None:
    with pytest.raises(RunError, match=words) as refusal:
        find_entrant(runs, name)
    assert "\n" not in str(refusal.value)
    assert refusal.value.next_step


def test_without_any_run_nothing_is_there(tmp_path: Path) -> None:
    with pytest.raises(RunError, match="nothing is there"):
        find_entrant(tmp_path, "some/model")


def test_a_run_that_cannot_be_read_does_not_hide_the_others(
    runs: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (runs / "r4").mkdir()
    (runs / "r4" / "run.json").write_text("{}")

    assert find_entrant(runs, NOOP).runs[0].config.run_id == "r3"
    assert "r4" in capsys.readouterr().err
