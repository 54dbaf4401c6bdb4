"""One more repeat of two models, under the very conditions of the runs that are there."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeVar, cast

from testbed.errors import RunError, UsageError

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Sequence
    from datetime import datetime
    from pathlib import Path

    from testbed.catalog import ModelCard
    from testbed.cli.sides import Entrant
    from testbed.plan import EngineName, RunConfig, RunLock
    from testbed.scenario import Suite
    from testbed.store import Run

T = TypeVar("T")


@dataclass(frozen=True, kw_only=True)
class Terms:
    """What one more repeat is made under: as the runs that are there were."""

    config: RunConfig
    """A pattern: every added run has its own id, time and limit of money."""
    lock: RunLock
    """What it has to resolve to, but for the digest of its own configuration."""
    suite: Suite

    def fits(self, left_usd: float | None) -> bool:
        """Say whether the next trial of either model surely costs no more than what is left."""
        from datetime import UTC, datetime

        from testbed.bounds import fits

        if left_usd is None:
            return True
        return fits(max(self._reservations(datetime.now(UTC))), left_usd)

    def demand_bounded(self, max_cost_usd: float | None) -> None:
        """Raise `UsageError` when money could be spent without a limit that holds."""
        from datetime import UTC, datetime
        from math import isinf

        for card, most in zip(
            self.config.models, self._reservations(datetime.now(UTC)), strict=True
        ):
            if max_cost_usd is None and card.prices:
                raise UsageError(
                    f"more repeats of {card.id} cost money",
                    next_step="Say how much they may cost in all with --max-cost-usd",
                )
            if max_cost_usd is not None and isinf(most):
                raise UsageError(
                    f"nothing bounds what a trial of {card.id} may cost today, so --max-cost-usd "
                    "could not hold",
                    next_step="Add `[[prices]]` to its card, or leave the option out",
                )

    def begin(self, runs: Path, left_usd: float | None) -> Run:
        """Make the directory of a run of one more repeat.

        Its conditions are laid down before anything is built, so that it is refused, and not
        made, where the suite or the machine is no longer what it was.
        """
        import hashlib
        from datetime import UTC, datetime

        from testbed.plan import new_run_id
        from testbed.store import Run

        now = datetime.now(UTC)
        own = {
            "run_id": new_run_id(now),
            "created_at": now.isoformat(timespec="seconds"),
            "max_cost_usd": left_usd,
        }
        run = Run.create(runs.resolve(), self.config.model_copy(update=own))
        asked = hashlib.sha256(run.paths.config.read_bytes()).hexdigest()
        with run.writing(self.lock.model_copy(update={"config": asked})):
            return run

    def _reservations(self, now: datetime) -> list[float]:
        from testbed.bounds import reservation

        return [reservation(card, self.config.limits, now) for card in self.config.models]


def terms_of(
    a: Entrant, b: Entrant, scenarios: Collection[str], *, suite: Path | None = None
) -> Terms:
    """Find out what both sides were made under, for these scenarios; `suite` [the runs' own].

    Raises `RunError` when the runs differ in what a repeat has to keep.
    """
    from pathlib import Path

    from testbed.cli.common import open_suite
    from testbed.plan import RunConfig

    if a.model == b.model:
        raise UsageError(
            f"both sides are {a.model}, so one run cannot hold more repeats of both",
            next_step="Make them with `testbed run`, and name the runs: MODEL@RUN1,RUN2",
        )
    made = tuple({run.paths.folder.resolve(): run for run in (*a.runs, *b.runs)}.values())
    configs = [run.config for run in made]
    cards = tuple(_card(side) for side in (a, b))
    chosen = open_suite(suite or Path(configs[-1].suite), sorted(scenarios))
    lock = _lock(made, chosen, cards)
    planned = {s.id: s for config in configs for s in config.scenarios}
    config = RunConfig(
        run_id="",
        created_at="",
        suite=str(chosen.root),
        models=cards,
        scenarios=tuple(planned[s.id] for s in chosen.scenarios),
        repeats=1,
        engine=cast("EngineName", lock.engine),
        limits=_only("limits", (config.limits for config in configs)),
        follow_ups=_only("follow-ups", (config.follow_ups for config in configs)),
        forced=any(config.forced for config in configs),
    )
    return Terms(config=config, lock=lock, suite=chosen)


def _card(side: Entrant) -> ModelCard:
    cards = [run.config.card(side.model) for run in side.runs]
    _only(f"models.{side.model}", (card.digest() for card in cards))
    return cards[-1]


def _lock(made: Sequence[Run], suite: Suite, cards: Sequence[ModelCard]) -> RunLock:
    """Put together what the runs resolved to, as far as it concerns these scenarios."""
    from importlib.metadata import version

    from testbed.plan import RunLock

    locks = [lock for lock in (run.resolved() for run in made) if lock is not None]

    def kept(kind: str, names: Iterable[str]) -> dict[str, str]:
        found: list[dict[str, str]] = [getattr(lock, kind) for lock in locks]
        return {
            name: _only(f"{kind}.{name}", (one[name] for one in found if name in one))
            for name in dict.fromkeys(names)
        }

    fixtures = [scenario.fixture.id for scenario in suite.scenarios]
    return RunLock(
        testbed=version("testbed"),
        engine=_only("engine", (lock.engine for lock in locks)),
        images=kept("images", fixtures),
        prompt=_only("prompt", (lock.prompt for lock in locks)),
        fixtures=kept("fixtures", fixtures),
        scenarios=kept("scenarios", (scenario.id for scenario in suite.scenarios)),
        models={card.id: card.digest() for card in cards},
    )


def _only(what: str, found: Iterable[T]) -> T:
    values = list(dict.fromkeys(found))
    if len(values) != 1:
        raise RunError(
            f"the runs do not agree on one condition: {what}",
            next_step="More repeats would fit one side only: run both again from the start",
        )
    return values[0]
