"""A player's part as data: what it says, what it leaves, how it ends; and phrases of several."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from runner.players.moves import is_text
from runner.players.player import Answer, Performance, Player, Rejection, call, recite
from testbed.errors import ScenarioError
from testbed.records import Ending

if TYPE_CHECKING:
    from collections.abc import Callable

    from testbed.tree import Tree

MODULE = re.compile(r"(?!.*\.(d|test|spec)\.)[^.].*\.([cm]?js|tsx?)")


@dataclass(frozen=True, kw_only=True)
class Role:
    """A part, open to whoever must foretell its figures; `player` hides it behind HTTP."""

    name: str
    script: Callable[[Performance], tuple[Answer, ...]]
    """The answers in order; the last one is repeated for as long as it is asked."""
    leaves: Callable[[Performance], Tree]
    """The workspace as the player leaves it."""
    ending: Ending = Ending.FINISHED
    rejections: tuple[Rejection, ...] = ()

    def player(self) -> Player:
        """Give it to a player."""
        return Player(
            name=self.name,
            rehearse=lambda performance: recite(self.script(performance)),
            rejections=self.rejections,
        )


def untouched(performance: Performance) -> Tree:
    """Leave the workspace as it was."""
    return performance.seeded


def solved(performance: Performance) -> Tree:
    """Leave the reference solution."""
    return performance.reference


def run_tests(performance: Performance) -> Answer:
    """Run the visible tests."""
    return Answer(text="I run the tests.", calls=(call("shell", command=performance.test_command),))


def finish(summary: str) -> Answer:
    """Say that the task is done."""
    return Answer(calls=(call("finish", summary=summary),))


def some_file(performance: Performance) -> str:
    """Name a text file of the workspace, one that the reference changes if there is one."""
    seeded, reference = performance.seeded, performance.reference
    texts = [path for path in sorted(seeded) if is_text(seeded[path])]
    changed = (path for path in texts if seeded[path] != reference.get(path))
    return next(changed, next(iter(texts), "README.md"))


def changed_modules(performance: Performance) -> list[str]:
    """List the modules that the reference changes or adds."""
    return [
        path
        for path, file in sorted(performance.reference.items())
        if MODULE.fullmatch(path) and file != performance.seeded.get(path)
    ]


def impossible(role: str, missing: str) -> ScenarioError:
    """Say that a scenario has not what a player needs."""
    return ScenarioError(
        f"scripted/{role}: the scenario has no {missing}",
        next_step="Leave the player out, or choose another scenario",
    )
