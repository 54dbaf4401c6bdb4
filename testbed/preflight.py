"""What was found out about an endpoint, as frozen records that can be stored as JSON."""

from __future__ import annotations

from enum import StrEnum
from typing import Literal

from testbed.record import SCHEMA_VERSION, Record
from testbed.records import Usage


class Outcome(StrEnum):
    """What became of one probe."""

    OK = "ok"
    FAILED = "failed"
    NOT_APPLICABLE = "not_applicable"
    """It could not be asked: what it builds on did not happen."""


class Probe(Record):
    """One question to an endpoint and what came of it."""

    id: str
    outcome: Outcome
    detail: str


class Preflight(Record):
    """Every probe of one endpoint, and what asking cost."""

    schema_version: int = SCHEMA_VERSION
    model: str
    """The card's id."""
    card: str
    """The card's digest: another card, another outcome."""
    base_url: str
    served_models: tuple[str, ...]
    """Names under which the endpoint answered, in the order in which they came."""
    started_at: str
    """UTC, ISO 8601."""
    seconds: float
    requests: int
    """HTTP attempts, failed ones included."""
    usage: Usage | None
    """`None` when a request that produced tokens came without usage."""
    cost_usd: float | None
    """`None` when a part has no price or no usage."""
    probes: tuple[Probe, ...]

    @property
    def failed(self) -> tuple[Probe, ...]:
        """List the probes that the endpoint did not pass."""
        return tuple(probe for probe in self.probes if probe.outcome is Outcome.FAILED)


class Preflights(Record):
    """Every preflight of a run, the oldest first (`preflight.json`). Nothing is taken out of it."""

    schema_version: int = SCHEMA_VERSION
    asked: tuple[Preflight, ...] = ()
    forced: bool = False
    """Whether trials were made though a model failed its latest preflight."""

    def latest(self, model: str, *, card: str) -> Preflight | None:
        """Return what a model was last found to do, by its id and its card's digest."""
        mine = (one for one in reversed(self.asked) if (one.model, one.card) == (model, card))
        return next(mine, None)

    @property
    def cost_usd(self) -> float | None:
        """Add up what all of them cost, apart from every trial; unknown when a part is."""
        costs = [one.cost_usd for one in self.asked]
        return None if None in costs else sum(cost for cost in costs if cost is not None)


class Reach(Record):
    """Whether a model can be asked at all; finding it out costs no tokens."""

    model: str
    """The card's id."""
    base_url: str
    key: Literal["set", "not set", "none needed"]
    answers: bool | None = None
    """Whether the endpoint answered and took the key; `None` when it was not asked."""
    served: bool | None = None
    """Whether its list of models holds this one; `None` without a list."""
    detail: str

    @property
    def usable(self) -> bool:
        """Say whether nothing speaks against a request."""
        return bool(self.answers) and self.served is not False
