"""The run directory survives what happens to it, and says what it holds."""

from __future__ import annotations

import errno
import resource
from contextlib import contextmanager
from typing import TYPE_CHECKING

import pytest

from testbed.catalog import find_card
from testbed.errors import DiskFull, RunError
from testbed.findings import Quality, References
from testbed.marks import Factor, Mark, append_mark
from testbed.plan import PlannedScenario, PlannedTrial, RunConfig, RunLock, TrialLimits
from testbed.preflight import Preflight, Preflights
from testbed.records import Ending, Failure, Funnel, Origin, Trial, Verdict
from testbed.store import Run, find_run, storing, write_atomically, write_record

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

LOCK = RunLock(
    testbed="0.1.0",
    engine="fake",
    images={"app": "image-1"},
    prompt="p",
    fixtures={"app": "f"},
    scenarios={"fix-it": "s"},
    models={"scripted/oracle": "m"},
)


def a_trial(repeat: int, *, attempt: int = 1, verdict: Verdict = Verdict.PASS) -> Trial:
    spoiled = verdict is Verdict.UNGRADED
    return Trial(
        model="scripted/oracle",
        scripted=True,
        scenario="fix-it",
        kind="bug",
        repeat=repeat,
        attempt=attempt,
        ending=Ending.INFRA_ERROR if spoiled else Ending.FINISHED,
        verdict=verdict,
        failure=Failure(origin=Origin.SANDBOX, detail="gone") if spoiled else None,
        started_at="2026-01-01T00:00:00+00:00",
        phases={"total": 1.0},
        turns=1,
        requests=1,
        rate_limited=0,
        usage=None,
        cost_usd=None,
        funnel=Funnel(),
        latencies=(),
        patch=None,
    )


@pytest.fixture
def run(tmp_path: Path) -> Run:
    config = RunConfig(
        run_id="r1",
        created_at="2026-01-01T00:00:00+00:00",
        suite=str(tmp_path),
        models=(find_card("scripted/oracle"),),
        scenarios=(PlannedScenario(id="fix-it", title="Fix", kind="bug", difficulty="easy"),),
        repeats=3,
        engine="auto",
    )
    return Run.create(tmp_path / "runs", config)


def test_what_was_added_is_read_back(run: Run) -> None:
    with run.writing(LOCK):
        run.add(a_trial(1))

    assert Run(run.paths.folder).trials() == ([a_trial(1)], [])


def test_missing_is_the_planned_set_minus_the_valid_set(run: Run) -> None:
    with run.writing(LOCK):
        run.add(a_trial(2))
        run.add(a_trial(3, verdict=Verdict.UNGRADED))

    assert [planned.repeat for planned in run.missing()] == [1, 3]


def test_a_spoiled_try_stays_and_the_valid_one_counts(run: Run) -> None:
    with run.writing(LOCK):
        run.add(a_trial(1, verdict=Verdict.UNGRADED))
        run.add(a_trial(1, attempt=2, verdict=Verdict.FAIL))

    counted, spoiled = run.trials()

    assert [(t.attempt, t.verdict) for t in counted] == [(2, Verdict.FAIL)]
    assert [(t.attempt, t.verdict) for t in spoiled] == [(1, Verdict.UNGRADED)]


def test_a_regraded_try_replaces_its_line_without_losing_the_first(run: Run) -> None:
    with run.writing(LOCK):
        run.add(a_trial(1, verdict=Verdict.FAIL))
        run.add(a_trial(1, verdict=Verdict.PASS))

    assert [t.verdict for t in run.trials()[0]] == [Verdict.PASS]
    assert len(run.paths.journal.read_bytes().splitlines()) == 2


def test_a_torn_last_line_is_ignored_and_dropped_before_writing_on(run: Run) -> None:
    with run.writing(LOCK):
        run.add(a_trial(1))
    whole = run.paths.journal.read_bytes()
    run.paths.journal.write_bytes(whole + whole[:50])

    assert len(run.trials()[0]) == 1
    with run.writing(LOCK):
        run.add(a_trial(2))
    assert [t.repeat for t in run.trials()[0]] == [1, 2]


def test_a_broken_line_in_the_middle_names_the_line(run: Run) -> None:
    run.paths.journal.write_bytes(b"{}\n")

    with pytest.raises(RunError, match=r"trials\.jsonl:1: .*`model`"):
        run.trials()


def test_a_begun_try_is_never_written_over(run: Run) -> None:
    planned = PlannedTrial("scripted/oracle", "fix-it", 1)
    run.paths.attempt(planned, 1).folder.mkdir(parents=True)

    assert run.next_attempt(planned) == 2


def test_two_writers_are_refused(run: Run) -> None:
    with run.writing(LOCK), pytest.raises(RunError, match="another process"), run.writing(LOCK):
        pass


def test_a_run_is_not_continued_under_other_conditions(run: Run) -> None:
    with run.writing(LOCK):
        pass
    other = LOCK.model_copy(update={"scenarios": {"fix-it": "changed"}})

    with pytest.raises(RunError, match=r"scenarios\.fix-it"), run.writing(other):
        pass


def test_models_never_share_a_folder(run: Run) -> None:
    folders = {run.paths.repeat(PlannedTrial(m, "s", 1)) for m in ("a/b", "a_b", "a:b", "a-b")}

    assert len(folders) == 4


def test_a_full_disk_is_said_plainly(tmp_path: Path) -> None:
    with pytest.raises(DiskFull, match="no space left"), storing(tmp_path):
        raise OSError(errno.ENOSPC, "full")


def test_a_line_that_fits_on_the_disk_in_part_is_not_committed(run: Run) -> None:
    with run.writing(LOCK):
        for repeat in (1, 2):
            run.add(a_trial(repeat))
        whole = run.paths.journal.read_bytes()
        with room_for_files_of(len(whole) + 50), pytest.raises(OSError, match="too large"):
            run.add(a_trial(3))
        assert run.paths.journal.read_bytes() == whole
        run.add(a_trial(3))

    assert [t.repeat for t in run.trials()[0]] == [1, 2, 3]


@contextmanager
def room_for_files_of(size: int) -> Iterator[None]:
    """Let files of this process grow to so many bytes, as a full disk would."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)


def test_a_failed_write_leaves_the_old_file_and_no_rest(tmp_path: Path) -> None:
    path = tmp_path / "a.json"
    write_atomically(path, b"old")

    with pytest.raises(TypeError):
        write_atomically(path, "new")  # type: ignore[arg-type]

    assert path.read_bytes() == b"old"
    assert list(tmp_path.iterdir()) == [path]


def test_runs_are_found_by_id_folder_and_latest(run: Run) -> None:
    runs = run.paths.folder.parent

    for name in ("r1", str(run.paths.folder), "latest"):
        assert find_run(runs, name).config.run_id == "r1"
    with pytest.raises(RunError, match="no run `r2`"):
        find_run(runs, "r2")


def test_a_view_holds_what_was_found_beside_the_trials(run: Run) -> None:
    asked = [a_preflight("scripted/oracle", 1), a_preflight("gone", 2)]
    write_record(run.paths.preflight, Preflights(asked=tuple(asked)))
    write_record(run.paths.references, References(quality={"fix-it": Quality(type_escapes=0)}))
    with run.writing(LOCK):
        run.add(a_trial(1))
    mark = Mark(
        model="scripted/oracle",
        scenario="fix-it",
        repeat=1,
        attempt=1,
        patch="p",
        by="human:Ada",
        scores=dict.fromkeys(Factor, 4),
        rubric="r",
        cost_usd=0.0,
        at="2026-01-01T00:00:00+00:00",
    )
    append_mark(run.paths.marks, mark)
    view = run.view()

    assert view.models[0].preflights == (asked[0],)
    assert view.references == {"fix-it": Quality(type_escapes=0)}
    assert view.marks == (mark,)
    assert view.conditions["follow-ups"] == "0"
    assert view.conditions["engine"] == "fake"


def test_a_view_of_a_run_with_follow_ups_says_so(run: Run) -> None:
    config = run.config.model_copy(update={"run_id": "r2", "follow_ups": 3, "forced": True})
    view = Run.create(run.paths.folder.parent, config).view()

    assert view.follow_ups == 3
    assert view.conditions["follow-ups"] == "3"
    assert (view.marks, view.references, view.models[0].preflights) == ((), {}, ())


def test_the_limits_of_trials_are_conditions_and_repeats_are_not(run: Run) -> None:
    limits = TrialLimits(max_turns=7, max_tokens=None, max_tool_s=0.5)
    config = run.config.model_copy(update={"run_id": "r3", "limits": limits, "repeats": 9})
    conditions = Run.create(run.paths.folder.parent, config).view().conditions

    assert conditions == {
        "follow-ups": "0",
        "limits.max_turns": "7",
        "limits.max_tokens": "none",
        "limits.max_tool_s": "0.5",
        "limits.max_cost_usd": "none",
        "limits.max_wall_s": "3600",
    }


def test_only_a_red_preflight_that_was_passed_over_is_a_condition(run: Run) -> None:
    write_record(run.paths.preflight, Preflights(forced=True))

    assert run.view().conditions["preflight"] == "a red one was passed over"


def test_a_damaged_preflight_is_named(run: Run) -> None:
    run.paths.preflight.write_text("{}x")

    with pytest.raises(RunError, match=r"preflight\.json"):
        run.view()


def a_preflight(model: str, second: int) -> Preflight:
    return Preflight(
        model=model,
        card="c",
        base_url="https://models.example/v1",
        served_models=(),
        started_at=f"2026-01-01T00:00:0{second}+00:00",
        seconds=1.0,
        requests=6,
        usage=None,
        cost_usd=None,
        probes=(),
    )
