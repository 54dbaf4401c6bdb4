"""What can be seen of a scenario's faults without running anything."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING

from runner.authoring.material import gather
from runner.authoring.rules import RULES
from testbed.certified import CERTIFICATE
from testbed.errors import ScenarioError
from testbed.scenario import load_scenario

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from testbed.scenario import Fixture, Scenario


@dataclass(frozen=True, order=True)
class Finding:
    """One fault of a scenario's files."""

    scenario: str
    where: str
    """File below the scenario's folder, with a line where it has one; may be empty."""
    what: str
    todo: str

    def __str__(self) -> str:
        """Say it in one line."""
        place = f"{self.scenario}/{self.where}" if self.where else self.scenario
        return f"{place}: {self.what}. {self.todo}"


def lint(root: Path, ids: tuple[str, ...] = (), *, certified: bool = False) -> list[Finding]:
    """Look over the named scenarios of a suite, all when none is named; none loads the others.

    `certified` makes a missing certificate a finding; one that is there is always looked at.
    Raises `ScenarioError` for an id that has no folder.
    """
    folders = {path.name: path for path in sorted((root / "scenarios").glob("*/"))}
    if missing := [name for name in ids if name not in folders]:
        raise ScenarioError(
            f"no scenario `{missing[0]}` in {root / 'scenarios'}",
            next_step=f"Choose from: {', '.join(folders)}",
        )
    findings: list[Finding] = []
    loaded: list[Scenario] = []
    fixtures: dict[str, Fixture] = {}
    for name, folder in folders.items():
        try:
            loaded.append(load_scenario(folder, fixtures))
        except ScenarioError as fault:
            findings.append(Finding(name, "", fault.what, fault.next_step))
    findings += _same_titles(loaded)
    findings += [f for scenario in loaded if not ids or scenario.id in ids for f in _look(scenario)]
    findings += _uncertified(loaded) if certified else ()
    return sorted(finding for finding in findings if not ids or finding.scenario in ids)


def _look(scenario: Scenario) -> Iterator[Finding]:
    try:
        material = gather(scenario)
    except ScenarioError as fault:
        what = fault.what.removeprefix(f"{scenario.seed}: ")
        yield Finding(scenario.id, "seed.patch", what, fault.next_step)
        return
    for rule in RULES:
        for where, what, todo in rule(material):
            yield Finding(scenario.id, where, what, todo)


def _uncertified(scenarios: list[Scenario]) -> Iterator[Finding]:
    for scenario in scenarios:
        if not (scenario.root / CERTIFICATE).is_file():
            todo = f"Run `testbed certify {scenario.id}`"
            yield Finding(scenario.id, CERTIFICATE, "is missing", todo)


def _same_titles(scenarios: list[Scenario]) -> Iterator[Finding]:
    counts = Counter(scenario.card.title for scenario in scenarios)
    for scenario in scenarios:
        if counts[scenario.card.title] > 1:
            yield Finding(
                scenario.id,
                "scenario.toml",
                f"`title`: `{scenario.card.title}` is the title of several scenarios",
                "Give each its own",
            )
