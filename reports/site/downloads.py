"""What a reader may take away from a scoreboard: every trial as CSV, every figure as JSON."""

from __future__ import annotations

import csv
import io
import json
from typing import TYPE_CHECKING, Final

from reports import words
from reports.plain import plain_figures
from reports.site.choice import in_reading_order
from reports.versus.plain import plain_contest

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from reports.site.board import Board
    from testbed.records import Trial

CSV_NAME: Final = "trials.csv"
JSON_NAME: Final = "data.json"
LONGEST: Final = 500
"""Characters of a text in a cell."""
_FORMULA: Final = ("=", "+", "-", "@", "\uff1d", "\uff0b", "\uff0d", "\uff20")
"""What a spreadsheet may take for the beginning of a formula, full width included."""


def trials_csv(board: Board) -> str:
    """Give a line per counted trial; an empty cell is "not reported".

    Times are in seconds, costs in US dollars. Foreign text is cleaned of control characters, and
    what a spreadsheet would calculate stands behind an apostrophe.
    """
    runs = {m.name: m.run_id or board.view.run_id for m in board.view.models}
    text = io.StringIO(newline="")
    writer = csv.writer(text, lineterminator="\r\n")
    writer.writerow(["run", *COLUMNS])
    for trial in in_reading_order(board):
        values = (runs[trial.model], *(column(trial) for column in COLUMNS.values()))
        writer.writerow([_safe(value) for value in values])
    return text.getvalue()


def data_json(board: Board) -> str:
    """Give every figure, every comparison and the runs they come from."""
    data = {
        **plain_figures(board.view, board.figures),
        "runs": [
            {
                "id": run.id,
                "created": run.created,
                "models": list(run.rows),
                "conditions": dict(run.conditions),
            }
            for run in board.runs
        ],
        "contest": plain_contest(board.contest) if board.contest else None,
    }
    return json.dumps(_bounded(data), indent=1) + "\n"


def _tokens(name: str) -> Callable[[Trial], object]:
    return lambda trial: getattr(trial.usage, name, None)


COLUMNS: Final[Mapping[str, Callable[[Trial], object]]] = {
    "model": lambda t: t.model,
    "scripted": lambda t: t.scripted,
    "scenario": lambda t: t.scenario,
    "kind": lambda t: t.kind,
    "repeat": lambda t: t.repeat,
    "attempt": lambda t: t.attempt,
    "verdict": lambda t: t.verdict.value,
    "ending": lambda t: t.ending.value,
    "failure": lambda t: t.failure.origin.value if t.failure else None,
    "started_at": lambda t: t.started_at,
    "wall_s": lambda t: t.phases.get("total"),
    "waiting_s": lambda t: t.phases.get("waiting"),
    "turns": lambda t: t.turns,
    "requests": lambda t: t.requests,
    "rate_limited": lambda t: t.rate_limited,
    "fresh_input": _tokens("fresh_input"),
    "cache_read": _tokens("cache_read"),
    "cache_write": _tokens("cache_write"),
    "output": _tokens("output"),
    "reasoning": _tokens("reasoning"),
    "cost_usd": lambda t: t.cost_usd,
    "calls_emitted": lambda t: t.funnel.emitted,
    "calls_executable": lambda t: t.funnel.executable,
    "unused": lambda t: t.unused,
    "violations": lambda t: None if t.violations is None else " ".join(t.violations),
    "localised": lambda t: t.localised,
    "files_changed": lambda t: len(t.patch.files) if t.patch else None,
    "lines_added": lambda t: t.patch.added if t.patch else None,
    "lines_deleted": lambda t: t.patch.deleted if t.patch else None,
    "served_models": lambda t: " ".join(t.served_models),
}


def _safe(value: object) -> object:
    if isinstance(value, bool):
        return "yes" if value else "no"
    if not isinstance(value, str):
        return value
    text = words.clean(value)
    return f"'{text}" if text.lstrip().startswith(_FORMULA) else text


def _bounded(value: object) -> object:
    """Cut foreign text to a length; a cut text says so."""
    if isinstance(value, dict):
        return {_bounded(key): _bounded(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_bounded(item) for item in value]
    if isinstance(value, str) and len(value) > LONGEST:
        return f"{value[:LONGEST]}[… {len(value) - LONGEST:,} more characters]"
    return value
