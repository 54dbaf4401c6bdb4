"""The scoreboard as one HTML file: no script, no request, no word of a foreign hand unescaped."""

from __future__ import annotations

from base64 import b64encode
from hashlib import sha256
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import quote

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

from reports import phrases, words
from reports.grids import (
    agreement_grid,
    best_grid,
    causes_grid,
    cost_grid,
    probe_grid,
    quota_grid,
)
from reports.leaderboard import cell, cells_by_scenario, ranked, sentence
from reports.sections import all_sections
from testbed.errors import DiskFull
from testbed.metrics import run_figures

if TYPE_CHECKING:
    from collections.abc import Sequence

    from reports.grids import Grid
    from reports.sections import Section
    from testbed.figures import BestTrial, CellFigures, ModelFigures, RunFigures
    from testbed.records import Trial
    from testbed.view import RunView

HERE: Final = Path(__file__).parent


def build_scoreboard(view: RunView, folder: Path) -> Path:
    """Write `index.html` into `folder` (made when missing) and return its path.

    Raises `DiskFull` when it cannot be written.
    """
    page = folder / "index.html"
    text = render_scoreboard(view)
    try:
        folder.mkdir(parents=True, exist_ok=True)
        page.write_text(text, encoding="utf-8")
    except OSError as fault:
        raise DiskFull(
            f"{page}: {fault.strerror}", next_step="Free some space or choose another folder"
        ) from fault
    return page


def render_scoreboard(view: RunView) -> str:
    """Render the page; the same view gives the same bytes."""
    figures = run_figures(view)
    models = ranked(figures)
    sections = all_sections(models)
    style = (HERE / "assets" / "scoreboard.css").read_text(encoding="utf-8")
    environment = Environment(
        loader=FileSystemLoader(HERE / "templates"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    environment.filters["unbroken"] = _unbroken
    return environment.get_template("scoreboard.html").render(
        run_id=words.clean(view.run_id),
        sentence=sentence(view),
        notes=[*phrases.mode(models), *phrases.scripted(models)],
        style=Markup(style),  # noqa: S704  (our own file, not input)
        style_hash=Markup(_source_hash(style)),  # noqa: S704  (base64)
        sections=sections,
        grids=_grids(view, figures, models, sections),
        models=[_model(m) for m in models],
        scenarios=_scenarios(view, cells_by_scenario(view, figures, models)),
        conditions=sorted((words.clean(k), words.clean(v)) for k, v in view.conditions.items()),
    )


def _grids(
    view: RunView, figures: RunFigures, models: Sequence[ModelFigures], sections: Sequence[Section]
) -> dict[str, Grid]:
    """Put each table without a row per model behind the section that it belongs to."""
    places = {
        "repeats": best_grid(view, figures, models),
        "money": cost_grid(view, figures, models),
        "tool-calls": causes_grid(models),
        "times": quota_grid(models),
        "preflight": probe_grid(models),
    }
    opinions = [section.id for section in sections if section.id.startswith("marks-")]
    if opinions:
        places[opinions[-1]] = agreement_grid(figures)
    return {place: grid for place, grid in places.items() if grid}


def _unbroken(text: str) -> str:
    """Keep a figure on one line; what stands in parentheses may go to the next."""
    return text.replace(" ", "\N{NO-BREAK SPACE}").replace("\N{NO-BREAK SPACE}(", " (")


def _source_hash(text: str) -> str:
    """Name an inline source as a Content-Security-Policy wants it."""
    return f"sha256-{b64encode(sha256(text.encode()).digest()).decode()}"


def _model(model: ModelFigures) -> dict[str, Any]:
    return {
        "name": words.clean(model.model),
        "scripted": model.scripted,
        "card": words.clean(model.card),
        "bar": _bar(model),
        "notes": phrases.notes(model),
        "figures": model,
    }


def _bar(model: ModelFigures) -> dict[str, Any] | None:
    """Scale the rate, its lower bound and its interval to 0..100."""
    rate = model.pass_1
    if rate.left_out is None or rate.as_fail is None:
        return None
    ends = (rate.interval.low, rate.interval.high) if rate.interval else ()
    return {
        "left_out": f"{100 * rate.left_out.value:.1f}",
        "as_fail": f"{100 * rate.as_fail.value:.1f}",
        "interval": [f"{100 * end:.1f}" for end in ends],
    }


def _scenarios(view: RunView, rows: Sequence[Sequence[CellFigures]]) -> list[dict[str, Any]]:
    trials: dict[tuple[str, str], list[Trial]] = {}
    for trial in sorted(view.trials, key=lambda t: t.repeat):
        trials.setdefault((trial.model, trial.scenario), []).append(trial)
    return [
        {
            "id": words.clean(scenario.id),
            "title": words.clean(scenario.title),
            "kind": words.clean(scenario.kind),
            "difficulty": words.clean(scenario.difficulty),
            "cells": [_cell(view, c, trials.get((c.model, c.scenario), [])) for c in row],
        }
        for scenario, row in zip(view.scenarios, rows, strict=True)
    ]


def _cell(view: RunView, figures: CellFigures, trials: Sequence[Trial]) -> dict[str, Any]:
    valid = figures.counts.valid
    return {
        "text": cell(figures),
        "heat": _heat(figures.passes, valid) if valid else None,
        "trials": [
            {
                "repeat": trial.repeat,
                "verdict": trial.verdict.value,
                "best": _is_best(figures.best, trial),
                "links": [_link(path) for path in view.files.get(trial.key, ())],
            }
            for trial in trials
        ],
    }


def _is_best(best: BestTrial | None, trial: Trial) -> bool:
    """Say whether a trial was chosen among several."""
    return best is not None and best.of > 1 and best.repeat == trial.repeat


def _heat(passes: int, valid: int) -> int:
    """Choose a shade: 0 for none passed, 4 for all, 1 to 3 between."""
    if passes in (0, valid):
        return 4 if passes else 0
    return 1 + 3 * passes // valid


def _link(path: str) -> dict[str, str]:
    """Link a file below or beside the page; no path can become another address."""
    return {"href": f"./{quote(path)}", "text": words.clean(path.rsplit("/", 1)[-1])}
