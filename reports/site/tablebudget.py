"""Success against budget: what share of the work would have been done within less."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from itertools import accumulate, pairwise
from math import ceil
from typing import TYPE_CHECKING, Final

from reports import words
from reports.site.axes import Axis, axis, cut, place
from reports.site.tables import Cell, Heading, Row, Table
from testbed.records import Verdict

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from reports.site.axes import Mark
    from reports.site.board import Board
    from testbed.figures import ModelFigures
    from testbed.records import Trial

LEFT, RIGHT, TOP, BOTTOM = 42, 318, 12, 190
"""Edges of the field of a chart that is 440 by 232; names of models stand to the right of it."""
LONGEST: Final = 18
SEEN: Final = 2
"""Units that a step is high at least."""
LINES: Final = 6
"""Models that a chart can hold apart."""
KEPT: Final = (0.9, 1.0)


@dataclass(frozen=True)
class Budget:
    """Something that a limit can be set to."""

    id: str
    title: str
    spent: Callable[[Trial], float | None]
    text: Callable[[float | None], str]


@dataclass(frozen=True)
class Curve:
    """The share of a model's trials that passed within a budget, for every budget."""

    steps: tuple[tuple[float, float], ...]
    """What a passed trial spent, and the share of all trials that had passed by then."""
    passed: int
    known: int
    """Passed trials of which it is known what they spent; the others are within no budget."""

    def needed(self, kept: float) -> float | None:
        """Give the smallest budget that leaves this share of the passed trials."""
        enough = ceil(kept * self.passed - 1e-9)
        return self.steps[enough - 1][0] if 0 < enough <= self.known else None


@dataclass(frozen=True, kw_only=True)
class Line:
    """A curve as it is drawn."""

    label: str
    told: str
    path: str
    end_y: str
    label_y: str


@dataclass(frozen=True, kw_only=True)
class Chart:
    """The curves of the foremost models for one budget."""

    id: str
    title: str
    x_marks: tuple[Mark, ...]
    y_marks: tuple[Mark, ...]
    lines: tuple[Line, ...]
    powers: bool


def _tokens(trial: Trial) -> float | None:
    return trial.usage.total if trial.usage else None


BUDGETS: Final = (
    Budget("cost", "cost", lambda t: t.cost_usd, words.money),
    Budget("tokens", "tokens", _tokens, words.count),
    Budget("turns", "turns", lambda t: t.turns, words.count),
)


def curve(trials: Sequence[Trial], spent: Callable[[Trial], float | None]) -> Curve:
    """Count the valid trials of one model that passed within each budget.

    Scenarios weigh alike, as in pass@1, which the curve reaches when all spending is known.
    """
    valid: dict[str, list[Trial]] = {}
    for trial in trials:
        if trial.verdict is not Verdict.UNGRADED:
            valid.setdefault(trial.scenario, []).append(trial)
    passed = [t for cell in valid.values() for t in cell if t.verdict is Verdict.PASS]
    weighed = sorted(
        (used, Fraction(1, len(valid[t.scenario]) * len(valid)))
        for t in passed
        if (used := spent(t)) is not None
    )
    # Summed exactly, or all of them would come to a little less than 100 %.
    reached = accumulate(weight for _, weight in weighed)
    steps = tuple((used, float(rate)) for (used, _), rate in zip(weighed, reached, strict=True))
    return Curve(steps, passed=len(passed), known=len(steps))


def curves(board: Board, budget: Budget) -> dict[str, Curve]:
    """Draw up every model's curve, in the leaderboard's order."""
    trials: dict[str, list[Trial]] = {m.model: [] for m in board.models}
    for trial in board.view.trials:
        trials[trial.model].append(trial)
    return {model: curve(found, budget.spent) for model, found in trials.items()}


def budget_charts(board: Board) -> list[Chart]:
    """Draw a chart for each budget that something is known of."""
    charts = (_chart(budget, curves(board, budget)) for budget in BUDGETS)
    return [chart for chart in charts if chart]


def _chart(budget: Budget, found: Mapping[str, Curve]) -> Chart | None:
    shown = [(model, one) for model, one in found.items() if one.steps][:LINES]
    if not shown:
        return None
    across = axis([x for _, one in shown for x, _ in one.steps], start=LEFT, end=RIGHT)
    up = Axis(low=0.0, high=1.0, start=BOTTOM, end=TOP)
    ends = _apart([up.at(one.steps[-1][1]) for _, one in shown])
    return Chart(
        id=f"within-{budget.id}",
        title=budget.title,
        powers=across.powers,
        x_marks=across.marks(budget.text),
        y_marks=up.marks(words.percent),
        lines=tuple(
            Line(
                label=cut(words.clean(model), LONGEST),
                told=f"{words.clean(model)}: {words.percent(one.steps[-1][1])} within any",
                path=_path(one, across, up),
                end_y=place(up.at(one.steps[-1][1])),
                label_y=place(end),
            )
            for (model, one), end in zip(shown, ends, strict=True)
        ),
    )


def _path(found: Curve, across: Axis, up: Axis) -> str:
    """Climb by steps from nothing to all; steps too small to be seen are taken together."""
    last = round(up.at(0.0))
    path = f"M{round(across.start)} {last}"
    for budget, share in found.steps:
        y = round(up.at(share))
        if last - y >= SEEN:
            path += f"H{round(across.at(budget))}V{y}"
            last = y
    return f"{path}H{round(across.end)}"


def _apart(ends: Sequence[float]) -> list[float]:
    """Keep the labels of lines that end near each other apart, 12 units at least."""
    order = sorted(range(len(ends)), key=lambda n: ends[n])
    found = list(ends)
    for before, here in pairwise(order):
        found[here] = max(found[here], found[before] + 12)
    return found


def budget_table(board: Board) -> Table:
    """Arrange what would have been enough."""
    by_budget = [(budget, curves(board, budget)) for budget in BUDGETS]
    return Table(
        id="enough",
        title="Budgets that would have been enough",
        caption="Per trial: the smallest limit that leaves 9 of 10, or all, of the passed trials.",
        definition="budget",
        first=Heading(text="model"),
        headings=(
            Heading(text="passed trials", definition="budget"),
            *(
                Heading(
                    text=f"{budget.title}, {words.percent(kept)} of passes", definition="budget"
                )
                for budget in BUDGETS
                for kept in KEPT
            ),
        ),
        rows=tuple(_row(model, by_budget) for model in board.models),
    )


def _row(model: ModelFigures, by_budget: Sequence[tuple[Budget, Mapping[str, Curve]]]) -> Row:
    found = [(budget, kept, of[model.model]) for budget, of in by_budget for kept in KEPT]
    return Row(
        name=words.clean(model.model),
        scripted=model.scripted,
        cells=(
            Cell(text=words.number(found[0][2].passed)),
            *(
                Cell(
                    text=budget.text(one.needed(kept)) + words.coverage(one.known, one.passed)
                    if one.known
                    else words.UNKNOWN
                )
                for budget, kept, one in found
            ),
        ),
    )
