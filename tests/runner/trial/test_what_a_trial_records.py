"""The record of a trial: its counts, what served it, and the digests that seal it."""

from __future__ import annotations

import asyncio
import hashlib
import json
from typing import TYPE_CHECKING, Any

import pytest

from runner.regrade import regrade
from runner.replay.recompute import rebuild
from runner.summary import reported_cost, served_models
from runner.tally import Tally
from testbed.records import Exchange, Stage, ToolCall, Trial, Turn, Verdict
from testbed.scenario import load_suite

if TYPE_CHECKING:
    from tests.runner.trial.conftest import Made, Maker

WRITE = {"path": "lib/sum.mjs", "content": "export const sum = (a, b) => a + b;\n"}
Answer = dict[str, Any]
"""The fields of a scripted answer."""


def solving(messages: list[dict[str, Any]]) -> Answer:
    turn: int = sum(message["role"] == "assistant" for message in messages)
    steps: list[Answer] = [
        {"call": ("read_file", {"path": "/etc/passwd"}), "model": "m-1"},
        {"call": ("write_file", {"file": "lib/sum.mjs"}), "model": "m-2"},
        {"call": ("write_file", WRITE), "model": "m-1"},
        {"call": ("finish", {"summary": "done"}), "model": "m-1"},
    ]
    return steps[turn]


def digests(made: Made) -> dict[str, str]:
    files = [path for path in made.paths.folder.iterdir() if path != made.paths.trial]
    return {path.name: hashlib.sha256(path.read_bytes()).hexdigest() for path in files}


def turn(finish_reason: str | None, *stages: Stage) -> Turn:
    calls = [ToolCall(id="c", name="f", raw_arguments="{}", stage=stage) for stage in stages]
    return Turn(
        index=1,
        text="",
        reasoning=None,
        finish_reason=finish_reason,
        tool_calls=tuple(calls),
        model_s=0.0,
        tool_s=0.0,
    )


def exchange(error: str | None = None, **fields: Any) -> Exchange:  # noqa: ANN401 (any field)
    return Exchange(turn=1, attempt=1, sent_at="", error=error, **fields)


async def test_a_trial_tells_counts_models_harm_and_is_sealed(make_one: Maker) -> None:
    made = await make_one(solving)

    trial = made.trial
    assert trial.verdict is Verdict.PASS
    assert (trial.tool_replies, trial.schema_valid_replies) == (4, 3)
    assert trial.served_models == ("m-1", "m-2")
    assert "changed during the trial: m-1, m-2" in made.paths.log.read_text()
    assert trial.harm == ("escape_attempt",)
    assert trial.prompts == ()
    assert trial.files == digests(made)
    assert set(trial.files) >= {"turns.jsonl", "exchanges.jsonl.zst", "patch.diff", "grade.json"}
    assert trial.lock == hashlib.sha256(made.run.paths.lock.read_bytes()).hexdigest()
    stored = Trial.model_validate_json(made.paths.trial.read_bytes())
    assert stored == trial


async def test_a_workspace_that_is_no_patch_fails_and_nothing_is_known_of_its_conduct(
    make_one: Maker,
) -> None:
    # Git writes a diff of an empty file below such a folder, and refuses to apply it.
    odd = {"path": "docs /empty.ts", "content": ""}
    made = await make_one(
        lambda messages: {
            "call": ("finish", {"summary": "done"})
            if messages[-1]["role"] == "tool"
            else ("write_file", odd)
        }
    )

    trial = made.trial
    assert (trial.verdict, trial.failure) == (Verdict.FAIL, None)
    assert trial.checks_failed == ("patch",)
    assert (trial.violations, trial.harm, trial.unused) == (None, None, None)
    assert trial.localised is False
    rebuilt = await asyncio.to_thread(rebuild, made.run.config, trial, made.paths)
    assert rebuilt.differences == ()


async def test_grading_again_seals_the_trial_anew(make_one: Maker) -> None:
    made = await make_one(solving)
    suite = load_suite(made.suite)

    await regrade(made.run, suite, cache=made.cache, jobs=1, progress=lambda _: None)

    ((again,), _) = made.run.trials()
    assert again.files == digests(made)
    assert again.files["log.txt"] != made.trial.files["log.txt"]
    assert (again.lock, again.harm) == (made.trial.lock, made.trial.harm)


def test_an_older_trial_without_digests_is_still_read(trial_of_old: str) -> None:
    trial = Trial.model_validate_json(trial_of_old)

    assert (trial.files, trial.lock, trial.prompts, trial.harm) == ({}, None, (), None)


@pytest.fixture
def trial_of_old() -> str:
    trial = {
        "schema_version": 1,
        "model": "m",
        "scripted": False,
        "scenario": "s",
        "kind": "bug",
        "repeat": 1,
        "attempt": 1,
        "ending": "finished",
        "verdict": "pass",
        "started_at": "2026-01-01",
        "phases": {},
        "turns": 1,
        "requests": 1,
        "rate_limited": 0,
        "usage": None,
        "cost_usd": None,
        "funnel": {},
        "latencies": [],
        "patch": None,
    }
    return json.dumps(trial)


@pytest.mark.parametrize(
    ("said", "counts"),
    [
        (turn("tool_calls", Stage.SCHEMA_VALID, Stage.EFFECTIVE), (1, 1)),
        (turn("tool_calls", Stage.EXECUTABLE, Stage.KNOWN), (1, 0)),
        (turn("tool_calls", Stage.EMITTED), (1, 0)),
        (turn("tool_calls"), (1, 0)),
        (turn("stop", Stage.EFFECTIVE), (0, 0)),
        (turn(None, Stage.EMITTED), (0, 0)),
    ],
)
def test_a_reply_is_valid_when_every_call_of_it_is(said: Turn, counts: tuple[int, int]) -> None:
    tally = Tally()

    tally.take(said)

    assert (tally.tool_replies, tally.schema_valid_replies) == counts


def test_a_reported_cost_is_known_only_when_every_reply_told_its_own() -> None:
    one, two, silent = exchange(reported_cost_usd=0.5), exchange(reported_cost_usd=0.0), exchange()

    assert reported_cost([one, two, exchange("rate_limit")]) == 0.5
    assert reported_cost([two]) == 0.0
    assert reported_cost([one, silent]) is None
    assert reported_cost([]) is None


def test_served_models_are_listed_once_in_order() -> None:
    names = ["b", None, "a", "b"]

    assert served_models([exchange(served_model=name) for name in names]) == ("b", "a")
