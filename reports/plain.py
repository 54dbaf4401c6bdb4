"""The scoreboard's figures as plain data, for `--json`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import TYPE_CHECKING, Any, Final

from reports import phrases
from reports.leaderboard import ranked
from testbed.metrics import run_figures

if TYPE_CHECKING:
    from testbed.figures import RunFigures
    from testbed.view import RunView

SCHEMA_VERSION: Final = 1


def plain_scoreboard(view: RunView) -> dict[str, Any]:
    """Give every figure as JSON data: `null` is "not reported", rates are fractions of 1.

    Models stand in the leaderboard's order, cells in the plan's.
    """
    return plain_figures(view, run_figures(view))


def plain_figures(view: RunView, figures: RunFigures) -> dict[str, Any]:
    """Give the same of figures that are computed already."""
    return {
        "schema_version": SCHEMA_VERSION,
        "run": {
            "id": view.run_id,
            "created": view.created,
            "repeats": view.repeats,
            "follow_ups": view.follow_ups,
            "notes": [*phrases.mode(figures.models), *phrases.scripted(figures.models)],
            "scenarios": [asdict(scenario) for scenario in view.scenarios],
            "conditions": dict(view.conditions),
        },
        "models": [
            {**plain(asdict(model)), "notes": phrases.notes(model)} for model in ranked(figures)
        ],
        "cells": [plain(asdict(cell)) for cell in figures.cells],
        "agreement": plain(asdict(figures.agreement)),
    }


def plain(value: object) -> Any:  # noqa: ANN401  (JSON has no better type)
    """Give a record's parts as JSON data: keys are text, every sequence is a list."""
    if isinstance(value, Mapping):
        return {str(key): plain(item) for key, item in value.items()}
    if isinstance(value, Sequence) and not isinstance(value, str):
        return [plain(item) for item in value]
    return value
