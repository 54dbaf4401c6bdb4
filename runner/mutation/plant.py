"""A mutant becomes a scenario: seeded, solved and checked, its ticket still to be written."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING, Final

from runner.authoring.scaffold import Planted, begin
from runner.grading.archive import KIT_FOLDER
from runner.mutation.mutant import apply
from runner.mutation.showing import files_of
from runner.workspace import diff_trees
from testbed.scenario import Kind

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from pathlib import Path

    from runner.mutation.hidden import Group
    from runner.mutation.mutant import Mutant
    from runner.mutation.outcome import Outcome
    from testbed.scenario import Fixture
    from testbed.tree import File, Tree

_DIGITS: Final = 8
_CHECKS: Final = f"{KIT_FOLDER}/checks/"
_MARK: Final = "Seeded by operator"
_FOUND: Final = "Found by checks of other scenarios, copied here; write one that fits the ticket:"
_SURVIVED: Final = "No check finds it yet: write one, the file in checks/ is an example."


def scenario_id(mutant: Mutant) -> str:
    """Name the scenario of a mutant: always the same, and telling nothing of what it changes."""
    return f"bug-{hashlib.sha256(mutant.id.encode()).hexdigest()[:_DIGITS]}"


def planted(root: Path, mutants: Iterable[Mutant]) -> frozenset[str]:
    """Return the ids of mutants that are scenarios already: by their note, or by their name."""
    cards = list(root.glob("scenarios/*/scenario.toml"))
    names = {card.parent.name for card in cards}
    notes = "\n".join(card.read_text(encoding="utf-8") for card in cards)
    return frozenset(
        mutant.id
        for mutant in mutants
        if f"({mutant.id})." in notes or scenario_id(mutant) in names
    )


def plant(
    root: Path,
    fixture: Fixture,
    tree: Tree,
    mutant: Mutant,
    outcome: Outcome,
    *,
    groups: Sequence[Group],
) -> Path:
    """Write `scenarios/<id>` for a mutant of the pristine fixture; return the folder."""
    mutated = apply(tree, mutant)
    bug = Planted(
        files=(mutant.path,),
        seed=diff_trees(tree, mutated),
        reference=diff_trees(mutated, tree),
        checks=_checks(fixture, outcome, groups),
        note=_note(mutant, outcome),
    )
    name = scenario_id(mutant)
    return begin(root, name, fixture=fixture.id, kind=Kind.BUG, planted=bug)


def _checks(fixture: Fixture, outcome: Outcome, groups: Sequence[Group]) -> dict[str, File]:
    """Return the failing tests' files and what they import."""
    if outcome.group is None:
        return {}
    found = groups[outcome.group].alone(files_of(outcome.checks), fixture.card.tests)
    return {path.removeprefix(_CHECKS): file for path, file in found.items()}


def _note(mutant: Mutant, outcome: Outcome) -> str:
    seeded = f"{_MARK} `{mutant.operator}` at {mutant.path}:{mutant.line} ({mutant.id})."
    checks = [f"  {check}" for check in outcome.checks]
    return "\n".join([seeded, *([_FOUND, *checks] if checks else [_SURVIVED]), ""])
