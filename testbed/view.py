"""A run as reports see it: what was planned, what happened, and what was said of it."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from testbed.findings import Quality
    from testbed.marks import Mark
    from testbed.preflight import Preflight
    from testbed.records import Trial

Key = tuple[str, str, int]
"""Model, scenario, repeat."""


@dataclass(frozen=True, kw_only=True)
class ModelView:
    """One row of a run."""

    name: str
    scripted: bool
    card: str = ""
    """Label of the model card, e.g. its served id and the date of its prices."""
    asked: str = ""
    """Id of the model that the card asks the endpoint for; empty for a player."""
    preflights: tuple[Preflight, ...] = ()
    """What the endpoint was found to do before trials, the oldest first; empty: not asked."""
    run_id: str = ""
    """The run that the row comes from; empty: the view's own."""


@dataclass(frozen=True, kw_only=True)
class ScenarioView:
    """One scenario of a run."""

    id: str
    title: str
    kind: str
    difficulty: str


@dataclass(frozen=True, kw_only=True)
class RunView:
    """A run as it was planned and as it happened."""

    run_id: str
    created: str
    """UTC, ISO 8601."""
    models: tuple[ModelView, ...]
    scenarios: tuple[ScenarioView, ...]
    repeats: int
    trials: Sequence[Trial]
    """One per key: its latest valid try, or its latest try when none is valid."""
    spoiled: Sequence[Trial] = ()
    """Every other try."""
    follow_ups: int = 0
    """Prompts that could follow the first one: a mode of its own."""
    references: Mapping[str, Quality | None] = field(default_factory=dict)
    """Scenario -> code quality of its reference solution; `None` when not measured."""
    marks: Sequence[Mark] = ()
    """What judges and people thought of patches, every mark ever given."""
    conditions: Mapping[str, str] = field(default_factory=dict)
    """Digests, versions and the engine: what has to be alike for two runs to be compared."""
    planned: Mapping[tuple[str, str], int] = field(default_factory=dict)
    """Model and scenario -> repeats, for several runs seen as one; a cell that is missing was not
    planned. Empty: `repeats` of every cell."""

    def repeats_of(self, model: str, scenario: str) -> int:
        """Say how many trials of a cell were planned."""
        return self.planned.get((model, scenario), 0) if self.planned else self.repeats
