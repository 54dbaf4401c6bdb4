"""The scoreboard as GitHub-flavoured Markdown."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from reports import words
from reports.columns import COSTS, RESULTS
from reports.leaderboard import cell, cells_by_scenario, ranked, sentence
from testbed.metrics import run_figures

if TYPE_CHECKING:
    from collections.abc import Sequence

    from reports.columns import Column
    from testbed.figures import ModelFigures
    from testbed.metrics import RunView


def markdown_scoreboard(view: RunView) -> str:
    """Write what the run is and the terminal's three tables, ending with a newline."""
    figures = run_figures(view)
    models = ranked(figures)
    names = [_name(m) for m in models]
    rows = zip(view.scenarios, cells_by_scenario(view, figures, models), strict=True)
    parts = [
        escape(sentence(view)),
        _model_table(RESULTS, models),
        _model_table(COSTS, models),
        "Passed / valid trials:",
        _table(
            ["scenario", *names],
            [[escape(words.clean(s.id)), *(cell(c) for c in row)] for s, row in rows],
        ),
    ]
    if any(m.scripted for m in models):
        parts.append(words.SCRIPTED_NOTE)
    return "\n\n".join(parts) + "\n"


def escape(text: str) -> str:
    """Make foreign text plain: no emphasis, link, HTML, code or table cell."""
    return re.sub(r"([\\`*_\[\]<>|~&])", r"\\\1", text)


def _name(model: ModelFigures) -> str:
    return escape(words.clean(model.model)) + (f" ({words.SCRIPTED})" if model.scripted else "")


def _model_table(columns: Sequence[Column], models: Sequence[ModelFigures]) -> str:
    return _table(
        ["model", *(column.heading for column in columns)],
        [[_name(m), *(column.cell(m) for column in columns)] for m in models],
    )


def _table(headings: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    rule = ["---", *("---:" for _ in headings[1:])]
    return "\n".join(f"| {' | '.join(row)} |" for row in (headings, rule, *rows))
