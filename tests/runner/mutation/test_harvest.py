"""Mutants that only hidden checks find become scenarios; the others are told apart."""

from __future__ import annotations

import shutil
from typing import TYPE_CHECKING

import pytest

from runner.authoring.lint import lint
from runner.mutation.control import try_pristine
from runner.mutation.harvest import Order
from runner.mutation.plant import scenario_id
from runner.mutation.sieve import Sieve
from runner.sandbox.base import ToolFault
from runner.workspace import apply_patch, pristine_tree, seed_workspace
from testbed.errors import EnvironmentFault, ScenarioError, VerificationFailed
from testbed.scenario import Kind, load_scenario
from tests.runner.mutation.conftest import HIDDEN, NOTICED, SOURCE, VISIBLE

if TYPE_CHECKING:
    from pathlib import Path

    from runner.mutation.harvest import Tried
    from tests.runner.mutation.conftest import Stage


def noticed(tried: list[Tried]) -> dict[str, str]:
    return {one.mutant.after: one.outcome.noticed.value for one in tried}


def folders(stage: Stage) -> set[str]:
    return {path.name for path in (stage.root / "scenarios").iterdir()} - {"minus"}


async def test_a_mutant_comes_as_far_as_what_first_notices_it(stage: Stage) -> None:
    tried = await stage.harvest()

    found = {one.mutant.after: one.outcome for one in tried}
    assert noticed(tried) == NOTICED
    assert found["-"].checks == (f"{HIDDEN}::adds",)
    assert found["*"].checks == (f"{VISIBLE}::greets",)
    assert f"{VISIBLE}::is a function" in found["="].checks, "its file did not load"
    assert found["%"].detail == f"{SOURCE}: odd: odd"
    assert "lost" in found["^"].detail
    assert "killed at" in found["&"].detail
    assert found["<"].detail == f"did not fail again: {HIDDEN}::adds"
    assert found[">"].detail == "hidden checks: exit code 1, though every test passed"
    assert {run[0] for run in stage.ran} == set(NOTICED) - set("/%") | {"+"}


async def test_the_found_one_becomes_a_scenario_whose_ticket_is_to_be_written(stage: Stage) -> None:
    (one,) = [one for one in await stage.harvest() if one.scenario]

    assert folders(stage) == {one.scenario}
    folder = stage.root / "scenarios" / str(one.scenario)
    scenario = load_scenario(folder, {})
    pristine = pristine_tree(scenario.fixture)
    seeded = seed_workspace(scenario)
    assert (scenario.kind, scenario.card.seeded_files) == (Kind.BUG, (SOURCE,))
    assert b"=> a - b" in seeded.tree[SOURCE].data
    assert apply_patch(seeded, scenario.reference.read_bytes()) == pristine
    mine = stage.root / "scenarios/minus/checks/unit/hidden.test.mjs"
    assert (folder / "checks/unit/hidden.test.mjs").read_bytes() == mine.read_bytes()
    card = (folder / "scenario.toml").read_text()
    assert f"# Seeded by operator `put-45` at {SOURCE}:2 ({one.mutant.id})." in card
    assert f"#   {HIDDEN}::adds\n" in card
    assert "put-45" not in f"{one.scenario}{scenario.prompt}"
    assert SOURCE not in scenario.prompt
    said = [str(finding) for finding in lint(stage.root, (scenario.id,))]
    assert [line.partition(" ")[0] for line in said if "scenario.toml" in line] == [
        f"{scenario.id}/scenario.toml:6:"
    ]


async def test_of_clashing_checks_those_that_find_it_are_run_again_and_copied(
    stage: Stage,
) -> None:
    stage.signs = "-"
    minus = stage.root / "scenarios/minus"
    shutil.copytree(minus, stage.root / "scenarios/also")
    card = stage.root / "scenarios/also/scenario.toml"
    card.write_text(card.read_text().replace('"minus"', '"also"'))
    blind = stage.root / "scenarios/also/checks/unit/hidden.test.mjs"
    blind.write_text("// blind\n")

    (one,) = await stage.harvest()

    assert one.outcome.checks == (f"{HIDDEN}::adds",)
    copied = stage.root / "scenarios" / str(one.scenario) / "checks/unit/hidden.test.mjs"
    assert copied.read_bytes() == (minus / "checks/unit/hidden.test.mjs").read_bytes()
    assert stage.ran[-4:] == ["-", *[f"- {HIDDEN}"] * 3]


async def test_survivors_become_scenarios_only_when_asked_and_say_what_they_lack(
    stage: Stage,
) -> None:
    stage.signs = "|"
    assert not [one for one in await stage.harvest() if one.scenario]

    (one,) = await stage.harvest(survivors=True)

    folder = stage.root / "scenarios" / str(one.scenario)
    assert "No check finds it yet" in (folder / "scenario.toml").read_text()
    assert (folder / "checks/unit/example.test.mjs").is_file()


@pytest.mark.parametrize("jobs", [1, 2, 7])
async def test_it_ends_when_enough_are_written_and_jobs_do_not_choose_them(
    stage: Stage, jobs: int
) -> None:
    stage.signs = "-/|%*"
    first = await stage.harvest(jobs=1, survivors=True)
    order = [one.mutant.after for one in first]
    for name in folders(stage):
        shutil.rmtree(stage.root / "scenarios" / name)

    again = await stage.harvest(jobs=jobs, survivors=True, count=1)

    enough = min(order.index("-"), order.index("|"))
    assert [one.mutant.after for one in again] == order[: enough + 1]
    assert folders(stage) == {again[-1].scenario}


async def test_no_more_are_tried_than_asked(stage: Stage) -> None:
    assert len(await stage.harvest(tries=3)) == 3


async def test_what_was_found_out_is_kept_and_a_doubt_is_tried_again(stage: Stage) -> None:
    before = await stage.harvest(tries=6)
    for name in folders(stage):
        shutil.rmtree(stage.root / "scenarios" / name)
    (kept,) = stage.cache.glob("mutants/*/outcomes.jsonl")
    kept.write_bytes(kept.read_bytes() + b'{"mutant": "torn')
    stage.ran.clear()
    stage.once.clear()

    after = await stage.harvest()

    doubts = {sign for sign, by in NOTICED.items() if by == "unclear"}
    new = set(NOTICED) - {one.mutant.after for one in before}
    assert {run[0] for run in stage.ran} == doubts | (new - set("/%"))
    outcomes = {one.mutant.id: one.outcome for one in after}
    assert [one for one in before if outcomes[one.mutant.id] == one.outcome] == [
        one for one in before if one.mutant.after not in doubts
    ]
    assert len(kept.read_bytes().splitlines()) == len(NOTICED) - len(doubts) + 1


async def test_each_mutant_is_inspected_on_the_pristine_fixture(stage: Stage) -> None:
    here = stage.field()
    control = await try_pristine(here.place, here.tree, here.groups)
    mutants = await here.mutants(Order(seed=1, count=1, tries=None, survivors=False))
    async with here.place.open(here.tree, "desk") as desk:
        sieve = Sieve(
            place=here.place, tree=here.tree, groups=here.groups, control=control, desk=desk
        )
        for mutant in mutants:
            await sieve.sift(mutant)
            assert await desk.read(SOURCE) == here.tree[SOURCE].data
        stage.types_fault = ToolFault("denied", "no more processes")
        with pytest.raises(EnvironmentFault, match="no more processes"):
            await sieve.sift(mutants[0])
        assert await desk.read(SOURCE) == here.tree[SOURCE].data


async def test_a_changed_check_has_everything_tried_anew(stage: Stage) -> None:
    stage.signs = "|"
    await stage.harvest()
    check = stage.root / "scenarios/minus/checks/unit/hidden.test.mjs"
    check.write_text(check.read_text() + "// changed\n")
    stage.ran.clear()

    await stage.harvest()

    assert stage.ran == ["+", f"+ {HIDDEN}", "|", f"| {HIDDEN}"]


async def test_a_mutant_that_is_a_scenario_is_not_drawn_again_whatever_its_name(
    stage: Stage,
) -> None:
    stage.signs = "-|"
    (one,) = [one for one in await stage.harvest() if one.scenario]
    old, new = (stage.root / "scenarios" / str(name) for name in (one.scenario, "renamed"))
    card = old.rename(new) / "scenario.toml"
    card.write_text(card.read_text().replace(f'"{one.scenario}"', '"renamed"'))

    assert noticed(await stage.harvest()) == {"|": "nobody"}
    assert folders(stage) == {"renamed"}
    assert one.scenario == scenario_id(one.mutant)


async def test_a_check_file_that_fails_on_the_pristine_fixture_finds_nothing(stage: Stage) -> None:
    stage.signs = "-"
    stage.pristine = {f"{HIDDEN}::adds nothing": "<failure/>"}

    assert noticed(await stage.harvest()) == {"-": "nobody"}


@pytest.mark.parametrize("mark", ["<failure/>", "<error/>"])
async def test_a_fixture_that_is_not_green_is_refused(stage: Stage, mark: str) -> None:
    stage.pristine = {f"{VISIBLE}::greets": mark}

    with pytest.raises(VerificationFailed, match=f"fails its visible tests: {VISIBLE}::greets"):
        await stage.harvest()
    assert not folders(stage)
    assert all(box.closed for box in stage.engine.sandboxes)


async def test_a_step_that_takes_no_files_is_refused(stage: Stage) -> None:
    card = stage.root / "fixtures/tiny.toml"
    text = card.read_text().replace("takes_files = true\n", "").replace("tests = [", "prune = [")
    card.write_text(text)

    with pytest.raises(ScenarioError, match="does not take files"):
        stage.field()


async def test_who_stops_early_leaves_no_sandbox_and_whole_scenarios(stage: Stage) -> None:
    order = Order(seed=1, count=9, tries=None, survivors=True)
    here = stage.field()
    mutants = await here.mutants(order)
    harvest = here.harvest(mutants, order, jobs=3, progress=lambda _: None)

    async for one in harvest:
        if one.scenario:
            break
    await harvest.aclose()

    assert all(box.closed for box in stage.engine.sandboxes)
    (name,) = folders(stage)
    load_scenario(stage.root / "scenarios" / name, {})
    assert not list(stage.root.glob(".*half"))


def test_half_a_scenario_of_a_killed_process_is_in_nobodys_way(stage: Stage) -> None:
    from runner.authoring.scaffold import begin

    half: Path = stage.root / ".times.half"
    half.mkdir()
    (half / "junk").write_text("junk")

    folder = begin(stage.root, "times", fixture="tiny", kind=Kind.BUG)

    assert not half.exists()
    assert not (folder / "junk").exists()
