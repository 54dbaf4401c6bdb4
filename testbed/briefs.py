"""What a run's scenarios ask for, kept with the run so that its scoreboard needs no suite."""

from __future__ import annotations

from typing import Literal

from testbed.record import SCHEMA_VERSION, Record


class CertificateBrief(Record):
    """What the scenario's certificate said when the run began.

    Figures are `None` without a certificate, and where it has none.
    """

    state: Literal["none", "stale", "fresh"]
    """Stale: the scenario, or its fixture, had changed since it was certified."""
    faults: tuple[str, ...] = ()
    """Each demand that did not hold, in one line."""
    accepted: int | None = None
    """Right patches that passed, the reference among them."""
    rejected: int | None = None
    """Wrong patches that failed by the check that is named for them."""
    gradings: int | None = None
    """Repeated gradings of the hidden checks."""
    flakes: int | None = None
    """Of these, how many came out other than they must."""
    most_flakes: float | None = None
    """Upper end of the flake rate's 95 % interval, as a fraction of 1."""
    killed: int | None = None
    """Mutants of the reference's lines that a hidden check found."""
    mutants: int | None = None
    """Of so many that count."""
    score: float | None = None
    """The one by the other."""


class Brief(Record):
    """One scenario as a reader has to know it."""

    prompt: str
    """The task as every model reads it, without the harness's own words around it."""
    seed: str
    """The diff that plants the task into the fixture."""
    seeded_files: tuple[str, ...]
    constraints: dict[str, str]
    """Constraint -> what it asks, in words, e.g. `max_changed_lines` -> `250`."""
    commands: dict[str, str]
    """What the model was told to run: name -> command line."""
    fail_to_pass: int
    """Hidden tests that must fail before and pass after."""
    pass_to_pass: int
    certificate: CertificateBrief | None = None
    """`None` in a run that did not look for it."""


class Briefs(Record):
    """The file `briefs.json`."""

    schema_version: int = SCHEMA_VERSION
    scenarios: dict[str, Brief]
