"""What a run's scenarios ask for, kept with the run so that its scoreboard needs no suite."""

from __future__ import annotations

from testbed.record import SCHEMA_VERSION, Record


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


class Briefs(Record):
    """The file `briefs.json`."""

    schema_version: int = SCHEMA_VERSION
    scenarios: dict[str, Brief]
