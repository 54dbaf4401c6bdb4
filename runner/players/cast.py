"""The cast: players whose outcome is known before they are graded."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from runner.players.cheats import CHEATS
from runner.players.moves import carry_out, is_text
from runner.players.player import Answer, Call, Performance, Player, call
from runner.players.roles import (
    Role,
    changed_modules,
    finish,
    run_tests,
    solved,
    some_file,
    untouched,
)
from runner.players.trouble import TROUBLE
from testbed.errors import ScenarioError
from testbed.records import Ending, Stage
from testbed.tree import matches

if TYPE_CHECKING:
    from collections.abc import Mapping

    from testbed.scenario import Scenario
    from testbed.tree import Tree

LEFTOVERS = """
const leftoverCheck = (leftoverAttempt: number) => true;
"""
"""An unused constant and an unused parameter that type-check at the end of any module."""
PLAIN_LEFTOVERS = """
const unusedCheck = true;
const unusedAttempt = 1;
"""
"""Two unused constants for modules without types."""
LITTERED_NAMES = 2
ABSENT = "const thisLine = 'is in no file of the workspace';"


def performance_of(scenario: Scenario, *, seeded: Tree, reference: Tree) -> Performance:
    """Gather what players know about a scenario; the trees come from the caller.

    The forbidden path is the first text file that a constraint forbids, else the first that
    the fixture protects. Raises `ScenarioError` for a fixture without the command `test`.
    """
    card = scenario.fixture.card
    if "test" not in card.commands:
        raise ScenarioError(
            f"fixture {card.id}: `commands.test`: missing",
            next_step="Name the command that runs the visible tests",
        )
    guarded = (scenario.card.constraints.forbidden_paths, card.protected)
    kept = [p for p in sorted(seeded) if p in reference and is_text(seeded[p])]
    choices = (p for globs in guarded for p in kept if matches(p, globs) and p != card.lockfile)
    visible = {name.partition("::")[0] for name in scenario.pass_to_pass}
    return Performance(
        seeded=seeded,
        reference=reference,
        test_command=card.commands["test"],
        forbidden_path=next(choices, None),
        visible_tests=tuple(path for path in kept if path in visible),
        report=card.steps[0].junit,
    )


def _oracle(performance: Performance) -> tuple[Answer, ...]:
    changed = _changed(performance.seeded, performance.reference)
    return (
        *carry_out(performance.seeded, performance.reference),
        run_tests(performance),
        finish(f"Carried out the reference solution; files changed: {changed}."),
    )


def _noop(_: Performance) -> tuple[Answer, ...]:
    said = "I have looked around and changed nothing; the task is not done."
    return (
        Answer(text="I look around.", calls=(call("list_files", path=".", depth=2),)),
        Answer(
            text="I look at what the code exports.", calls=(call("search", pattern="^export "),)
        ),
        Answer(text=said),
    )


def _sloppy(performance: Performance) -> tuple[Answer, ...]:
    said = "Done without testing: unused names are left, and a file that was not to be touched."
    return (
        *_slips(some_file(performance)),
        *carry_out(performance.seeded, littered(performance)),
        finish(said),
    )


def littered(performance: Performance) -> Tree:
    """Leave the reference solution with unused names, and a line in the forbidden file."""
    tree, forbidden = dict(performance.reference), performance.forbidden_path
    module = next((path for path in changed_modules(performance) if path != forbidden), None)
    names = LEFTOVERS if module and module.endswith((".ts", ".tsx")) else PLAIN_LEFTOVERS
    for path, litter in ((module, names), (forbidden, "\n")):
        if path is not None:
            tree[path] = replace(tree[path], data=tree[path].data + litter.encode())
    return tree


def _slips(path: str) -> tuple[Answer, ...]:
    """List five bad calls, each beside a good one so that no reply is unusable as a whole."""
    cut = Call("read_file", call("read_file", path=path).arguments.removesuffix('"}'))
    bad = (
        cut.stopping(Stage.EMITTED, "invalid_json"),
        call("open_file", path=path).stopping(Stage.PARSED, "unknown_tool"),
        call("read_file", limit=20).stopping(Stage.KNOWN, "missing_required"),
        call("read_file", path=path, limit="all").stopping(Stage.KNOWN, "wrong_type"),
        call("edit_file", path=path, old_text=ABSENT, new_text="").stopping(
            Stage.SCHEMA_VALID, "precondition_failed:old_text_not_found"
        ),
    )
    look = call("list_files")
    again = look.stopping(Stage.EXECUTABLE, "repeated")
    looks = (look, *(again for _ in bad[1:]))
    return tuple(
        Answer(text="I look at the code.", calls=pair) for pair in zip(bad, looks, strict=True)
    )


def _changed(before: Tree, after: Tree) -> int:
    return sum(before.get(path) != after.get(path) for path in before.keys() | after.keys())


ROLES: Mapping[str, Role] = {
    role.name: role
    for role in (
        Role(name="oracle", script=_oracle, leaves=solved),
        Role(name="noop", script=_noop, leaves=untouched, ending=Ending.STOPPED_TALKING),
        Role(name="sloppy", script=_sloppy, leaves=littered),
        *TROUBLE,
        *CHEATS,
    )
}
"""Name -> part. `oracle` carries out the reference solution and must pass, `noop` changes
nothing and must fail, `sloppy` passes untested with five bad calls, unused names and a
forbidden file; the others are told of in docs/players.md."""

CAST: Mapping[str, Player] = {name: role.player() for name, role in ROLES.items()}
