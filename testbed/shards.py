"""A run in shards: one plan, made in parts on several machines, and put together again."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Annotated, Final, TypeVar

from pydantic import Field, ValidationError

from testbed.action_inputs import Inputs
from testbed.bounds import fits
from testbed.comparing.gate import Policy
from testbed.errors import RunError, UsageError
from testbed.plan import Part, RunConfig
from testbed.record import SCHEMA_VERSION, Record
from testbed.settings import describe
from testbed.store import Run

if TYPE_CHECKING:
    from pathlib import Path

R = TypeVar("R", bound=Record)
PLAN: Final = "plan.json"
NOTE: Final = "shard.json"
BASELINE: Final = "baseline"
"""Folder beside the plan that holds the earlier run of the baseline, where there is one."""
UNENDED: Final = "it was ended before it was done"
MOST_BYTES: Final = 16_000_000
"""Of a plan or a note: they come from other machines."""


class Plan(Record):
    """What all shards of one run share, the report included (`plan.json`)."""

    schema_version: int = SCHEMA_VERSION
    config: RunConfig
    """What every shard stores as its `run.json`, byte for byte."""
    shards: Annotated[int, Field(gt=0)]
    candidate: str
    """Id of the card."""
    baseline: str
    policy: Policy
    inputs: Inputs
    baseline_run: str | None = None
    """Id of the earlier run that the baseline's trials are taken from."""

    def parts(self) -> list[Part]:
        """List the shards."""
        return _parts(self.shards)


class ShardNote(Record):
    """What one shard has to say of itself, beside its run (`shard.json`)."""

    schema_version: int = SCHEMA_VERSION
    run_id: str
    number: int
    of: int
    fault: str | None = None
    """Why it ended early; `None` when it made what it could."""
    capped: bool = False
    """Whether its share of the cost limit ended it."""
    given_up: dict[str, str] = Field(default_factory=dict)
    """Model -> why none of its other trials was started."""


def read_plan(path: Path) -> Plan:
    """Read a plan; raise `RunError` naming what is wrong with it."""
    return _read(Plan, path, "Make it with `testbed action plan`")


def read_note(path: Path) -> ShardNote:
    """Read what a shard says of itself; raise `RunError` naming what is wrong with it."""
    return _read(ShardNote, path, "Make the shard again with `testbed action shard`")


def parse_part(said: str) -> Part:
    """Read `2/4`; raise `UsageError` for anything else."""
    found = re.fullmatch(r"([1-9]\d{0,4})/([1-9]\d{0,4})", said, re.ASCII)
    if not found or int(found[1]) > int(found[2]):
        raise UsageError(f"`{said}` is no shard", next_step="Say which of how many, e.g. 2/4")
    return Part(int(found[1]), int(found[2]))


def part_of(config: RunConfig, part: Part) -> RunConfig:
    """Narrow a run to one part, under its share of the cost limit."""
    narrowed = config.model_copy(update={"part": part})
    mine, all_of_them = (sum(1 for _ in one.trials()) for one in (narrowed, config))
    limit = config.max_cost_usd
    share = None if limit is None or not mine else limit * mine / all_of_them
    return narrowed.model_copy(update={"max_cost_usd": share})


def fitting_shards(config: RunConfig, wanted: int, dearest: float) -> int:
    """Say into how many shards a run can be split, so that each makes a trial at the least.

    `dearest` is what the dearest trial may cost at most, in USD: a shard whose share of the limit
    is smaller could not start it.
    """
    most = min(wanted, len(config.scenarios) * config.repeats)
    limit = config.max_cost_usd
    if limit is None or dearest <= 0:
        return most
    for count in range(most, 1, -1):
        shares = [part_of(config, part).max_cost_usd for part in _parts(count)]
        if all(share is not None and fits(dearest, share) for share in shares):
            return count
    return 1


def open_part(runs: Path, config: RunConfig, part: Part) -> Run:
    """Open, or begin, the run below `runs` to make one part of it.

    The part stands in memory alone: what is stored is the whole run, so that the parts agree in
    every byte. Raises `RunError` when another run of that id is there.
    """
    folder = runs / config.run_id
    run = Run(folder) if (folder / "run.json").is_file() else Run.create(runs, config)
    if run.config != config:
        raise RunError(
            f"{folder} was made by another plan", next_step="Choose an empty folder with -o"
        )
    run.config = part_of(config, part)
    return run


def _parts(count: int) -> list[Part]:
    return [Part(number, count) for number in range(1, count + 1)]


def _read(kind: type[R], path: Path, next_step: str) -> R:
    try:
        if path.is_symlink() or path.stat().st_size > MOST_BYTES:
            raise RunError(f"{path}: a link, or too large", next_step=next_step)
        return kind.model_validate_json(path.read_bytes())
    except OSError as fault:
        raise RunError(f"{path}: {fault.strerror}", next_step=next_step) from fault
    except ValidationError as fault:
        raise RunError(f"{path}: {describe(fault)}", next_step=next_step) from fault
