"""Marks that judges and people gave to patches: opinions, kept apart from what was measured."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from testbed.marks import (
    Agreement,
    Factor,
    Mark,
    mean_scores,
    rater_agreement,
    sample_agreement,
)

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from testbed.tries import Tries


@dataclass(frozen=True, kw_only=True)
class RaterFigures:
    """What one judge model, or one person, thought of a model's patches."""

    human: bool
    blinded: bool
    """Whether the model's name was kept from the rater every time."""
    marked: int
    """Valid trials whose patch has a mark."""
    of: int
    """Valid trials with a patch that is not empty."""
    marks: int
    """Several samples of one patch count one each."""
    means: Mapping[str, float]
    """Factor -> mean score from 1 to 5 over the marked trials, a trial's samples averaged first."""


@dataclass(frozen=True, kw_only=True)
class AgreementFigures:
    """How far marks of the same patches agree, over the whole run."""

    samples: Mapping[str, Mapping[str, Agreement]]
    """Rater -> factor -> agreement of its own samples of the same patch."""
    raters: Mapping[str, Agreement]
    """Factor -> agreement of different raters about the same patch."""


def rater_figures(tries: Tries) -> dict[str, RaterFigures]:
    """Average each rater's marks of one model over its valid trials, by the rater's name."""
    marks = marks_of_valid(tries)
    by_rater: dict[str, list[Mark]] = {}
    for mark in sorted(marks, key=lambda m: m.by):
        by_rater.setdefault(mark.by, []).append(mark)
    return {by: _rater(mine, of=len(tries.patched)) for by, mine in by_rater.items()}


def _rater(marks: Sequence[Mark], *, of: int) -> RaterFigures:
    ((means,),) = (tuple(models.values()) for models in mean_scores(marks).values())
    return RaterFigures(
        human=all(mark.human for mark in marks),
        blinded=all(mark.blinded for mark in marks),
        marked=len({mark.key for mark in marks}),
        of=of,
        marks=len(marks),
        means={str(factor): score for factor, score in sorted(means.items())},
    )


def agreement_figures(tries: Tries) -> AgreementFigures:
    """Compare the marks of all models' valid trials."""
    marks = marks_of_valid(tries)
    return AgreementFigures(
        samples={by: _named(found) for by, found in sorted(sample_agreement(marks).items())},
        raters=_named(rater_agreement(marks)),
    )


def _named(found: Mapping[Factor, Agreement]) -> dict[str, Agreement]:
    return {factor.value: one for factor, one in found.items()}


def marks_of_valid(tries: Tries) -> tuple[Mark, ...]:
    """Keep the marks about the very patch that a valid trial has."""
    patches = {(*t.key, t.attempt): t.patch.digest for t in tries.patched if t.patch}
    return tuple(m for m in tries.marks if patches.get(m.key) == m.patch)
