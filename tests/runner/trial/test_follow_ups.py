"""With follow-ups the user asks on, in the same conversation, until the patch passes."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from runner.regrade import regrade
from testbed.records import Ending, Verdict
from testbed.scenario import load_suite

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.runner.trial.conftest import Made, Maker

RIGHT = "export const sum = (a, b) => a + b;\n"
WRONG = "export const sum = (a, b) => a * b;\n"
NO_FUNCTION = "export const sum = 3;\n"
NO_EXPORT = "export const product = 3;\n"
BROKEN_TYPES = "export const sum = (a, b => a;\n"
SPY = """import { existsSync, readFileSync } from "node:fs";
export const sum = (a, b) => a * b;
const spied = ".test" + "bed/checks/unit/hidden.test.mjs";
const found = existsSync(spied) ? btoa(readFileSync(spied, "utf8").slice(0, 90)) : "nothing found";
process.env.GREETING = "";
globalThis.Error = () => ({ message: found });
"""
FAIL, PASS = Verdict.FAIL, Verdict.PASS
Answer = dict[str, Any]
"""The fields of a scripted answer."""


def prompts(messages: list[dict[str, Any]]) -> list[str]:
    return [message["content"] for message in messages if message["role"] == "user"]


def writing(*contents: str) -> Callable[[list[dict[str, Any]]], Answer]:
    """Write one content per prompt, each time claiming to be done."""

    def answer(messages: list[dict[str, Any]]) -> Answer:
        asked = len(prompts(messages))
        done = messages[-1]["role"] == "tool"
        content = contents[min(asked, len(contents)) - 1]
        write = {"path": "lib/sum.mjs", "content": content}
        return {"call": ("finish", {"summary": "done"}) if done else ("write_file", write)}

    return answer


def last_prompts(made: Made) -> list[str]:
    return prompts(made.asked[-1])[1:]


def patches(made: Made) -> dict[str, str]:
    return {path.name: path.read_text() for path in made.paths.folder.glob("patch*.diff")}


async def test_a_bug_that_is_fixed_at_the_second_prompt_passes_with_two(make_one: Maker) -> None:
    made = await make_one(writing(WRONG, RIGHT), follow_ups=3)

    trial = made.trial
    assert (trial.verdict, trial.prompts) == (PASS, (FAIL, PASS))
    assert (trial.ending, trial.turns) == (Ending.FINISHED, 4)
    assert len({json.dumps(messages[:2]) for messages in made.asked}) == 1
    kept = patches(made)
    assert set(kept) == {"patch.diff", "patch-1.diff", "patch-2.diff"} <= set(trial.files)
    assert "a * b" in kept["patch-1.diff"]
    assert kept["patch-2.diff"] == kept["patch.diff"]
    assert "a + b" in kept["patch.diff"]
    assert trial.phases["agent"] < trial.phases["grade"]


async def test_a_user_who_sees_nothing_wrong_points_back_to_the_task(make_one: Maker) -> None:
    made = await make_one(writing(WRONG, RIGHT), follow_ups=1)

    (said,) = last_prompts(made)
    assert said == (
        "The task is not solved yet.\n\n"
        "Neither the tests of the repository nor the type check show what is missing: read the "
        "task again, and compare it with what you did.\n\n"
        "Go on from where you are; the task is still the one at the beginning. "
        "When it is done, call `finish`."
    )


async def test_a_user_quotes_the_visible_test_that_fails(make_one: Maker) -> None:
    made = await make_one(writing(NO_FUNCTION, RIGHT), follow_ups=1)

    (said,) = last_prompts(made)
    assert "- test/visible.test.mjs::is a function\n  no function" in said
    assert "greets" not in said


async def test_a_user_quotes_the_type_check(make_one: Maker) -> None:
    made = await make_one(writing(BROKEN_TYPES, RIGHT), follow_ups=1)

    (said,) = last_prompts(made)
    assert "The type check fails:\nexit code 1" in said
    assert "- test/visible.test.mjs::is a function (did not run)" in said


@pytest.mark.parametrize("content", [NO_EXPORT, SPY])
async def test_no_message_tells_of_a_hidden_check(make_one: Maker, content: str) -> None:
    made = await make_one(writing(WRONG, content), follow_ups=2)

    assert made.trial.prompts == (FAIL, FAIL, FAIL)
    assert len(last_prompts(made)) == 2
    said = "\n".join(last_prompts(made))
    for secret in ("adds", "hidden", ".testbed", "checks", "1 + 2", "sum(1"):
        assert secret not in said


async def test_code_under_test_finds_no_hidden_check_to_put_into_a_message(
    make_one: Maker,
) -> None:
    made = await make_one(writing(SPY), follow_ups=1)

    checks = json.loads(made.paths.grade.read_text())["checks"]
    details = {check["id"]: check["detail"] for check in checks}
    assert "nothing found" not in details["test/visible.test.mjs::greets"]
    (said,) = last_prompts(made)
    assert "- test/visible.test.mjs::greets\n  nothing found" in said


async def test_a_patch_that_passes_at_once_is_asked_nothing(make_one: Maker) -> None:
    made = await make_one(writing(RIGHT), follow_ups=3)

    assert (made.trial.verdict, made.trial.prompts) == (PASS, (PASS,))
    assert last_prompts(made) == []
    assert set(patches(made)) == {"patch.diff", "patch-1.diff"}


async def test_who_fails_every_prompt_has_failed_after_the_last(make_one: Maker) -> None:
    made = await make_one(writing(WRONG, NO_FUNCTION, WRONG, RIGHT), follow_ups=2)

    assert (made.trial.verdict, made.trial.prompts) == (FAIL, (FAIL, FAIL, FAIL))
    assert set(patches(made)) == {"patch.diff", "patch-1.diff", "patch-2.diff", "patch-3.diff"}


async def test_who_stops_talking_is_asked_on_and_nudged_anew(make_one: Maker) -> None:
    def talking(messages: list[dict[str, Any]]) -> Answer:
        asked = prompts(messages)
        if len(asked) <= 2:
            event = {"choices": [{"delta": {"content": "I am done."}, "finish_reason": "stop"}]}
            return {"body": [f"data: {json.dumps(event)}\n\ndata: [DONE]\n\n".encode()]}
        return writing(RIGHT)(messages)

    made = await make_one(talking, follow_ups=1)

    assert (made.trial.verdict, made.trial.prompts) == (PASS, (FAIL, PASS))
    roles = [message["role"] for message in made.asked[2]]
    assert roles == ["system", "user", "assistant", "user", "assistant", "user"]
    assert "called no tool" in made.asked[2][3]["content"]
    assert made.asked[2][5]["content"].startswith("The task is not solved yet.")


async def test_without_follow_ups_nothing_is_asked_and_nothing_more_is_kept(
    make_one: Maker,
) -> None:
    made = await make_one(writing(WRONG, RIGHT))

    assert (made.trial.verdict, made.trial.prompts) == (FAIL, ())
    assert set(patches(made)) == {"patch.diff"}


async def test_grading_again_grades_the_patch_of_every_prompt(make_one: Maker) -> None:
    made = await make_one(writing(WRONG, RIGHT), follow_ups=1)
    suite = load_suite(made.suite)
    same = await regrade(made.run, suite, cache=made.cache, jobs=1, progress=lambda _: None)
    first, last = (made.paths.folder / f"patch{name}.diff" for name in ("-1", ""))
    first.write_bytes(last.read_bytes())

    changed = await regrade(made.run, suite, cache=made.cache, jobs=1, progress=lambda _: None)

    ((again,), _) = made.run.trials()
    assert (same.changed, changed.changed) == (0, 1)
    assert (again.verdict, again.prompts) == (PASS, (PASS, PASS))
