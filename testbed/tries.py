"""The tries of a run, sorted into the cells of its plan."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING, Self, TypeVar

from testbed.errors import RunError
from testbed.marks import Mark, counted_marks
from testbed.records import Trial, Verdict

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from testbed.view import RunView


T = TypeVar("T", Trial, Mark)


@dataclass(frozen=True, kw_only=True)
class Tries:
    """The tries of one model, on one scenario or on several."""

    planned: int
    trials: Sequence[Trial]
    """The counted ones."""
    spoiled: Sequence[Trial]
    marks: Sequence[Mark]
    """Those that count, of the whole run's: no mean mixes two yardsticks."""
    judged: Sequence[float | None]
    """US dollars of every question to a judge, those without a mark included."""

    @classmethod
    def together(cls, cells: Sequence[Tries]) -> Self:
        """Put the tries at several scenarios together."""
        return cls(
            planned=sum(c.planned for c in cells),
            trials=[t for c in cells for t in c.trials],
            spoiled=[t for c in cells for t in c.spoiled],
            marks=[m for c in cells for m in c.marks],
            judged=[cost for c in cells for cost in c.judged],
        )

    @property
    def all(self) -> tuple[Trial, ...]:
        """Give every try, whatever became of it."""
        return (*self.trials, *self.spoiled)

    @property
    def valid(self) -> list[Trial]:
        """Give the trials with a verdict."""
        return [t for t in self.trials if t.verdict is not Verdict.UNGRADED]

    @property
    def patched(self) -> list[Trial]:
        """Give the valid trials that changed a file."""
        return [t for t in self.valid if t.patch is not None and t.patch.files]

    @property
    def passes(self) -> int:
        """Count the trials that passed."""
        return sum(t.verdict is Verdict.PASS for t in self.valid)

    @property
    def first(self) -> Trial | None:
        """Give the first valid trial by repeat index."""
        return min(self.valid, key=lambda t: t.repeat, default=None)


def sorted_tries(view: RunView) -> dict[tuple[str, str], Tries]:
    """Sort the tries by model and scenario; a cell that was not planned has 0 planned trials.

    Raises `RunError` when a trial stands twice or was not planned: either would falsify rates.
    """
    _demand_sound(view)
    trials, spoiled = _cells(view.trials), _cells(view.spoiled)
    marks = _cells(counted_marks(view.marks))
    asked = _cells(mark for mark in view.marks if not mark.human)
    return {
        cell: Tries(
            planned=view.repeats_of(*cell),
            trials=trials.get(cell, ()),
            spoiled=spoiled.get(cell, ()),
            marks=marks.get(cell, ()),
            judged=[mark.cost_usd for mark in asked.get(cell, ())],
        )
        for cell in ((m.name, s.id) for m in view.models for s in view.scenarios)
    }


def _cells(found: Iterable[T]) -> dict[tuple[str, str], list[T]]:
    cells: dict[tuple[str, str], list[T]] = {}
    for one in found:
        cells.setdefault((one.model, one.scenario), []).append(one)
    return cells


def _demand_sound(view: RunView) -> None:
    known = {(m.name, s.id) for m in view.models for s in view.scenarios}
    planned = {cell: view.repeats_of(*cell) for cell in known}
    for trial in (*view.trials, *view.spoiled):
        if not 1 <= trial.repeat <= planned.get(trial.key[:2], 0):
            raise RunError(
                f"run {view.run_id}: trial {trial.key} was not planned",
                next_step="Restore the run's plan, or report its trials as a run of their own",
            )
    for key, times in Counter(t.key for t in view.trials).items():
        if times > 1:
            raise RunError(
                f"run {view.run_id}: trial {key} stands {times} times",
                next_step="Count one try of each trial and give the others as spoiled",
            )
