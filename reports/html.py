"""The scoreboard as one HTML file: no script, no request, no word of a foreign hand unescaped."""

from __future__ import annotations

from base64 import b64encode
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import quote

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

from reports import columns, words
from reports.leaderboard import cell, cells_by_scenario, ranked, sentence
from testbed.errors import DiskFull
from testbed.metrics import run_figures

if TYPE_CHECKING:
    from collections.abc import Sequence

    from testbed.figures import CellFigures, ModelFigures
    from testbed.metrics import RunView
    from testbed.records import Trial

HERE: Final = Path(__file__).parent


@dataclass(frozen=True, kw_only=True)
class Section:
    """One table with a row per model."""

    id: str
    title: str
    caption: str
    columns: tuple[columns.Column, ...]


SECTIONS: Final = (
    Section(
        id="results",
        title="Leaderboard",
        caption="Ordered by pass@1, then single-prompt success. The whisker is the 95 % interval; "
        "the pale end of a bar are trials without a verdict.",
        columns=columns.RESULTS,
    ),
    Section(
        id="costs",
        title="Cost and time",
        caption="Costs are means, times are medians.",
        columns=columns.COSTS,
    ),
    Section(
        id="quality",
        title="Bugs, repeats and tidiness",
        caption="Bug figures are of the first valid trial of each bug scenario.",
        columns=columns.QUALITY,
    ),
    Section(
        id="tool-calls",
        title="Tool calls",
        caption="Calls of the valid trials that got at least so far.",
        columns=columns.FUNNEL,
    ),
    Section(
        id="endings",
        title="Endings",
        caption="How the trials ended, and what infrastructure spoiled.",
        columns=columns.ENDINGS,
    ),
    Section(
        id="tokens",
        title="Tokens and money",
        caption="Sums over the valid trials; the last column also counts spoiled tries.",
        columns=columns.TOKENS,
    ),
    Section(
        id="times",
        title="Speed and rate limits",
        caption="Median / 90th percentile per reply.",
        columns=columns.TIMES,
    ),
)


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
        note=words.SCRIPTED_NOTE if any(m.scripted for m in models) else "",
        style=Markup(style),  # noqa: S704  (our own file, not input)
        style_hash=Markup(_source_hash(style)),  # noqa: S704  (base64)
        sections=SECTIONS,
        models=[_model(m) for m in models],
        scenarios=_scenarios(view, cells_by_scenario(view, figures, models)),
        conditions=sorted((words.clean(k), words.clean(v)) for k, v in view.conditions.items()),
    )


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
                "links": [_link(path) for path in view.files.get(trial.key, ())],
            }
            for trial in trials
        ],
    }


def _heat(passes: int, valid: int) -> int:
    """Choose a shade: 0 for none passed, 4 for all, 1 to 3 between."""
    if passes in (0, valid):
        return 4 if passes else 0
    return 1 + 3 * passes // valid


def _link(path: str) -> dict[str, str]:
    """Link a file below or beside the page; no path can become another address."""
    return {"href": f"./{quote(path)}", "text": words.clean(path.rsplit("/", 1)[-1])}
