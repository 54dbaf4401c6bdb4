"""Records made again from the recorded files alone."""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import date
from typing import TYPE_CHECKING, Any

import pytest
import zstandard

from runner.recording import read_exchanges
from runner.replay.files import Damaged
from runner.replay.recompute import cost_under, recompute
from runner.summary import Outcome, summarise
from runner.tally import Tally
from testbed.plan import PlannedTrial
from testbed.records import Ending, Failure, Origin, Verdict

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from testbed.store import Run, TrialPaths


@dataclass(frozen=True)
class Tries:
    """The paths of the tries of a run."""

    run: Run

    def __getitem__(self, repeat: int) -> TrialPaths:
        return self.run.paths.attempt(PlannedTrial("acme/coder", "minus", repeat), 1)


def rewrite(path: Path, change: Callable[[int, dict[str, Any]], None]) -> None:
    """Change recorded exchanges one by one, counted from 1."""
    records = list(read_exchanges(path))
    for number, record in enumerate(records, 1):
        change(number, record)
    lines = [json.dumps(record).encode() + b"\n" for record in records]
    path.write_bytes(b"".join(zstandard.ZstdCompressor().compress(line) for line in lines))


def fields(run: Run, repeat: int = 1) -> list[str]:
    (one,) = (one for one in recompute(run) if one.stored.repeat == repeat)
    return [difference.field for difference in one.differences]


def test_every_try_is_rebuilt_to_the_last_digit(run: Run) -> None:
    rebuilt = list(recompute(run))

    assert [one.differences for one in rebuilt] == [(), (), ()]
    assert [one.trial for one in rebuilt] == [one.stored for one in rebuilt]


def test_the_small_run_holds_what_can_go_wrong(run: Run) -> None:
    finished, limited, silent = run.trials()[0]

    assert (finished.ending, finished.verdict) == (Ending.FINISHED, Verdict.FAIL)
    assert finished.funnel.causes == {"unknown_tool": 1, "invalid_json": 1}
    assert (finished.requests, finished.rate_limited, finished.unused) == (5, 1, 1)
    assert finished.phases["waiting"] > 0
    assert (limited.ending, limited.verdict) == (Ending.INFRA_ERROR, Verdict.UNGRADED)
    assert silent.ending is Ending.STOPPED_TALKING


def test_no_stored_exchange_is_believed(run: Run) -> None:
    def lie(number: int, record: dict[str, Any]) -> None:
        record["exchange"]["usage"]["output"] = 5 if number == 3 else 9

    paths = Tries(run)[1]
    rewrite(paths.exchanges, lambda n, r: lie(n, r) if n in (3, 4) else None)

    assert fields(run) == ["exchanges.3.usage.output", "exchanges.4.usage.output"]


def test_a_stream_that_was_changed_gives_other_figures(run: Run) -> None:
    def spoil(number: int, record: dict[str, Any]) -> None:
        if number == 3:
            chunks = record["chunks"]
            chunks[:] = [[at, text.replace('_tokens": 77', '_tokens": 78')] for at, text in chunks]

    rewrite(Tries(run)[1].exchanges, spoil)

    assert {"usage.output", "cost_usd", "exchanges.3.usage.output"} <= set(fields(run))


def test_a_time_that_was_changed_is_named(run: Run) -> None:
    def slow(number: int, record: dict[str, Any]) -> None:
        if number == 2:
            record["chunks"][-1][0] += 0.000001

    rewrite(Tries(run)[1].exchanges, slow)

    assert "latencies.0.response_s" in fields(run)


def test_a_call_is_judged_anew(run: Run) -> None:
    paths = Tries(run)[1]
    text = paths.turns.read_text()
    paths.turns.write_text(text.replace('"parsed","cause":"unknown_tool"', '"effective"', 1))

    assert fields(run)[:1] == ["turns.2.tool_calls.2.stage"]


def test_a_result_that_was_changed_contradicts_the_next_request(run: Run) -> None:
    paths = Tries(run)[1]
    paths.turns.write_text(paths.turns.read_text().replace("replaced lib", "replaces lib"))

    assert fields(run) == [
        "request of turn 3.messages.5.content",
        "request of turn 4.messages.5.content",
    ]


@pytest.mark.parametrize(
    ("was", "now", "named"),
    [
        ('"verdict":"fail"', '"verdict":"pass"', "verdict"),
        ('"cost_usd":0.001', '"cost_usd":0.002', "cost_usd"),
        ('"rate_limited":1', '"rate_limited":0', "rate_limited"),
        ('"unused":1', '"unused":0', "unused"),
        ('"localised":true', '"localised":null', "localised"),
        ('"harm":[]', '"harm":null', "harm"),
        ('"unknown_tool":1', '"unknown_tool":2', "funnel.causes.unknown_tool"),
        ('"added":', '"added":1', "patch.added"),
    ],
)
def test_a_stored_figure_that_was_changed_is_named(
    run: Run, was: str, now: str, named: str
) -> None:
    text = run.paths.journal.read_text()
    assert was in text
    run.paths.journal.write_text(text.replace(was, now, 1))

    assert fields(run) == [named]


def test_a_grade_that_contradicts_its_checks_is_named(run: Run) -> None:
    paths = Tries(run)[1]
    grade = paths.grade.read_text().replace('"verdict": "fail"', '"verdict": "pass"')
    paths.grade.write_text(grade)

    assert "grade.json: verdict" in fields(run)


def test_damage_is_an_error_that_names_the_file(run: Run) -> None:
    path = Tries(run)[1].exchanges
    path.write_bytes(path.read_bytes()[:-9] + b"scrambled")

    with pytest.raises(Damaged, match=r"exchanges\.jsonl\.zst"):
        list(recompute(run))


@pytest.mark.parametrize(
    ("name", "was", "now"),
    [
        ("patch.diff", b"@@ -1,2 +1 @@", b"@@ -9,9 +9,9 @@"),
        ("turns.jsonl", b'"index"', b'"endex"'),
        ("grade.json", b'"verdict"', b"verdict"),
    ],
)
def test_a_file_that_makes_no_sense_is_an_error_that_names_it(
    run: Run, name: str, was: bytes, now: bytes
) -> None:
    path = Tries(run)[1].folder / name
    assert was in path.read_bytes()
    path.write_bytes(path.read_bytes().replace(was, now))

    with pytest.raises(Damaged, match=name):
        list(recompute(run))


def test_turns_that_leave_one_out_are_an_error(run: Run) -> None:
    def skip(number: int, record: dict[str, Any]) -> None:
        if number == 5:
            record["exchange"]["turn"] = 5

    rewrite(Tries(run)[1].exchanges, skip)

    with pytest.raises(Damaged, match="turn 4 was never recorded"):
        list(recompute(run))


def test_another_price_card_gives_another_cost(run: Run) -> None:
    first = next(iter(recompute(run)))
    card = run.config.models[0]
    dearer = card.prices[0].model_copy(update={"output": 22.0})

    assert cost_under(card, first.exchanges) == first.stored.cost_usd
    cost = cost_under(card.model_copy(update={"prices": (dearer,)}), first.exchanges)
    assert cost is not None
    assert first.stored.cost_usd is not None
    assert cost - first.stored.cost_usd == pytest.approx(129 * 19.8e-6)
    later = card.prices[0].model_copy(update={"valid_from": date(2100, 1, 1)})
    assert cost_under(card.model_copy(update={"prices": (later,)}), first.exchanges) is None


def cut_after(paths: TrialPaths, turns: int, calls: int | None = None) -> None:
    """Forget what came after some turns, and after some calls of the last of them."""
    lines = [json.loads(line) for line in paths.turns.read_text().splitlines()[:turns]]
    lines[-1]["tool_calls"] = lines[-1]["tool_calls"][:calls]
    paths.turns.write_text("".join(json.dumps(line) + "\n" for line in lines))
    kept = [r for r in read_exchanges(paths.exchanges) if r["exchange"]["turn"] <= turns]
    data = [zstandard.ZstdCompressor().compress(json.dumps(r).encode() + b"\n") for r in kept]
    paths.exchanges.write_bytes(b"".join(data))


def restate(run: Run, **fields: object) -> None:
    """Store the first trial anew with other fields."""
    run.add(run.trials()[0][0].model_copy(update=fields))


def test_an_ending_by_the_clock_stands_where_the_recording_just_stops(run: Run) -> None:
    cut_after(Tries(run)[1], 3)

    assert "ending" in fields(run)
    restate(run, ending=Ending.TIME_LIMIT)
    assert "ending" not in fields(run)


def test_a_sandbox_that_went_away_within_a_turn_stands(run: Run) -> None:
    paths = Tries(run)[1]
    cut_after(paths, 2, calls=1)
    paths.patch.unlink()
    paths.grade.unlink()

    assert "ending" in fields(run)
    lost = Failure(origin=Origin.SANDBOX, detail="gone")
    restate(run, ending=Ending.INFRA_ERROR, failure=lost, verdict=Verdict.UNGRADED)
    assert not {"ending", "failure"} & set(fields(run))


def test_a_try_that_never_began_has_nothing_to_be_rebuilt(run: Run) -> None:
    trial = summarise(
        PlannedTrial("acme/coder", "minus", 4),
        card=run.config.models[0],
        kind="bug",
        attempt=1,
        started_at="2026-11-22T00:00:00.000+00:00",
        phases={"total": 1.0},
        tally=Tally(),
        outcome=Outcome(failure=Failure(origin=Origin.SANDBOX, detail="no image")),
    )
    run.add(trial)

    assert fields(run, 4) == []


def test_what_an_older_version_did_not_store_is_not_compared(run: Run) -> None:
    text = run.paths.journal.read_text()
    assert '"tool_replies":4,' in text
    run.paths.journal.write_text(text.replace('"tool_replies":4,', ""))

    assert fields(run) == []
