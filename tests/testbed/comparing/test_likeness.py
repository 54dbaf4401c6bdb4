"""Which conditions keep two runs from being compared."""

from __future__ import annotations

import pytest

from testbed.comparing.comparison import Severity, Unlike
from testbed.comparing.likeness import RULES, demand_alike, refused, rule, unlike
from testbed.errors import RunError
from testbed.plan import RunLock

LOCK = RunLock(
    testbed="0.1.0",
    engine="docker",
    images={"app": "i"},
    prompt="p",
    fixtures={"app": "f"},
    scenarios={"fix-it": "s"},
    models={"m": "c"},
)
CONDITIONS = LOCK.conditions() | {"follow-ups": "0", "limits.max_turns": "60", "preflight": "red"}


def test_equal_conditions_have_nothing_unlike() -> None:
    assert unlike(CONDITIONS, dict(CONDITIONS)) == ()


@pytest.mark.parametrize("name", CONDITIONS)
def test_every_condition_that_a_run_records_has_a_rule(name: str) -> None:
    (found,) = unlike(CONDITIONS, CONDITIONS | {name: "other"})

    assert name.partition(".")[0] in RULES
    assert rule(found).why
    assert (found.condition, found.a, found.b) == (name, CONDITIONS[name], "other")


@pytest.mark.parametrize(
    "name",
    [
        "scenarios.fix-it",
        "fixtures.app",
        "images.app",
        "prompt",
        "engine",
        "limits.max_turns",
        "follow-ups",
        "never-heard-of",
    ],
)
def test_what_changes_results_is_refused(name: str) -> None:
    told = CONDITIONS | {name: "one"}
    found = unlike(told, told | {name: "two"})

    assert [one.severity for one in found] == [Severity.REFUSED]
    with pytest.raises(RunError, match=name) as refusal:
        demand_alike(found)
    assert "--across" in refusal.value.next_step
    assert rule(found[0]).why in refusal.value.what


@pytest.mark.parametrize("name", ["testbed", "preflight", "models.m", "prices.m"])
def test_what_changes_no_result_is_listed(name: str) -> None:
    told = CONDITIONS | {name: "one"}
    found = unlike(told, told | {name: "two"})

    assert [one.severity for one in found] == [Severity.LISTED]
    demand_alike(found)


def test_a_scenario_of_one_side_is_listed_and_what_it_alone_needs_is_not() -> None:
    more = {"scenarios.new": "n", "fixtures.other": "f", "images.other": "i", "models.z": "z"}

    assert unlike(CONDITIONS, CONDITIONS | more) == (
        Unlike(condition="scenarios.new", a="", b="n", severity=Severity.LISTED),
    )


def test_a_limit_that_only_one_side_recorded_is_refused() -> None:
    silent = {name: told for name, told in CONDITIONS.items() if name != "limits.max_turns"}
    (found,) = unlike(CONDITIONS, silent)

    assert found == Unlike(condition="limits.max_turns", a="60", b="", severity=Severity.REFUSED)


def test_the_grave_differences_come_first_then_names() -> None:
    other = CONDITIONS | {"prompt": "2", "engine": "local", "testbed": "2", "models.m": "2"}

    names = [one.condition for one in unlike(CONDITIONS, other)]
    assert names == ["engine", "prompt", "models.m", "testbed"]
    assert len(refused(unlike(CONDITIONS, other))) == 2


def test_swapping_the_sides_swaps_what_is_told() -> None:
    other = CONDITIONS | {"prompt": "2"}
    (one,), (back,) = unlike(CONDITIONS, other), unlike(other, CONDITIONS)

    assert (one.a, one.b, one.severity) == (back.b, back.a, back.severity)


def test_a_refusal_stays_one_line_however_much_differs() -> None:
    many = {f"scenarios.s{i}": "1" for i in range(40)}
    with pytest.raises(RunError, match="and 34 more"):
        demand_alike(unlike(many, dict.fromkeys(many, "2")))
