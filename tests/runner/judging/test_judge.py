"""A judge over real HTTP: what it is shown, what is believed, what it costs."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from runner.judging.docket import docket
from runner.judging.judge import Judge, exchanges_folder
from runner.judging.question import load_rubric
from runner.judging.scripted import SCRIPTED, serve_judge
from runner.players.player import Answer, Bill, Call, Rejection, call
from runner.recording import read_exchanges
from testbed.errors import EndpointError, RunError, UsageError
from testbed.marks import (
    Factor,
    append_mark,
    marks_cost,
    mean_scores,
    read_marks,
    sample_agreement,
)

if TYPE_CHECKING:
    from collections.abc import Callable
    from contextlib import AbstractAsyncContextManager
    from pathlib import Path

    from testbed.catalog import ModelCard
    from tests.runner.judging.conftest import Bench, Critic

    Serve = Callable[[Critic], AbstractAsyncContextManager[str]]
    MakeCard = Callable[..., ModelCard]

KEY = "sk-judge-0123456789"
BILL = Bill(prompt=1000, completion=500)
COST = 0.002
"""Of one answer with that bill: 1000 tokens at 1 USD and 500 at 2 USD per million."""


def marks(value: int, **more: object) -> Call:
    """Call the tool with one score for all factors."""
    return call("give_marks", **dict.fromkeys(Factor, value) | more)


def answered(*calls: Call, text: str = "") -> Answer:
    """Answer with calls or text, at a known price."""
    return Answer(calls=calls, text=text, bill=BILL)


def judge_of(bench: Bench, card: ModelCard, **options: Any) -> Judge:  # noqa: ANN401 (any option)
    """Make a judge with one sample, unless told otherwise."""
    known: dict[str, Any] = {"rubric": load_rubric(), "samples": 1}
    return Judge(run=bench.run, card=card, **known | options)


async def test_every_patch_is_marked_as_often_as_asked_and_paid_for(
    bench: Bench, critic: type[Critic], served: Serve, make_card: MakeCard
) -> None:
    bench.add("acme/left")
    bench.add("acme/right")
    wise = critic([answered(marks(4, reasons="Clear."))])
    judge = judge_of(bench, make_card("acme/critic"), samples=2)

    async with served(wise) as base_url:
        sitting = await judge.sit(docket(bench.run), base_url=base_url)

    stored = read_marks(bench.run.paths.marks)
    assert stored == tuple(sitting.marks)
    assert sorted((m.model, m.sample) for m in stored) == [
        ("acme/left", 1),
        ("acme/left", 2),
        ("acme/right", 1),
        ("acme/right", 2),
    ]
    assert {m.by for m in stored} == {"judge:acme/critic"}
    assert {m.note for m in stored} == {"Clear."}
    assert {m.served_model for m in stored} == {"scripted/critic"}
    assert marks_cost(stored) == pytest.approx(4 * COST)
    assert mean_scores(stored)["judge:acme/critic"]["acme/left"][Factor.READABILITY] == 4


async def test_a_judge_is_told_neither_model_nor_outcome(
    bench: Bench, critic: type[Critic], served: Serve, make_card: MakeCard
) -> None:
    bench.add("acme/left", diff="+const answer = 42;\n", task="Mend the answer.")
    wise = critic()

    async with served(wise) as base_url:
        await judge_of(bench, make_card("acme/critic")).sit(docket(bench.run), base_url=base_url)

    (asked,) = wise.asked
    said = json.dumps(asked)
    assert "Mend the answer." in said
    assert "+const answer = 42;" in said
    for told in ("acme", "left", "minus", "verdict", "attempt", "repeat"):
        assert told not in said


async def test_samples_that_are_there_are_not_asked_for_again(
    bench: Bench,
    critic: type[Critic],
    served: Serve,
    make_card: MakeCard,
    tmp_path: Path,
) -> None:
    bench.add()
    wise, mine = critic(), make_card("acme/critic")
    other = tmp_path / "other.md"
    other.write_text("Be brief.\n" + "".join(f"## {factor}\nWell?\n" for factor in Factor))

    async def asked(judge: Judge) -> int:
        before = len(wise.asked)
        await judge.sit(docket(bench.run), base_url=base_url)
        return len(wise.asked) - before

    async with served(wise) as base_url:
        assert await asked(judge_of(bench, mine, samples=2)) == 2
        assert await asked(judge_of(bench, mine, samples=2)) == 0
        assert await asked(judge_of(bench, mine, samples=3)) == 1
        assert await asked(judge_of(bench, mine, rubric=load_rubric(other))) == 1
        assert await asked(judge_of(bench, make_card("acme/critic", temperature=0.5))) == 1
        assert await asked(judge_of(bench, mine, samples=3)) == 0


BAD = {
    "no marks at all": answered(text="It is rather good."),
    "a score off the scale": answered(marks(6)),
    "a factor that is missing": answered(call("give_marks", modularity=3)),
    "a score that is no number": answered(marks(3, modularity="3")),
    "a factor of its own": answered(marks(3, elegance=5)),
    "another tool": answered(call("finish", summary="done")),
    "broken arguments": answered(Call("give_marks", '{"modularity": 3')),
    "two calls": answered(marks(3), marks(4)),
    "two sets in the text": answered(
        text=" ".join(json.dumps(dict.fromkeys(Factor, n)) for n in (1, 5))
    ),
}


@pytest.mark.parametrize("bad", BAD.values(), ids=BAD)
async def test_an_unusable_answer_is_asked_for_once_more_and_then_no_mark(
    bench: Bench, critic: type[Critic], served: Serve, make_card: MakeCard, bad: Answer
) -> None:
    bench.add()
    stubborn, mended = critic([bad]), critic([bad, answered(marks(2))])
    mine = make_card("acme/critic")

    async with served(stubborn) as base_url:
        await judge_of(bench, mine).sit(docket(bench.run), base_url=base_url)
        await judge_of(bench, mine).sit(docket(bench.run), base_url=base_url)
    async with served(mended) as base_url:
        await judge_of(bench, mine, samples=2).sit(docket(bench.run), base_url=base_url)

    void, sound = read_marks(bench.run.paths.marks)
    assert len(stubborn.asked) == 2
    assert "could not be used" in stubborn.asked[1][-1]["content"]
    assert void.scores is None
    assert void.fault is not None
    assert void.fault.startswith("invalid: ")
    assert sound.scores == dict.fromkeys(Factor, 2)
    assert [m.cost_usd for m in (void, sound)] == [pytest.approx(2 * COST)] * 2


async def test_marks_in_plain_text_are_taken_when_there_is_one_set(
    bench: Bench, critic: type[Critic], served: Serve, make_card: MakeCard
) -> None:
    bench.add()
    text = f"My marks:\n```json\n{json.dumps(dict.fromkeys(Factor, 5))}\n```\nas {{said}}."

    async with served(critic([answered(text=text)])) as base_url:
        judge = judge_of(bench, make_card("acme/critic"))
        sitting = await judge.sit(docket(bench.run), base_url=base_url)

    assert [m.scores for m in sitting.marks] == [dict.fromkeys(Factor, 5)]


async def test_no_sample_is_asked_for_that_could_exceed_the_limit(
    bench: Bench, critic: type[Critic], served: Serve, make_card: MakeCard
) -> None:
    bench.add()
    wise = critic([answered(marks(3))])
    mine = make_card("acme/critic", max_output_tokens=1000)
    judge = judge_of(bench, mine, samples=50, max_cost_usd=0.02)

    async with served(wise) as base_url:
        sitting = await judge.sit(docket(bench.run), base_url=base_url)

    cost = marks_cost(read_marks(bench.run.paths.marks))
    assert 0 < len(wise.asked) < 50
    assert sitting.left == 50 - len(wise.asked)
    assert cost is not None
    assert cost <= 0.02


async def test_a_limit_needs_a_price(bench: Bench, make_card: MakeCard) -> None:
    bench.add()
    judge = judge_of(bench, make_card("acme/critic", prices=[]), max_cost_usd=1.0)

    with pytest.raises(RunError, match="acme/critic has no price"):
        await judge.sit(docket(bench.run))


async def test_an_endpoint_that_fails_stops_the_judge_and_costs_no_sample(
    bench: Bench, critic: type[Critic], served: Serve, make_card: MakeCard
) -> None:
    bench.add(repeat=1)
    bench.add(repeat=2)
    refused = Rejection(request=2, status=401, code="invalid_api_key", message="Wrong key")
    judge = judge_of(bench, make_card("acme/critic"))

    async with served(critic(rejections=(refused,))) as base_url:
        with pytest.raises(EndpointError, match=r"no_reply: auth.*goes on from there"):
            await judge.sit(docket(bench.run), base_url=base_url)
        assert len(read_marks(bench.run.paths.marks)) == 1
        await judge.sit(docket(bench.run), base_url=base_url)

    assert sorted(m.repeat for m in read_marks(bench.run.paths.marks)) == [1, 2]


async def test_a_sample_that_was_lost_is_asked_for_again_and_stays_booked(
    bench: Bench, critic: type[Critic], served: Serve, make_card: MakeCard
) -> None:
    bench.add()
    judge = judge_of(bench, make_card("acme/critic"))
    async with served(critic([answered(marks(3))])) as base_url:
        (sound,) = (await judge.sit(docket(bench.run), base_url=base_url)).marks
        lost = {"scores": None, "fault": "no_reply: stream: cut", "cost_usd": 0.5}
        bench.run.paths.marks.unlink()
        append_mark(bench.run.paths.marks, sound.model_copy(update=lost))

        await judge.sit(docket(bench.run), base_url=base_url)

    stored = read_marks(bench.run.paths.marks)
    assert [m.scores is None for m in stored] == [True, False]
    assert marks_cost(stored) == pytest.approx(0.5 + COST)


async def test_what_was_asked_and_answered_is_kept_without_the_key(
    bench: Bench,
    critic: type[Critic],
    served: Serve,
    make_card: MakeCard,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("CRITIC_KEY", KEY)
    bench.add(diff=f"+const key = '{KEY}';\n")
    babbler = critic([answered(marks(3, reasons=f"I know {KEY}."))])
    mine = make_card("acme/critic", key_variable="CRITIC_KEY")

    async with served(babbler) as base_url:
        await judge_of(bench, mine).sit(docket(bench.run), base_url=base_url)

    (exhibit,) = docket(bench.run)
    folder = exchanges_folder(bench.run.paths.folder, "acme/critic", exhibit, sample=1)
    (kept,) = read_exchanges(folder / "exchanges.jsonl.zst")
    assert kept["request"]["tools"][0]["function"]["name"] == "give_marks"
    assert kept["chunks"]
    assert KEY not in json.dumps(kept)
    assert KEY not in bench.run.paths.marks.read_text()


async def test_the_scripted_judge_is_served_over_http_and_says_what_it_is(bench: Bench) -> None:
    bench.add(repeat=1)
    bench.add(repeat=2, diff="+line\n" * 25)

    async with serve_judge(SCRIPTED) as base_url:
        sitting = await judge_of(bench, SCRIPTED, samples=4).sit(
            docket(bench.run), base_url=base_url
        )

    by_length = {m.repeat: max((m.scores or {}).values()) for m in sitting.marks}
    assert by_length == {1: 5, 2: 3}
    assert {m.by for m in sitting.marks} == {"judge:testbed/scripted-judge"}
    assert all(m.note.startswith("Scripted") for m in sitting.marks)
    agreed = sample_agreement(sitting.marks)["judge:testbed/scripted-judge"]
    assert all(one.within_one == 1 for one in agreed.values())


async def test_a_judge_without_its_key_is_told_which(bench: Bench, make_card: MakeCard) -> None:
    bench.add()
    judge = judge_of(bench, make_card("acme/critic", key_variable="NO_SUCH_KEY"))

    with pytest.raises(EndpointError, match="NO_SUCH_KEY is not set"):
        await judge.sit(docket(bench.run))


def test_a_rubric_without_a_factor_is_refused(tmp_path: Path) -> None:
    mine = tmp_path / "mine.md"
    mine.write_text("".join(f"## {factor}\nWell?\n" for factor in list(Factor)[1:]))

    with pytest.raises(UsageError, match=r"mine\.md: 0 sections are headed `## modularity`"):
        load_rubric(mine)
    with pytest.raises(UsageError, match="cannot be read"):
        load_rubric(tmp_path / "none.md")
