"""Model cards: which endpoint, which model, which habits, at which price."""

from __future__ import annotations

import difflib
import hashlib
import os
from datetime import UTC, date, datetime
from importlib import resources
from pathlib import Path
from typing import Annotated, Any, Final, Literal, Self

from pydantic import Field, StringConstraints, model_validator

from testbed.errors import CardError
from testbed.pricing import Price, overlap, price_at
from testbed.settings import Settings, load_settings

ModelId = Annotated[
    str, StringConstraints(pattern=r"^[A-Za-z0-9][\w.:-]*(/[A-Za-z0-9][\w.:-]*)*\Z")
]
Pinned = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9][\w.-]*==[\w.]+\Z")]
Player = Literal[
    "oracle",
    "noop",
    "sloppy",
    "slow",
    "rate-limited",
    "malformed",
    "leaky",
    "runaway",
    "verbose",
    "flaky",
    "regressor",
    "edits-tests",
    "skips-tests",
    "edits-runner",
    "detects-tests",
    "forges-report",
]

_WORDS: Final = {"title", "open_weights", "retired", "source", "note"}
"""What a card says about a model without any effect on a request or its price."""


class Api(Settings):
    """How a provider's Chat Completions differ from the common ground."""

    drop: tuple[str, ...] = ()
    """Parameters that the endpoint refuses."""
    rename: dict[str, str] = Field(default_factory=dict)
    """Our parameter name -> the endpoint's, e.g. max_tokens -> max_completion_tokens."""
    force: dict[str, Any] = Field(default_factory=dict)
    """Parameters with a value that the endpoint demands."""
    extra_body: dict[str, Any] = Field(default_factory=dict)
    """Provider-specific additions to the request body."""
    replay_reasoning: Literal["required", "forbidden", "ignore"] = "ignore"
    """Whether reasoning text goes back in the history."""
    stream_usage: bool = True
    """Ask for usage by `stream_options.include_usage`."""
    rewrite_call_ids: bool = False
    """Rewrite tool-call ids of the history to Kimi K2's form `functions.<name>:<index>`."""
    reasoning_in_total: bool = False
    """Reasoning is counted in `total_tokens` alone: what exceeds prompt and completion is it."""
    quota_is_limit: bool = False
    """A spent quota under 429 is a limit by the minute, which waiting ends."""


class Weights(Settings):
    """Open weights that the testbed itself serves on this machine, one request at a time."""

    packages: Annotated[tuple[Pinned, ...], Field(min_length=1)]
    """Distributions that it takes, pinned; the last one carries the weights."""
    file: Annotated[str, Field(min_length=1)]
    """Path of the weights among the files of the last package."""
    sha256: Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{64}\Z")]
    threads: Annotated[int, Field(gt=0)] = 1
    """Processor threads of the server."""


class ModelCard(Settings):
    """One model behind one endpoint; a player or weights to be served stand in its place."""

    schema_version: Literal[1]
    id: ModelId
    title: str
    player: Player | None = None
    weights: Weights | None = None
    provider: str
    model: str = ""
    """The model's id at the endpoint."""
    base_url: Annotated[str, StringConstraints(pattern=r"^https?://")] | None = None
    key_variable: str | None = None
    """Environment variable holding the key; absent for endpoints without one."""
    context_window: Annotated[int, Field(gt=0)] | None = None
    max_output_tokens: Annotated[int, Field(gt=0)] = 8192
    temperature: Annotated[float, Field(ge=0, le=2)] | None = None
    """Not sent when absent: the provider's default holds."""
    open_weights: bool | None = None
    """Whether the weights can be downloaded; `None` when that is unknown."""
    retired: bool | date = False
    """Whether the endpoint refuses it, or the first day (UTC) on which it does or will."""
    source: str = ""
    """Where window, limits, habits and retirement were read, and when."""
    note: str = ""
    api: Api = Api()
    prices: tuple[Price, ...] = ()

    @model_validator(mode="after")
    def has_one_place_to_call(self) -> Self:
        """Refuse a model without an endpoint, and a player with one."""
        if self.player is not None:
            if self.base_url or self.weights:
                raise ValueError("a player has neither `base_url` nor `weights`")
        elif self.weights is not None:
            if self.base_url or self.key_variable or not (self.model and self.context_window):
                raise ValueError(
                    "a model with `weights` needs `model` and `context_window`, "
                    "and has neither `base_url` nor `key_variable`"
                )
        elif not self.base_url or not self.model:
            raise ValueError("a model needs `base_url` and `model`")
        if self.scripted != self.id.startswith("scripted/"):
            raise ValueError("ids of players, and only theirs, begin with `scripted/`")
        return self

    @model_validator(mode="after")
    def has_one_price_at_a_time(self) -> Self:
        """Refuse prices that hold on the same day."""
        twice = overlap(self.prices)
        if twice is not None:
            raise ValueError(f"two prices hold on {twice}: end the earlier by `valid_to`")
        return self

    @property
    def scripted(self) -> bool:
        """Say whether it is a player, not a model."""
        return self.player is not None

    def has_key(self) -> bool | None:
        """Say whether its key is in the environment; `None` for an endpoint without keys."""
        if self.key_variable is None:
            return None
        return bool(os.environ.get(self.key_variable, "").strip())

    def is_retired(self, today: date) -> bool:
        """Say whether the endpoint refuses it on a day (UTC)."""
        return self.retired if isinstance(self.retired, bool) else self.retired <= today

    def price_now(self, now: datetime) -> Price | None:
        """Return what it costs at a time, `None` when that is unknown or it is retired."""
        retired = self.is_retired(now.astimezone(UTC).date())
        return None if retired else price_at(self.prices, now)

    def digest(self) -> str:
        """Digest everything that can change a result or a price (sha256): words do not."""
        kept = self.model_dump_json(exclude=_WORDS)
        return hashlib.sha256(kept.encode()).hexdigest()


def shipped_cards() -> tuple[ModelCard, ...]:
    """Load every card of the package, sorted by id."""
    folder = Path(str(resources.files("testbed") / "models"))
    cards = [load_settings(ModelCard, path, CardError) for path in folder.glob("*.toml")]
    return tuple(sorted(cards, key=lambda card: card.id))


def find_card(name: str) -> ModelCard:
    """Return a shipped card by id, or the user's own card by path (ending in .toml)."""
    if name.endswith(".toml"):
        return load_settings(ModelCard, Path(name), CardError)
    cards = {card.id: card for card in shipped_cards()}
    if name not in cards:
        alike = difflib.get_close_matches(name, cards, n=3, cutoff=0.3)
        nearest = f"; the nearest: {', '.join(alike)}" if alike else ""
        raise CardError(
            f"no model card `{name}`{nearest}",
            next_step="Give the path of a .toml card, or an id that `testbed models` lists",
        )
    return cards[name]
