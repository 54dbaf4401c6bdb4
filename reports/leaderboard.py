"""Figures -> the order of models and the arrangement of cells that every scoreboard shows."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from reports import words
from testbed.comparing.compare import standing
from testbed.merged import DIFFERS

if TYPE_CHECKING:
    from collections.abc import Sequence

    from testbed.figures import CellFigures, ModelFigures, RunFigures
    from testbed.view import RunView


NAMED: Final = 6
"""Conditions that are named where there is little room."""


def ranked(figures: RunFigures) -> tuple[ModelFigures, ...]:
    """Order the models by pass@1, then single-prompt success, then name; unknown rates last."""
    return tuple(sorted(figures.models, key=standing))


def cells_by_scenario(
    view: RunView, figures: RunFigures, models: Sequence[ModelFigures]
) -> list[list[CellFigures]]:
    """Arrange the cells: one row per scenario of the plan, one column per model in order."""
    cells = {(c.scenario, c.model): c for c in figures.cells}
    return [[cells[s.id, m.model] for m in models] for s in view.scenarios]


def sentence(view: RunView) -> str:
    """Say in one sentence what the run is, or that several are seen as one."""
    engine = words.clean(view.conditions.get("engine", "not stated"))
    return (
        f"{_runs(view)}: {_cast(view)}, "
        f"{words.plural(len(view.scenarios), 'scenario')} \N{MULTIPLICATION SIGN} "
        f"{_repeats(view)}, sandbox engine {engine}.{_differing(view)}"
    )


def _runs(view: RunView) -> str:
    runs = {model.run_id for model in view.models if model.run_id}
    if len(runs) > 1:
        return f"{len(runs)} runs seen as one, the latest of {words.moment(view.created)}"
    return f"Run {words.clean(view.run_id)} of {words.moment(view.created)}"


def _differing(view: RunView) -> str:
    """Say in what the runs differ that are seen as one."""
    names = [name for name, value in view.conditions.items() if value == DIFFERS]
    if not names:
        return ""
    more = f" and {len(names) - NAMED} more" if len(names) > NAMED else ""
    return f" Their conditions differ: {', '.join(map(words.clean, names[:NAMED]))}{more}."


def _repeats(view: RunView) -> str:
    planned = set(view.planned.values()) or {view.repeats}
    fewest = min(planned)
    most = words.plural(max(planned), "repeat")
    return most if len(planned) == 1 else f"{fewest:,} to {most}"


def _cast(view: RunView) -> str:
    """Count models and scripted players apart: a player is no model."""
    players = sum(model.scripted for model in view.models)
    groups = ((len(view.models) - players, "model"), (players, "scripted player"))
    return " and ".join(words.plural(count, noun) for count, noun in groups if count)


def cell(figures: CellFigures) -> str:
    """Print passes of valid trials as `2/3`, `2/2 of 3` when a trial has no verdict."""
    counts = figures.counts
    if not counts.valid:
        return words.UNKNOWN
    short = "" if counts.valid == counts.planned else f" of {counts.planned}"
    return f"{figures.passes}/{counts.valid}{short}"
