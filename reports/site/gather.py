"""Several runs -> what the pages of a site show."""

from __future__ import annotations

from typing import TYPE_CHECKING

from reports.leaderboard import ranked
from reports.site.board import Board, RunRow
from reports.site.history import past_runs
from reports.site.pictures import Pictures, find_pictures
from testbed.comparing.compare import MARGIN, contest_between
from testbed.errors import RunError
from testbed.merged import in_time, merge_views
from testbed.metrics import run_figures

if TYPE_CHECKING:
    from collections.abc import Sequence

    from testbed.comparing.comparison import Contest
    from testbed.figures import RunFigures
    from testbed.store import Run
    from testbed.view import RunView


def make_board(
    runs: Sequence[Run], *, baseline: str | None = None, margin: float = MARGIN
) -> Board:
    """Read the runs and compute everything that the pages show, but for the pictures.

    The order of the runs changes nothing. `baseline` is the model that every other one is compared
    with; by default the first one of the oldest run. Raises `RunError` when it is in none of the
    runs, or when they cannot be seen as one.
    """
    return board_of([run.view() for run in runs], baseline=baseline, margin=margin)


def board_of(
    views: Sequence[RunView], *, baseline: str | None = None, margin: float = MARGIN
) -> Board:
    """Compute the same from views in memory."""
    view = merge_views(views)
    figures = run_figures(view)
    models, ordered = ranked(figures), in_time(views)
    return Board(
        view=view,
        figures=figures,
        models=models,
        contest=_contest(view, figures, ordered, baseline or ordered[0].models[0].name, margin),
        runs=tuple(_run(one, view) for one in ordered),
        history=past_runs(ordered, [m.model for m in models]),
    )


def runs_of(view: RunView, runs: Sequence[Run]) -> dict[str, Run]:
    """Say which run each model's row comes from."""
    by_id = {run.config.run_id: run for run in runs}
    return {model.name: by_id[model.run_id or view.run_id] for model in view.models}


def pictures_of(view: RunView, runs: Sequence[Run]) -> Pictures:
    """Find the pictures of the counted trials, each in the run that its row comes from.

    Those of a seeded tree and a reference are of the latest such run that has them.
    """
    homes = runs_of(view, runs)
    counting = {run.config.run_id: run for run in homes.values()}
    found = Pictures()
    for run in sorted(counting.values(), key=lambda r: (r.config.created_at, r.config.run_id)):
        found |= find_pictures(run, (t for t in view.trials if homes[t.model] is run))
    return found


def _run(one: RunView, view: RunView) -> RunRow:
    rows = (model.name for model in view.models if (model.run_id or view.run_id) == one.run_id)
    return RunRow(id=one.run_id, created=one.created, conditions=one.conditions, rows=tuple(rows))


def _contest(
    view: RunView, figures: RunFigures, ordered: Sequence[RunView], baseline: str, margin: float
) -> Contest | None:
    """Compare every model with the baseline, each as its own run has it.

    What the runs together say of a model need not be what its own run says: only the figures of
    a single run serve again.
    """
    names = [model.name for model in view.models]
    if baseline not in names:
        raise RunError(
            f"no model `{baseline}` in these runs", next_step=f"Choose one of {', '.join(names)}"
        )
    if len(names) == 1:
        return None
    by_id = {one.run_id: one for one in ordered}
    rows = {model.name: by_id[model.run_id or view.run_id] for model in view.models}
    known = {model: figures for model, one in rows.items() if one is view}
    return contest_between(rows, baseline, margin=margin, figures=known)
