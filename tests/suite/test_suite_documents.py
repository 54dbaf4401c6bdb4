"""What the documents say of the suite is what the suite holds."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from testbed.scenario import Kind, Suite, load_suite

ROOT = Path(__file__).parents[2]
ROW = re.compile(r"^\| `([a-z-]+)` \| ([a-z]+) \| ([a-z]+) \|", re.MULTILINE)


@pytest.fixture(scope="module")
def suite() -> Suite:
    return load_suite(ROOT)


def test_the_list_of_scenarios_is_the_suite(suite: Suite) -> None:
    text = (ROOT / "docs" / "scenarios.md").read_text()

    assert ROW.findall(text) == [
        (scenario.id, scenario.kind, scenario.card.difficulty) for scenario in suite.scenarios
    ]


@pytest.mark.parametrize(
    ("heading", "kind"),
    [("bugs", Kind.BUG), ("features", Kind.FEATURE), ("refactors", Kind.REFACTOR)],
)
def test_the_readme_names_every_scenario_by_its_kind(
    suite: Suite, heading: str, kind: Kind
) -> None:
    (row,) = re.findall(
        rf"^\| {heading} \| (.*) \|$", (ROOT / "README.md").read_text(), re.MULTILINE
    )

    assert row == " ".join(f"`{s.id}`" for s in suite.scenarios if s.kind is kind)
