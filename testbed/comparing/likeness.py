"""Whether two sides were made under the same conditions, and which differences change results."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from testbed.comparing.comparison import Severity, Unlike
from testbed.errors import RunError

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

SHOWN: Final = 6
"""Conditions that a refusal names; one line has to hold them."""


@dataclass(frozen=True, kw_only=True)
class Rule:
    """What it means that a condition differs."""

    severity: Severity
    alone: Severity | None
    """Likewise, when only one side has it; `None`: nothing."""
    why: str


RULES: Final[Mapping[str, Rule]] = {
    "scenarios": Rule(
        severity=Severity.REFUSED,
        alone=Severity.LISTED,
        why="another prompt, seed or check is another task; one that only one side has is in no "
        "estimate",
    ),
    "fixtures": Rule(
        severity=Severity.REFUSED, alone=None, why="other code is another task, whatever the seed"
    ),
    "images": Rule(
        severity=Severity.REFUSED, alone=None, why="other programs and packages surround the work"
    ),
    "prompt": Rule(
        severity=Severity.REFUSED,
        alone=Severity.REFUSED,
        why="the model was told other things or offered other tools",
    ),
    "limits": Rule(
        severity=Severity.REFUSED,
        alone=Severity.REFUSED,
        why="who may take more turns, tokens, money or time solves more",
    ),
    "follow-ups": Rule(
        severity=Severity.REFUSED,
        alone=Severity.REFUSED,
        why="a second prompt is a second chance: a mode of its own",
    ),
    "engine": Rule(
        severity=Severity.REFUSED,
        alone=Severity.REFUSED,
        why="bubblewrap shows the host's programs and limits processor and memory less than Docker",
    ),
    "testbed": Rule(
        severity=Severity.LISTED,
        alone=Severity.LISTED,
        why="what a version changes in tasks, prompt, tools or image shows in their digests",
    ),
    "preflight": Rule(
        severity=Severity.LISTED,
        alone=Severity.LISTED,
        why="the model was run although its endpoint failed a probe: its own doing",
    ),
    "models": Rule(
        severity=Severity.LISTED,
        alone=None,
        why="other models have other cards; the same model's card may differ in its price alone",
    ),
    "prices": Rule(
        severity=Severity.LISTED, alone=None, why="money may differ where the work does not"
    ),
}
"""First part of a condition's name -> what it means that it differs."""
UNKNOWN: Final = Rule(
    severity=Severity.REFUSED,
    alone=Severity.REFUSED,
    why="nobody said that it does not change results",
)


def unlike(a: Mapping[str, str], b: Mapping[str, str]) -> tuple[Unlike, ...]:
    """List the conditions that differ, by name, those that change results first."""
    found = sorted(_found(a, b), key=lambda one: one.condition)
    return tuple(sorted(found, key=lambda one: one.severity is not Severity.REFUSED))


def refused(found: Sequence[Unlike]) -> tuple[Unlike, ...]:
    """Keep the differences that change results."""
    return tuple(one for one in found if one.severity is Severity.REFUSED)


def demand_alike(found: Sequence[Unlike], *, what: str = "the two sides") -> None:
    """Raise `RunError`, naming them and why, when differences change results."""
    grave = refused(found)
    if not grave:
        return
    names = ", ".join(one.condition for one in grave[:SHOWN])
    more = f" and {len(grave) - SHOWN} more" if len(grave) > SHOWN else ""
    raise RunError(
        f"{what} were made under different conditions: {names}{more} ({rule(grave[0]).why})",
        next_step="Run both again under the same conditions, or give --across all the same",
    )


def rule(found: Unlike) -> Rule:
    """Say why a difference weighs as it does."""
    return _rule(found.condition)


def _rule(condition: str) -> Rule:
    return RULES.get(condition.partition(".")[0], UNKNOWN)


def _found(a: Mapping[str, str], b: Mapping[str, str]) -> Iterator[Unlike]:
    for name in a.keys() | b.keys():
        left, right = a.get(name), b.get(name)
        if left == right:
            continue
        severity = _rule(name).alone if None in (left, right) else _rule(name).severity
        if severity is not None:
            yield Unlike(condition=name, a=left or "", b=right or "", severity=severity)
