"""Whether a scenario's certificate is there, rests on the files as they are, and says enough."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, Literal

from pydantic import ValidationError

from testbed.briefs import CertificateBrief
from testbed.certificate import Certificate
from testbed.errors import ScenarioError
from testbed.settings import describe
from testbed.tree import digest_tree, matches, read_tree

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from testbed.scenario import Fixture, Scenario

CERTIFICATE: Final = "certificate.json"
_NO_INPUT: Final = (CERTIFICATE, "tour.toml")
"""Pictures never count."""


@dataclass(frozen=True, kw_only=True)
class Standing:
    """One scenario's certificate, and everything that is wrong with it."""

    certificate: Certificate | None
    """`None` when there is none that can be read."""
    faults: tuple[str, ...]
    """Each in one line; none when the certificate can be relied on."""
    state: Literal["none", "stale", "fresh"]
    """Stale: an input is no longer what it was, or the file cannot be read."""

    def brief(self) -> CertificateBrief:
        """Say what a run keeps of it."""
        found = self.certificate
        if found is None:
            return CertificateBrief(state=self.state, faults=self.faults)
        held = [graded.patch.partition("/")[0] for graded in found.graded if not graded.fault]
        mutation, steady = found.mutation, found.steadiness
        return CertificateBrief(
            state=self.state,
            faults=self.faults,
            accepted=held.count("reference") + held.count("right"),
            rejected=held.count("wrong"),
            gradings=steady.gradings,
            flakes=len(steady.flakes),
            most_flakes=steady.high,
            killed=mutation.killed if mutation else None,
            mutants=mutation.counted if mutation else None,
            score=mutation.score if mutation else None,
        )


def certificate_path(scenario: Scenario) -> Path:
    """Locate the certificate."""
    return scenario.root / CERTIFICATE


def standings(scenarios: Iterable[Scenario]) -> dict[str, Standing]:
    """Look at the certificate of each scenario: id -> standing."""
    scenarios = tuple(scenarios)
    fixtures = {s.fixture.id: s.fixture for s in scenarios}
    parts = {name: fixture_inputs(fixture) for name, fixture in fixtures.items()}
    return {s.id: _standing(s, {**parts[s.fixture.id], **own_inputs(s)}) for s in scenarios}


def inputs_of(scenario: Scenario) -> dict[str, str]:
    """Digest all that a certificate rests on: file or part of the fixture -> sha256."""
    return {**fixture_inputs(scenario.fixture), **own_inputs(scenario)}


def fixture_inputs(fixture: Fixture) -> dict[str, str]:
    """Digest the application, its grading kit and its card."""
    card = fixture.root.with_suffix(".toml")
    return {
        f"fixtures/{fixture.id}": digest_tree(read_tree(fixture.root, fixture.card.ignored)),
        f"fixtures/{fixture.id}.grading": digest_tree(read_tree(fixture.kit)),
        f"fixtures/{fixture.id}.toml": hashlib.sha256(card.read_bytes()).hexdigest(),
    }


def own_inputs(scenario: Scenario) -> dict[str, str]:
    """Digest the scenario's own files, but for the certificate and the tour of the pictures."""
    return {
        path: hashlib.sha256(file.data).hexdigest()
        for path, file in read_tree(scenario.root).items()
        if not matches(path, _NO_INPUT)
    }


def read_certificate(path: Path) -> Certificate | None:
    """Read a certificate; `None` when there is none. Raises `ScenarioError` for a damaged one."""
    if not path.is_file():
        return None
    try:
        return Certificate.model_validate_json(path.read_bytes())
    except ValidationError as fault:
        raise ScenarioError(
            f"{path}: {describe(fault)}", next_step="It was edited, or is of another version"
        ) from fault


def _standing(scenario: Scenario, inputs: dict[str, str]) -> Standing:
    try:
        found = read_certificate(certificate_path(scenario))
    except ScenarioError as fault:
        what = fault.what.removeprefix(f"{certificate_path(scenario)}: ")
        return Standing(certificate=None, faults=(f"cannot be read: {what}",), state="stale")
    if found is None:
        return Standing(certificate=None, faults=("not certified",), state="none")
    if found.scenario != scenario.id:
        foreign = f"is the certificate of `{found.scenario}`"
        return Standing(certificate=None, faults=(foreign,), state="stale")
    stale = tuple(f"stale: {change}" for change in found.stale(inputs))
    return Standing(
        certificate=found,
        faults=(*stale, *found.shortfalls()),
        state="stale" if stale else "fresh",
    )
