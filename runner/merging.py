"""Several parts of one run -> the run, as if one machine had made it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from testbed.errors import RunError
from testbed.findings import References
from testbed.preflight import Preflights
from testbed.store import Run, RunPaths, write_atomically, write_record

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from pathlib import Path

    from testbed.findings import Quality
    from testbed.plan import PlannedTrial
    from testbed.records import Trial

NEXT: Final = "Make the parts again under the same conditions"


@dataclass(frozen=True, kw_only=True)
class TakenIn:
    """One part that was taken in, and what to call it."""

    name: str
    run: Run


def merge_parts(parts: Sequence[TakenIn], runs: Path) -> Run:
    """Put parts together below `runs`; they are used up: their files are moved.

    The order of the parts changes nothing. Raises `RunError` when there is none, when the run is
    there already, when parts hold the same trial, and when they were made under other conditions.
    """
    if not parts:
        raise RunError("there is no part to merge", next_step="Make one")
    target = RunPaths(runs / parts[0].run.config.run_id)
    if target.folder.exists():
        raise RunError(f"{target.folder} is there already", next_step="Choose an empty folder")
    _demand_one_run(parts)
    lines = _lines(parts)
    _move(parts, target)
    if lines:
        write_atomically(target.journal, b"".join(lines))
    return Run(target.folder)


def _demand_one_run(parts: Sequence[TakenIn]) -> None:
    """Refuse parts of different runs, or made under different conditions."""
    if not _same(parts, "config"):
        raise RunError("the parts are of different runs", next_step="Merge parts of one plan")
    locked = [part for part in parts if part.run.paths.lock.is_file()]
    for part in locked[1:]:
        known, other = locked[0].run.resolved(), part.run.resolved()
        if known is None or other is None or known == other:
            continue
        told = ", ".join(known.differences(other)[:6]) or "its digest of run.json"
        raise RunError(
            f"{locked[0].name} and {part.name} were made under different conditions: {told}",
            next_step=NEXT,
        )
    if not _same(parts, "briefs"):
        raise RunError("the parts tell different things of their scenarios", next_step=NEXT)


def _lines(parts: Sequence[TakenIn]) -> list[bytes]:
    """Put the journals together in the order of the plan; refuse a trial in two parts."""
    owners: dict[PlannedTrial, str] = {}
    tries: dict[PlannedTrial, Mapping[int, Trial]] = {}
    for part in parts:
        for planned, found in part.run.tries().items():
            if planned in owners:
                raise RunError(
                    f"{owners[planned]} and {part.name} both hold trial {planned.repeat} of "
                    f"{planned.model} at {planned.scenario}",
                    next_step="Give each part once",
                )
            owners[planned], tries[planned] = part.name, found
    order = parts[0].run.config.model_copy(update={"part": None}).trials()
    return [
        trial.model_dump_json(exclude_unset=True).encode() + b"\n"
        for planned in order
        for _, trial in sorted(tries.get(planned, {}).items())
    ]


def _move(parts: Sequence[TakenIn], target: RunPaths) -> None:
    preflights, references = _preflights(parts), _references(parts)
    write_atomically(target.config, parts[0].run.paths.config.read_bytes())
    for name in ("lock", "briefs"):
        found = [getattr(part.run.paths, name) for part in parts]
        for path in [path for path in found if path.is_file()][:1]:
            path.replace(getattr(target, name))
    # Complete tries first: one that another part only began must not take their place.
    tries = sorted(_tries(parts), key=lambda found: not (found[0] / "trial.json").is_file())
    for folder, within in tries:
        place = target.folder / within
        if not place.exists():
            place.parent.mkdir(parents=True, exist_ok=True)
            folder.replace(place)
    if preflights.asked:
        write_record(target.preflight, preflights)
    if references:
        write_record(target.references, References(quality=references))


def _tries(parts: Sequence[TakenIn]) -> Iterator[tuple[Path, Path]]:
    """Yield the folder of every try, and its path within its run."""
    for part in parts:
        top = part.run.paths.folder
        for folder in sorted(top.glob("trials/*/*/*/*")):
            yield folder, folder.relative_to(top)


def _preflights(parts: Sequence[TakenIn]) -> Preflights:
    """Keep every preflight that was paid for, the oldest first."""
    found = [part.run.preflights() for part in parts]
    asked = sorted((one for each in found for one in each.asked), key=lambda one: one.started_at)
    return Preflights(asked=tuple(asked), forced=any(each.forced for each in found))


def _references(parts: Sequence[TakenIn]) -> dict[str, Quality | None]:
    """Keep what the references measure; what the parts disagree on is unknown."""
    told: dict[str, list[Quality | None]] = {}
    for path in (part.run.paths.references for part in parts):
        if path.is_file():
            found = References.model_validate_json(path.read_bytes())
            for scenario, quality in found.quality.items():
                told.setdefault(scenario, []).append(quality)
    return {
        scenario: found[0] if all(one == found[0] for one in found) else None
        for scenario, found in sorted(told.items())
    }


def _same(parts: Sequence[TakenIn], name: str) -> bool:
    """Say whether all parts that have a file have the same."""
    paths: list[Path] = [getattr(part.run.paths, name) for part in parts]
    return len({path.read_bytes() for path in paths if path.is_file()}) < 2  # noqa: PLR2004  (one)
