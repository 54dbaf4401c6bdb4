"""What is to be run: the configuration asked for, what it resolved to, and its trials in order."""

from __future__ import annotations

import secrets
from datetime import UTC, datetime
from itertools import product
from typing import TYPE_CHECKING, Annotated, Literal, NamedTuple

from pydantic import Field

from testbed.catalog import ModelCard
from testbed.record import SCHEMA_VERSION, Record

if TYPE_CHECKING:
    from collections.abc import Iterator

EngineName = Literal["auto", "docker", "local"]


class PlannedTrial(NamedTuple):
    """One trial to be made; its three parts are its stable id."""

    model: str
    scenario: str
    repeat: int


class Part(NamedTuple):
    """One share of a run's trials, e.g. the second of four."""

    number: int
    """From 1."""
    of: int


class TrialLimits(Record):
    """What one trial may spend. `None` is no limit."""

    max_turns: Annotated[int, Field(gt=0)] = 60
    max_tokens: Annotated[int, Field(gt=0)] | None = 2_000_000
    """Input and output of all turns, summed."""
    max_tool_s: Annotated[float, Field(gt=0)] = 900.0
    max_cost_usd: Annotated[float, Field(gt=0)] | None = None
    max_wall_s: Annotated[float, Field(gt=0)] = 3600.0
    """A safety net, not a limit to be reached."""


class PlannedScenario(Record):
    """What a report says of a scenario, kept so that it needs no suite."""

    id: str
    title: str
    kind: str
    difficulty: str


class RunConfig(Record):
    """What was asked for (`run.json`). Cards are kept whole, so a run explains itself."""

    schema_version: int = SCHEMA_VERSION
    run_id: str
    created_at: str
    suite: str
    """Folder holding `scenarios/` and `fixtures/`."""
    models: tuple[ModelCard, ...]
    scenarios: tuple[PlannedScenario, ...]
    repeats: Annotated[int, Field(gt=0, le=1000)]
    engine: EngineName
    limits: TrialLimits = TrialLimits()
    max_cost_usd: Annotated[float, Field(gt=0)] | None = None
    """Of the whole run; no trial is started that could exceed it."""
    follow_ups: Annotated[int, Field(ge=0, le=10)] = 0
    """Prompts after the first one, while the patch does not pass: a mode of its own."""
    forced: bool = False
    """Whether a model that fails the preflight is run all the same."""
    part: Annotated[Part | None, Field(exclude=True)] = None
    """The share of the trials that is made here. Never stored: all shares are of one run."""

    def trials(self) -> Iterator[PlannedTrial]:
        """Yield every trial, interleaved so that drift in time hits all models alike.

        A part holds every so-many-th pair of scenario and repeat, with all models.
        """
        number, of = self.part or Part(1, 1)
        pairs = product(range(1, self.repeats + 1), self.scenarios)
        for place, (repeat, scenario) in enumerate(pairs):
            if place % of == number - 1:
                for card in self.models:
                    yield PlannedTrial(card.id, scenario.id, repeat)

    def card(self, model: str) -> ModelCard:
        """Return the card of one of the run's models."""
        return next(card for card in self.models if card.id == model)


class RunLock(Record):
    """What the configuration resolved to (`lock.json`): equal locks, comparable results."""

    schema_version: int = SCHEMA_VERSION
    testbed: str
    engine: str
    images: dict[str, str]
    """Fixture -> content-hashed image that its sandboxes start from."""
    prompt: str
    """Digest of the system and task prompts and of the tools offered."""
    fixtures: dict[str, str]
    scenarios: dict[str, str]
    models: dict[str, str]
    config: str | None = None
    """sha256 of `run.json`."""

    def conditions(self) -> dict[str, str]:
        """Return it flat, as reports show it: `scenarios.docx-upload` -> digest."""
        flat: dict[str, str] = {}
        for field in ("testbed", "engine", "prompt"):
            flat[field] = getattr(self, field)
        for field in ("images", "fixtures", "scenarios", "models"):
            flat |= {f"{field}.{key}": value for key, value in getattr(self, field).items()}
        return flat

    def differences(self, other: RunLock) -> list[str]:
        """Name what differs, e.g. `scenarios.docx-upload`."""
        mine, theirs = self.conditions(), other.conditions()
        keys = sorted(mine.keys() | theirs.keys())
        return [key for key in keys if mine.get(key) != theirs.get(key)]


def new_run_id(now: datetime | None = None) -> str:
    """Return a sortable id: UTC time and four random characters."""
    stamp = (now or datetime.now(UTC)).strftime("%Y%m%d-%H%M%S")
    return f"{stamp}-{secrets.token_hex(2)}"
