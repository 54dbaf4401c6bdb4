"""The cast: players whose outcome is known before they are graded."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import TYPE_CHECKING

from runner.players.moves import carry_out, is_text
from runner.players.player import Answer, Call, Performance, Player, Respond, call, recite
from testbed.errors import ScenarioError
from testbed.tree import matches

if TYPE_CHECKING:
    from collections.abc import Mapping

    from testbed.scenario import Scenario
    from testbed.tree import Tree

LEFTOVERS = """
const leftoverCheck = (leftoverAttempt: number) => true;
"""
"""An unused constant and an unused parameter that type-check at the end of any module."""
MODULE = re.compile(r"(?!.*\.(d|test|spec)\.)[^.].*\.tsx?")
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
    return Performance(
        seeded=seeded,
        reference=reference,
        test_command=card.commands["test"],
        forbidden_path=next(choices, None),
    )


def _oracle(performance: Performance) -> Respond:
    changed = _changed(performance.seeded, performance.reference)
    return recite(
        [
            *carry_out(performance.seeded, performance.reference),
            _tests(performance),
            _finish(f"Carried out the reference solution; files changed: {changed}."),
        ]
    )


def _noop(_: Performance) -> Respond:
    said = "I have looked around and changed nothing; the task is not done."
    return recite(
        [
            Answer(text="I look around.", calls=(call("list_files", path=".", depth=2),)),
            Answer(
                text="I look at what the code exports.",
                calls=(call("search", pattern="^export "),),
            ),
            Answer(text=said),
        ]
    )


def _sloppy(performance: Performance) -> Respond:
    target = _littered(performance)
    said = "Done without testing: unused names are left, and a file that was not to be touched."
    return recite(
        [
            *_slips(_some_file(performance)),
            *carry_out(performance.seeded, target),
            _finish(said),
        ]
    )


CAST: Mapping[str, Player] = {
    player.name: player
    for player in (
        Player(name="oracle", rehearse=_oracle),
        Player(name="noop", rehearse=_noop),
        Player(name="sloppy", rehearse=_sloppy),
    )
}
"""Name -> player. `oracle` carries out the reference solution and must pass, `noop` changes
nothing and must fail, `sloppy` passes untested with five bad calls, unused names and a
forbidden file."""


def _tests(performance: Performance) -> Answer:
    command = call("shell", command=performance.test_command)
    return Answer(text="I run the tests.", calls=(command,))


def _finish(summary: str) -> Answer:
    return Answer(calls=(call("finish", summary=summary),))


def _slips(path: str) -> tuple[Answer, ...]:
    """List five bad calls, each beside a good one so that no reply is unusable as a whole."""
    look = call("list_files")
    bad = (
        Call("read_file", call("read_file", path=path).arguments.removesuffix('"}')),
        call("open_file", path=path),
        call("read_file", limit=20),
        call("read_file", path=path, limit="all"),
        call("edit_file", path=path, old_text=ABSENT, new_text=""),
    )
    return tuple(Answer(text="I look at the code.", calls=(slip, look)) for slip in bad)


def _some_file(performance: Performance) -> str:
    seeded, reference = performance.seeded, performance.reference
    texts = [path for path in sorted(seeded) if is_text(seeded[path])]
    changed = (path for path in texts if seeded[path] != reference.get(path))
    return next(changed, next(iter(texts), "README.md"))


def _littered(performance: Performance) -> Tree:
    tree, forbidden = dict(performance.reference), performance.forbidden_path
    modules = (
        path
        for path, file in sorted(tree.items())
        if MODULE.fullmatch(path) and file != performance.seeded.get(path) and path != forbidden
    )
    for path, litter in ((next(modules, None), LEFTOVERS), (forbidden, "\n")):
        if path is not None:
            tree[path] = replace(tree[path], data=tree[path].data + litter.encode())
    return tree


def _changed(before: Tree, after: Tree) -> int:
    return sum(before.get(path) != after.get(path) for path in before.keys() | after.keys())
