"""Tables whose rows are scenarios, probes or factors; most have a column per model."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeVar

from reports import phrases, words
from reports.leaderboard import cell, cells_by_scenario
from testbed.marks import Factor

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from testbed.figures import CellFigures, ModelFigures, PreflightFigures, RunFigures
    from testbed.view import RunView

T = TypeVar("T")


@dataclass(frozen=True, kw_only=True)
class Cell:
    """One cell; its text is clean, not escaped."""

    text: str
    small: str = ""
    """What stands below it where there is room."""


@dataclass(frozen=True, kw_only=True)
class Row:
    """One row: its name, and its cells in the order of the columns."""

    name: str
    cells: tuple[Cell, ...]


@dataclass(frozen=True, kw_only=True)
class Grid:
    """One table."""

    id: str
    title: str
    caption: str
    definition: str
    """Anchor of its meaning: `def-<definition>` in `templates/definitions.html`."""
    first: str
    """Heading of the rows."""
    rows: tuple[Row, ...]
    columns: tuple[str, ...] = ()
    """Headings of the columns; empty for the models in order."""
    prose: bool = False
    """Its cells are words, not figures."""


def passes_grid(view: RunView, figures: RunFigures, models: Sequence[ModelFigures]) -> Grid:
    """Arrange the passed / valid trials."""
    return Grid(
        id="scenarios",
        title="Passed / valid trials",
        caption="",
        definition="ungraded",
        first="scenario",
        rows=_by_scenario(view, figures, models, lambda c: Cell(text=cell(c))),
    )


def best_grid(view: RunView, figures: RunFigures, models: Sequence[ModelFigures]) -> Grid | None:
    """Arrange the best trial of each cell; without repeats there is nothing to choose from."""
    if view.repeats == 1 or not view.trials:
        return None
    return Grid(
        id="best-of-k",
        title="Best of k (trial: verdict)",
        caption="The best trial of each model at each scenario, and what it was chosen by.",
        definition="best-of-k",
        first="scenario",
        rows=_by_scenario(view, figures, models, _best),
    )


def _best(figures: CellFigures) -> Cell:
    return Cell(text=phrases.best(figures.best), small=phrases.best_by(figures.best))


def cost_grid(view: RunView, figures: RunFigures, models: Sequence[ModelFigures]) -> Grid | None:
    """Arrange what the valid trials at each scenario cost together."""
    if not any(c.measures.cost.counted.known for c in figures.cells):
        return None
    return Grid(
        id="scenario-costs",
        title="Cost per scenario",
        caption="US dollars of the valid trials at a scenario together.",
        definition="cost",
        first="scenario",
        rows=_by_scenario(view, figures, models, _cost),
    )


def _cost(figures: CellFigures) -> Cell:
    return Cell(text=words.money_total(figures.measures.cost.counted))


def causes_grid(models: Sequence[ModelFigures]) -> Grid | None:
    """Arrange why calls of each tool went no further."""
    rows = _by_name([m.measures.tool_calls.causes_by_tool for m in models], words.tally)
    if not rows:
        return None
    return Grid(
        id="causes",
        title="Why calls went no further, by tool",
        caption="Tools that were not offered stand together as “unknown”.",
        definition="tool-calls",
        first="tool",
        rows=rows,
        prose=True,
    )


def quota_grid(models: Sequence[ModelFigures]) -> Grid | None:
    """Arrange the limits that response headers told."""
    rows = _by_name([m.measures.waits.quota for m in models], words.clean)
    if not rows:
        return None
    return Grid(
        id="quota",
        title="Quota seen",
        caption="What response headers told of limits, as last seen.",
        definition="limits",
        first="header",
        rows=rows,
        prose=True,
    )


def _by_name(found: Sequence[Mapping[str, T]], text: Callable[[T], str]) -> tuple[Row, ...]:
    names = sorted({name for one in found for name in one})
    rows = (
        Row(
            name=words.clean(name),
            cells=tuple(Cell(text=text(one[name]) if name in one else "") for one in found),
        )
        for name in names
    )
    return tuple(rows)


def probe_grid(models: Sequence[ModelFigures]) -> Grid | None:
    """Arrange the probes of the last preflight of each model."""
    found = [m.preflight for m in models]
    names = dict.fromkeys(name for one in found if one for name in one.outcomes)
    if not names:
        return None
    return Grid(
        id="probes",
        title="Probes of the preflight",
        caption="What each endpoint was last found to do before trials.",
        definition="preflight",
        first="probe",
        rows=tuple(
            Row(name=words.clean(name), cells=tuple(_probe(one, name) for one in found))
            for name in names
        ),
    )


def _probe(found: PreflightFigures | None, name: str) -> Cell:
    detail = found.details.get(name, "") if found else ""
    return Cell(text=phrases.probe(found, name), small=words.clean(detail))


def agreement_grid(figures: RunFigures) -> Grid | None:
    """Arrange how far marks of the same patches agree: nothing to show when none was repeated."""
    found = figures.agreement
    asked = {f"samples of {words.clean(by)}": by_factor for by, by_factor in found.samples.items()}
    groups = {
        name: by_factor
        for name, by_factor in {**asked, "different raters": found.raters}.items()
        if any(one.pairs for one in by_factor.values())
    }
    if not groups:
        return None
    return Grid(
        id="agreement",
        title="Agreement of the marks",
        caption="Pairs of marks of the same patch that are at most one point apart.",
        definition="agreement",
        first="factor",
        columns=tuple(groups),
        rows=tuple(
            Row(
                name=factor,
                cells=tuple(Cell(text=phrases.agreement(g.get(factor))) for g in groups.values()),
            )
            for factor in Factor
        ),
    )


def _by_scenario(
    view: RunView,
    figures: RunFigures,
    models: Sequence[ModelFigures],
    fill: Callable[[CellFigures], Cell],
) -> tuple[Row, ...]:
    rows = zip(view.scenarios, cells_by_scenario(view, figures, models), strict=True)
    return tuple(Row(name=words.clean(s.id), cells=tuple(map(fill, row))) for s, row in rows)
