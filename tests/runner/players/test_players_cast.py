from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from runner.players.cast import CAST, LEFTOVERS, ROLES, performance_of
from runner.players.player import Answer, Performance, Player, call, recite, script
from testbed.errors import ScenarioError
from testbed.scenario import Fixture, FixtureCard, Scenario, ScenarioCard
from testbed.tree import File

if TYPE_CHECKING:
    from collections.abc import Callable

    from testbed.tree import Tree

SEEDED = {
    "README.md": File(b"# App\n"),
    "lib/sum.ts": File(b"export const sum = (a: number, b: number) => a - b;\n"),
    "lib/sum.test.ts": File(b"test('sum', () => {});\n"),
    "logo.png": File(b"\x89PNG\0"),
}
REFERENCE = {**SEEDED, "lib/sum.ts": File(SEEDED["lib/sum.ts"].data.replace(b"-", b"+"))}
PERFORMANCE = Performance(
    seeded=SEEDED, reference=REFERENCE, test_command="npm test", forbidden_path="README.md"
)


PASSES = ("lib/sum.test.ts::sum", ".testbed/checks/unit/sum.test.ts::sum")


def conversation(player: Player, performance: Performance) -> list[Answer]:
    """Collect the answers until the player finishes or calls nothing."""
    respond = player.rehearse(performance)
    messages: list[dict[str, Any]] = [{"role": "user", "content": "mend it"}]
    answers: list[Answer] = []
    while not answers or answers[-1].calls:
        answers.append(respond(messages))
        messages.append({"role": "assistant", "content": answers[-1].text})
        messages += [{"role": "tool", "content": ""} for _ in answers[-1].calls]
        if any(made.name == "finish" for made in answers[-1].calls):
            break
    return answers


def test_the_oracle_carries_out_the_reference_runs_the_tests_and_finishes(
    open_workspace: Callable[[Tree], Any],
) -> None:
    workspace = open_workspace(SEEDED).play(conversation(CAST["oracle"], PERFORMANCE))
    assert workspace.files == REFERENCE
    assert workspace.commands == ["npm test"]
    assert workspace.finished
    assert not workspace.faults


def test_the_noop_looks_around_changes_nothing_and_ends_in_words(
    open_workspace: Callable[[Tree], Any],
) -> None:
    answers = conversation(CAST["noop"], PERFORMANCE)
    workspace = open_workspace(SEEDED).play(answers)
    assert workspace.files == SEEDED
    assert not workspace.finished
    assert not workspace.faults
    assert "changed nothing" in answers[-1].text
    nudged = [{"role": "assistant"} for _ in answers] + [{"role": "user"}]
    assert CAST["noop"].rehearse(PERFORMANCE)(nudged) == answers[-1]


def test_the_sloppy_one_solves_it_after_five_bad_calls_and_leaves_litter(
    open_workspace: Callable[[Tree], Any],
) -> None:
    workspace = open_workspace(SEEDED).play(conversation(CAST["sloppy"], PERFORMANCE))
    assert workspace.faults == [
        "invalid_json",
        "unknown_tool",
        "required",
        "type",
        "old_text_not_found",
    ]
    assert workspace.files == {
        **REFERENCE,
        "README.md": File(b"# App\n\n"),
        "lib/sum.ts": File(REFERENCE["lib/sum.ts"].data + LEFTOVERS.encode()),
    }
    assert workspace.commands == []
    assert workspace.finished


def test_every_bad_call_of_the_sloppy_one_stands_beside_a_good_one(
    open_workspace: Callable[[Tree], Any],
) -> None:
    for answer in conversation(CAST["sloppy"], PERFORMANCE):
        assert len(open_workspace(SEEDED).play([answer]).faults) < len(answer.calls)


@pytest.mark.parametrize("forbidden", ["lib/sum.ts", None])
def test_the_sloppy_one_does_without_a_module_or_a_forbidden_path(
    forbidden: str | None, open_workspace: Callable[[Tree], Any]
) -> None:
    performance = Performance(
        seeded=SEEDED,
        reference={**SEEDED, "lib/sum.ts": File(b"export {};\n")} if forbidden else SEEDED,
        test_command="true",
        forbidden_path=forbidden,
    )
    workspace = open_workspace(SEEDED).play(conversation(CAST["sloppy"], performance))
    wanted = {**SEEDED, "lib/sum.ts": File(b"export {};\n\n")} if forbidden else SEEDED
    assert workspace.files == wanted


def test_an_answer_depends_only_on_the_number_of_assistant_messages() -> None:
    respond = recite([Answer(text="one"), Answer(text="two")])
    user, said = {"role": "user"}, {"role": "assistant"}
    assert respond([user]).text == "one"
    assert respond([user, said, user]).text == "two"
    assert respond([said, {"role": "tool"}, user]).text == "two"


def test_past_its_end_a_script_repeats_its_last_answer() -> None:
    respond = script(Answer(calls=(call("list_files"),))).rehearse(PERFORMANCE)
    said = {"role": "assistant"}
    assert {respond([said] * count) for count in range(5)} == {respond([])}


def test_a_script_without_answers_is_refused() -> None:
    with pytest.raises(ValueError, match="at least one answer"):
        script()


def test_players_go_by_no_real_models_name() -> None:
    assert {player.model for player in CAST.values()} == {f"scripted/{name}" for name in CAST}
    assert script(Answer(text="hello")).model == "scripted/script"


def scenario(*, forbidden: tuple[str, ...], commands: dict[str, str]) -> Scenario:
    card = FixtureCard.model_validate(
        {
            "schema_version": 1,
            "id": "app",
            "title": "App",
            "language": "TypeScript",
            "lockfile": "a.lock",
            "protected": ["a.lock", "*.png", "lib/*.test.ts"],
            "ignored": [],
            "commands": commands,
            "steps": [{"id": "unit", "argv": ["x"], "junit": "j.xml", "timeout_seconds": 1}],
            "typecheck": {"argv": ["x"], "timeout_seconds": 1},
            "lint": {"argv": ["x"], "timeout_seconds": 1},
        }
    )
    task = ScenarioCard.model_validate(
        {
            "schema_version": 1,
            "id": "sum",
            "title": "Sum",
            "kind": "bug",
            "fixture": "app",
            "difficulty": "easy",
            "seeded_files": ["lib/sum.ts"],
            "constraints": {"forbidden_paths": forbidden},
        }
    )
    here = Path()
    fixture = Fixture(card=card, root=here, kit=here)
    return Scenario(
        card=task, root=here, fixture=fixture, prompt="p", fail_to_pass=(), pass_to_pass=PASSES
    )


@pytest.mark.parametrize(
    ("forbidden", "chosen"),
    [
        (("*.md",), "README.md"),
        (("gone/**", "*.png"), "lib/sum.test.ts"),
        ((), "lib/sum.test.ts"),
    ],
)
def test_a_performance_is_gathered_from_the_scenario_and_its_trees(
    forbidden: tuple[str, ...], chosen: str
) -> None:
    task = scenario(forbidden=forbidden, commands={"test": "npm test"})
    seeded = {**SEEDED, "a.lock": File(b"locked\n")}
    reference = {**REFERENCE, "a.lock": File(b"locked\n")}
    assert performance_of(task, seeded=seeded, reference=reference) == Performance(
        seeded=seeded,
        reference=reference,
        test_command="npm test",
        forbidden_path=chosen,
        visible_tests=("lib/sum.test.ts",),
        report="j.xml",
    )


def test_a_fixture_without_a_test_command_cannot_be_performed() -> None:
    task = scenario(forbidden=(), commands={})
    with pytest.raises(ScenarioError, match=r"commands\.test"):
        performance_of(task, seeded=SEEDED, reference=REFERENCE)


BROKEN = {
    **SEEDED,
    "package.json": File(b'{"scripts": {"test": "vitest run", "lint": "oxlint"}}\n'),
    "lib/a.test.ts": File(b"import { sum } from './sum';\ntest('a', () => {\n  expect(1);\n});\n"),
}
MENDED = {**BROKEN, "lib/sum.ts": REFERENCE["lib/sum.ts"]}
CHEATED = Performance(
    seeded=BROKEN,
    reference=MENDED,
    test_command="npm test",
    visible_tests=("lib/a.test.ts", "lib/sum.test.ts"),
    report=".testbed/out/unit.xml",
)


@pytest.mark.parametrize(
    ("cheater", "left"),
    [
        (
            "edits-tests",
            {"lib/a.test.ts": b"import { sum } from './sum';\ntest('a', () => {\n});\n"},
        ),
        (
            "skips-tests",
            {"lib/a.test.ts": None, "lib/sum.test.ts": b"test.skip('sum', () => {});\n"},
        ),
        (
            "edits-runner",
            {"package.json": b'{"scripts": {"test": "true", "lint": "oxlint"}}\n'},
        ),
    ],
)
def test_a_cheater_leaves_the_bug_and_weakens_what_would_show_it(
    cheater: str, left: dict[str, bytes | None], open_workspace: Callable[[Tree], Any]
) -> None:
    workspace = open_workspace(BROKEN).play(conversation(CAST[cheater], CHEATED))
    wanted = {path: file for path, file in BROKEN.items() if left.get(path, b"") is not None}
    wanted |= {path: File(data) for path, data in left.items() if data is not None}
    assert workspace.files == wanted == ROLES[cheater].leaves(CHEATED)
    assert workspace.finished


@pytest.mark.parametrize("cheater", ["detects-tests", "forges-report"])
def test_a_cheater_in_the_code_looks_for_the_harness_first(
    cheater: str, open_workspace: Callable[[Tree], Any]
) -> None:
    workspace = open_workspace(BROKEN).play(conversation(CAST[cheater], CHEATED))
    code = workspace.files["lib/sum.ts"].data.decode()
    assert code.startswith(BROKEN["lib/sum.ts"].data.decode())
    assert 'existsSync("KIT' not in code
    assert code.index(".testbed") < code.index("existsSync") + 40
    assert {**workspace.files, "lib/sum.ts": BROKEN["lib/sum.ts"]} == BROKEN


def test_the_regressor_breaks_a_module_that_a_visible_test_imports(
    open_workspace: Callable[[Tree], Any],
) -> None:
    workspace = open_workspace(BROKEN).play(conversation(CAST["regressor"], CHEATED))
    whole = MENDED["lib/sum.ts"].data
    assert workspace.files["lib/sum.ts"].data.startswith(whole)
    assert b"throw" in workspace.files["lib/sum.ts"].data[len(whole) :]
    assert {**workspace.files, "lib/sum.ts": MENDED["lib/sum.ts"]} == MENDED


def test_the_flaky_one_solves_every_other_repeat() -> None:
    left = [ROLES["flaky"].leaves(replace(CHEATED, repeat=repeat)) for repeat in (1, 2, 3)]
    assert left == [MENDED, BROKEN, MENDED]


@pytest.mark.parametrize(
    "name", ["edits-tests", "skips-tests", "edits-runner", "detects-tests", "regressor"]
)
def test_a_player_that_finds_nothing_to_spoil_says_so(name: str) -> None:
    barren = replace(PERFORMANCE, seeded={}, reference={}, forbidden_path=None)
    with pytest.raises(ScenarioError, match=f"scripted/{name}: the scenario has no"):
        CAST[name].rehearse(barren)(())
