"""Changed trees meet the hidden checks alone, each once, and no more of them than is told."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from runner.certify import hunt as hunting
from runner.certify.ledger import open_ledger
from runner.certify.mutants import Tried, in_drawn_order

if TYPE_CHECKING:
    from pathlib import Path

    from runner.mutation.mutant import Mutant
    from tests.runner.certify.conftest import Desk

pytestmark = pytest.mark.bubblewrap
CHECKS = "scenarios/minus/checks"
BUILT = """\
import { sum } from "../../../lib/sum.mjs";

export default {
  answers: () => {
    if (sum(2, 2) !== 4) throw Error("no answer");
  },
};
"""


def built(desk: Desk) -> None:
    """Leave the first step a check that finds little, and give the later one another."""
    desk.write(f"{CHECKS}/unit/hidden.test.mjs", BUILT.replace("sum(2, 2) !== 4", "sum(4, 2) < 3"))
    desk.write(f"{CHECKS}/app/page.test.mjs", BUILT)
    desk.write(f"{CHECKS}/fail_to_pass.txt", ".testbed/checks/app/page.test.mjs::answers\n")
    desk.write(f"{CHECKS}/pass_to_pass.txt", ".testbed/checks/unit/hidden.test.mjs::answers\n")


async def tried(desk: Desk, path: Path) -> Tried:
    seeded, reference = desk.trees()
    with open_ledger(path) as ledger:
        hunt = desk.hunt(ledger)
        mutants = await hunt.mutants(seeded, reference)
        return await hunt.try_all(reference, in_drawn_order(mutants, 1))


def ends(mutants: tuple[Mutant, ...]) -> list[str]:
    return sorted(mutant.after for mutant in mutants)


async def test_mutants_of_the_references_lines_meet_the_hidden_checks(
    desk: Desk, tmp_path: Path
) -> None:
    found = await tried(desk, tmp_path / "minus.jsonl")

    assert (ends(found.killed), found.survived, found.invalid) == (["*", "-", "||"], (), ())


async def test_the_first_failing_check_ends_the_search(desk: Desk, tmp_path: Path) -> None:
    path = tmp_path / "minus.jsonl"

    await tried(desk, path)

    # 1 * 0 would fail the second check as well.
    assert path.read_text().count("::adds") == 3


async def test_what_only_a_visible_test_would_find_survives(desk: Desk, tmp_path: Path) -> None:
    desk.write(f"{CHECKS}/unit/hidden.test.mjs", BUILT)
    desk.write(f"{CHECKS}/fail_to_pass.txt", ".testbed/checks/unit/hidden.test.mjs::answers\n")
    desk.write(f"{CHECKS}/pass_to_pass.txt", "test/visible.test.mjs::greets\n")

    found = await tried(desk, tmp_path / "minus.jsonl")

    assert (ends(found.killed), ends(found.survived)) == (["-", "||"], ["*"])


async def test_visible_tests_have_no_say_even_in_a_step_that_takes_no_files(
    desk: Desk, tmp_path: Path
) -> None:
    visible = "test/visible.test.mjs"
    text = BUILT.replace("../../../", "../").replace("2, 2", "1, 3")
    desk.write(f"fixtures/tiny/{visible}", text)
    desk.write(f"{CHECKS}/unit/hidden.test.mjs", BUILT)
    desk.write(f"{CHECKS}/fail_to_pass.txt", ".testbed/checks/unit/hidden.test.mjs::answers\n")
    desk.write(f"{CHECKS}/pass_to_pass.txt", f"{visible}::answers\n")
    card = (desk.root / "fixtures/tiny.toml").read_text()
    takes = ("takes_files = true\n", 'tests = ["**/*.test.mjs"]\n')
    desk.write("fixtures/tiny.toml", card.replace(takes[0], "").replace(takes[1], ""))

    found = await tried(desk, tmp_path / "minus.jsonl")

    assert (ends(found.killed), ends(found.survived)) == (["-", "||"], ["*"])


async def test_a_mutant_that_the_type_check_finds_is_invalid(desk: Desk, tmp_path: Path) -> None:
    card = desk.root / "fixtures/tiny.toml"
    text = card.read_text()
    check = '["node", "--check", "lib/sum.mjs"]'
    assert check in text
    card.write_text(text.replace(check, '["bash", "-c", "! grep -F \'a * b\' lib/sum.mjs"]'))

    found = await tried(desk, tmp_path / "minus.jsonl")

    assert (ends(found.invalid), ends(found.killed)) == (["*"], ["-", "||"])


async def test_later_steps_see_what_the_first_leaves_and_only_so_many(
    desk: Desk, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    built(desk)
    whole = await tried(desk, tmp_path / "whole.jsonl")
    monkeypatch.setattr(hunting, "BUILT_LIMIT", 1)
    part = await tried(desk, tmp_path / "part.jsonl")

    # 4 - 2 is found at once; 4 * 2 and 4 || 2 are left to the later step.
    assert (ends(whole.killed), ends(whole.survived)) == (["-", "||"], ["*"])
    tried_by = (tmp_path / "part.jsonl").read_text()
    assert tried_by.count("(app)") == 1
    assert len(part.killed) + len(part.survived) < 3


async def test_no_more_mutants_are_tried_than_the_limit(
    desk: Desk, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(hunting, "LIMIT", 2)

    found = await tried(desk, tmp_path / "minus.jsonl")

    assert len(found.killed) + len(found.survived) == 2


async def test_nothing_is_tried_twice_and_a_changed_check_leaves_the_type_checks(
    desk: Desk, tmp_path: Path
) -> None:
    path = tmp_path / "minus.jsonl"
    first = await tried(desk, path)
    lines = path.read_text().splitlines()
    again = await tried(desk, path)
    assert (again, path.read_text().splitlines()) == (first, lines)

    desk.write(
        f"{CHECKS}/unit/hidden.test.mjs",
        (desk.root / f"{CHECKS}/unit/hidden.test.mjs").read_text() + "\n",
    )
    await tried(desk, path)

    more = path.read_text().splitlines()[len(lines) :]
    assert len(lines) == 6
    assert len(more) == 3
    assert all("(unit)" in line for line in more)


async def test_the_reference_itself_must_pass_its_hidden_checks(desk: Desk, tmp_path: Path) -> None:
    seeded, reference = desk.trees()
    with open_ledger(tmp_path / "minus.jsonl") as ledger:
        hunt = desk.hunt(ledger)
        sound = await hunt.control(reference)
        broken = await hunt.control(seeded)

    assert {step: outcome.verdict for step, outcome in sound.items()} == {"unit": "pass"}
    assert broken["unit"].failed
