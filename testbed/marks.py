"""Marks that judges and people give to patches: opinions, stored apart from what was measured."""

from __future__ import annotations

import fcntl
import os
from collections import defaultdict
from dataclasses import dataclass
from enum import StrEnum
from itertools import combinations
from statistics import fmean
from typing import TYPE_CHECKING, Annotated, Final, NamedTuple

from pydantic import Field, StringConstraints, ValidationError, model_validator

from testbed.errors import RunError
from testbed.record import SCHEMA_VERSION, Record
from testbed.records import Usage
from testbed.settings import describe

if TYPE_CHECKING:
    from collections.abc import Hashable, Iterable, Sequence
    from pathlib import Path


class Factor(StrEnum):
    """What is marked, each from 1 (poor) to 5 (excellent)."""

    MODULARITY = "modularity"
    READABILITY = "readability"
    MAINTAINABILITY = "maintainability"
    TESTABILITY = "testability"


LEAST: Final = 1
MOST: Final = 5
Score = Annotated[int, Field(ge=LEAST, le=MOST)]
Rater = Annotated[str, StringConstraints(pattern=r"^(judge|human):\S(.*\S)?\z")]


class TryKey(NamedTuple):
    """One try at one trial: what a mark is about."""

    model: str
    scenario: str
    repeat: int
    attempt: int


class Mark(Record):
    """What one sample of a judge, or one person, thought of one try's patch."""

    schema_version: int = SCHEMA_VERSION
    model: str
    scenario: str
    repeat: int
    attempt: int
    patch: str
    """sha256 of the diff."""
    by: Rater
    """`judge:<card id>` or `human:<name>`."""
    sample: Annotated[int, Field(ge=1)] = 1
    """1-based: a judge is asked several times for the same patch."""
    scores: dict[Factor, Score] | None = None
    """All factors; `None` when no mark came of it, which may have cost money all the same."""
    fault: str | None = None
    """Why there are no scores: `invalid: …` for unusable answers, `no_reply: …` for none."""
    note: str = ""
    rubric: str
    """sha256 of the rubric that was shown."""
    blinded: bool = True
    """Whether the name of the model was kept from the rater."""
    card: str | None = None
    """Digest of the judge's model card; `None` for a person."""
    seed: int | None = None
    """What the order of the factors and the fences of the question were drawn from."""
    usage: Usage | None = None
    """Of every request for this sample; `None` for a person, or when one reported none."""
    cost_usd: float | None = None
    """Of every request for this sample; 0 for a person, `None` when a part is unknown."""
    served_model: str | None = None
    at: str
    """UTC, ISO 8601."""

    @model_validator(mode="after")
    def has_all_scores_or_a_fault(self) -> Mark:
        """Refuse half a mark."""
        if (self.scores is None) == (self.fault is None):
            raise ValueError("a mark has either `scores` or a `fault`")
        if self.scores is not None and set(self.scores) != set(Factor):
            raise ValueError(f"`scores` needs {', '.join(Factor)}")
        return self

    @property
    def key(self) -> TryKey:
        """Say which try it is about."""
        return TryKey(self.model, self.scenario, self.repeat, self.attempt)

    @property
    def terms(self) -> tuple[str, str | None]:
        """Say under which rubric and model card it was given."""
        return self.rubric, self.card

    @property
    def human(self) -> bool:
        """Say whether a person gave it."""
        return self.by.startswith("human:")


def judging_folder(run: Path) -> Path:
    """Return where a run keeps what judges were asked and review files."""
    return run / "judging"


def append_mark(path: Path, mark: Mark) -> None:
    """Add one mark, durable when this returns; several processes may add at the same time."""
    with path.open("ab+") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        _drop_torn_line(file.fileno())
        file.write(mark.model_dump_json().encode() + b"\n")
        file.flush()
        os.fsync(file.fileno())


def read_marks(path: Path) -> tuple[Mark, ...]:
    """Return every mark ever given, in order; none when there is no such file.

    A last line that was cut is left out; other damage is a `RunError` naming file and line.
    """
    if not path.is_file():
        return ()
    *lines, _ = path.read_bytes().split(b"\n")
    return tuple(_parsed(path, number, line) for number, line in enumerate(lines, 1))


def counted_marks(marks: Iterable[Mark]) -> tuple[Mark, ...]:
    """Keep what figures may use: valid marks, the latest of each rater, try and sample.

    Of each rater only the marks under its latest rubric and model card count, so that no mean
    mixes two yardsticks.
    """
    latest: dict[tuple[Hashable, ...], Mark] = {}
    terms: dict[str, tuple[str, str | None]] = {}
    for mark in marks:
        if mark.scores is not None:
            latest[mark.by, mark.terms, mark.key, mark.sample] = mark
            terms[mark.by] = mark.terms
    return tuple(mark for mark in latest.values() if mark.terms == terms[mark.by])


def marks_cost(marks: Iterable[Mark]) -> float | None:
    """Sum the cost in USD of everything that was asked; `None` when a part is unknown.

    Takes all marks, superseded and invalid ones included: they were paid for.
    """
    costs = [mark.cost_usd for mark in marks]
    return None if None in costs else sum(cost for cost in costs if cost is not None)


def mean_scores(marks: Iterable[Mark]) -> dict[str, dict[str, dict[Factor, float]]]:
    """Return rater -> model -> factor -> mean over tries, a try's samples averaged first.

    Give it what `counted_marks` kept.
    """
    tries: defaultdict[tuple[str, str, Factor], list[float]] = defaultdict(list)
    for (by, key, factor), scores in _groups(marks).items():
        tries[by, key.model, factor].append(fmean(scores))
    means: dict[str, dict[str, dict[Factor, float]]] = {}
    for (by, model, factor), values in tries.items():
        means.setdefault(by, {}).setdefault(model, {})[factor] = fmean(values)
    return means


@dataclass(frozen=True, kw_only=True)
class Agreement:
    """How far ratings of the same things agree."""

    pairs: int
    """Pairs of ratings of the same thing."""
    within_one: float | None
    """Share of the pairs that are at most one point apart; `None` without a pair."""
    alpha: float | None
    """Krippendorff's alpha, interval metric: 1 full agreement, 0 as by chance, below 0 worse.

    `None` without a pair, and when all ratings are equal: chance cannot be told from agreement.
    """


def agreement(units: Iterable[Sequence[float]]) -> Agreement:
    """Compare the ratings of each unit; a unit with one rating has nothing to say."""
    rated = [unit for unit in units if len(unit) > 1]
    apart = [abs(a - b) for unit in rated for a, b in combinations(unit, 2)]
    close = sum(gap <= 1 for gap in apart)
    return Agreement(
        pairs=len(apart),
        within_one=close / len(apart) if apart else None,
        alpha=_alpha(rated),
    )


def sample_agreement(marks: Iterable[Mark]) -> dict[str, dict[Factor, Agreement]]:
    """Compare the samples that each rater gave the same try: rater -> factor -> agreement."""
    units: defaultdict[tuple[str, Factor], list[list[float]]] = defaultdict(list)
    for (by, _, factor), scores in _groups(marks).items():
        units[by, factor].append(scores)
    found: dict[str, dict[Factor, Agreement]] = {}
    for (by, factor), rated in units.items():
        found.setdefault(by, {})[factor] = agreement(rated)
    return found


def rater_agreement(marks: Iterable[Mark]) -> dict[Factor, Agreement]:
    """Compare the raters of the same try, each by the mean of its samples."""
    by_try: defaultdict[tuple[TryKey, Factor], list[float]] = defaultdict(list)
    for (_, key, factor), scores in _groups(marks).items():
        by_try[key, factor].append(fmean(scores))
    factors = dict.fromkeys(factor for _, factor in by_try)
    return {
        factor: agreement([rated for (_, one), rated in by_try.items() if one is factor])
        for factor in factors
    }


def _groups(marks: Iterable[Mark]) -> dict[tuple[str, TryKey, Factor], list[float]]:
    """Return what each rater gave each try for each factor."""
    groups: defaultdict[tuple[str, TryKey, Factor], list[float]] = defaultdict(list)
    for mark in marks:
        for factor, score in (mark.scores or {}).items():
            groups[mark.by, mark.key, factor].append(score)
    return groups


def _alpha(units: Sequence[Sequence[float]]) -> float | None:
    """Return 1 - observed / expected disagreement, both as mean squared differences."""
    values = [value for unit in units for value in unit]
    if len(set(values)) < 2:  # noqa: PLR2004  (one value cannot vary)
        return None
    expected = 2 * _squares(values) / (len(values) * (len(values) - 1))
    observed = sum(2 * _squares(unit) / (len(unit) - 1) for unit in units) / len(values)
    return 1 - observed / expected


def _squares(values: Sequence[float]) -> float:
    """Sum the squared differences of all unordered pairs."""
    mean = fmean(values)
    return len(values) * sum((value - mean) ** 2 for value in values)


def _parsed(path: Path, number: int, line: bytes) -> Mark:
    try:
        return Mark.model_validate_json(line)
    except ValidationError as fault:
        raise RunError(
            f"{path}:{number}: {describe(fault)}",
            next_step="It was written by another version, or edited: mend or remove that line",
        ) from fault


def _drop_torn_line(file: int) -> None:
    """Cut what follows the last line's end, so that the next line begins a line."""
    size = os.fstat(file).st_size
    data = os.pread(file, size, 0)
    os.ftruncate(file, data.rfind(b"\n") + 1)
