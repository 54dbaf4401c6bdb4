"""What `run --plan` and `action shard` share: one part of a planned run is made."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from testbed.cli.common import open_suite, talk
from testbed.errors import Interrupted, TestbedError

if TYPE_CHECKING:
    from testbed.plan import Part
    from testbed.shards import Plan
    from testbed.store import Run


@dataclass(frozen=True, kw_only=True)
class MadePart:
    """What came of one part; finished trials are kept whatever happened."""

    run: Run
    fault: TestbedError | None = None
    """What ended it early."""
    capped: bool = False
    given_up: dict[str, str] = field(default_factory=dict)
    """Model -> why none of its other trials was started."""


def make_part(
    plan: Plan, part: Part, *, suite: Path | None, runs: Path, jobs: int, force: bool = False
) -> MadePart:
    """Make the trials that a part of a plan still misses, below `runs`.

    An expected error while they are made is kept in what is returned. Raises `RunError` when
    another plan's run is there, `ScenarioError` for a suite that cannot be used, and
    `Interrupted`.
    """
    from testbed.cli.conduct import make_trials, told
    from testbed.continuing import how_to_continue
    from testbed.shards import open_part

    config = plan.config
    chosen = open_suite(suite or Path(config.suite), [s.id for s in config.scenarios])
    run = open_part(runs.resolve(), config, part)
    talk().print(f"part {part.number} of {part.of}")
    try:
        batch = make_trials(run, chosen, jobs=jobs, force=force)
    except TestbedError as fault:
        return MadePart(run=run, fault=fault)
    except KeyboardInterrupt:
        raise Interrupted(
            "interrupted, finished trials are kept",
            next_step=f"Continue with {how_to_continue(run)}",
        ) from None
    for model, why in batch.given_up.items():
        talk().print(f"{model} was given up: {why}", markup=False)
    if batch.capped:
        talk().print(f"its share of the cost limit is used up: {told(batch.capped)}", markup=False)
    return MadePart(run=run, capped=batch.capped is not None, given_up=dict(batch.given_up))
