"""Every trial in a few bytes: the data that the page's script lists, filters and sorts."""

from __future__ import annotations

import json
from base64 import b64encode
from collections import Counter
from typing import TYPE_CHECKING, Any, Final

from markupsafe import Markup

from reports import words
from reports.leaderboard import cells_by_scenario
from reports.site.links import trial_target
from testbed.records import Verdict

if TYPE_CHECKING:
    from collections.abc import Sequence

    from reports.site.board import Board
    from reports.site.links import Links
    from testbed.records import Trial

UNKNOWN: Final = -1
VERDICTS: Final = (Verdict.PASS, Verdict.FAIL, Verdict.UNGRADED)
BASE: Final = 63
"""Counts are written with 63 letters, of which none has a meaning in a page."""
ORIGIN: Final = 64
"""Code of the letter that stands for nought."""
NOTHING: Final = chr(ORIGIN - 1)
LEAST: Final = 1e-6
"""Dollars: no cost is shown as nought."""
UNLINKED: Final = "00000000"
"""Stands for the digest of a page that is not built."""


def trials_data(board: Board, links: Links) -> Markup:
    """Give the trials as JSON that can stand in a page, by scenario, model and repeat.

    Columns in place of rows, and places in place of names: `cells` counts the trials of each
    scenario and model. The page of a trial is named after its row and a digest, of which `digests`
    holds four bytes for each.
    """
    models = {m.model: n for n, m in enumerate(board.models)}
    scenarios = {s.id: n for n, s in enumerate(board.view.scenarios)}
    trials = sorted(
        board.view.trials, key=lambda t: (scenarios[t.scenario], models[t.model], t.repeat)
    )
    counts = Counter((t.scenario, t.model) for t in trials)
    found = {
        "models": [words.clean(name) for name in models],
        "scenarios": [
            [words.clean(text) for text in (s.id, s.title, s.kind, s.difficulty)]
            for s in board.view.scenarios
        ],
        "cells": [counts[scenario, model] for scenario in scenarios for model in models],
        **_columns(trials),
        **_addresses(trials, links),
    }
    found |= _marked(board)
    text = json.dumps(found, separators=(",", ":"), ensure_ascii=False)
    return Markup(text.replace("<", "\\u003c"))  # noqa: S704  (no markup can stand in it)


def _columns(trials: Sequence[Trial]) -> dict[str, Any]:
    endings = sorted({t.ending.value for t in trials})
    return {
        "verdicts": "".join(str(VERDICTS.index(t.verdict)) for t in trials),
        "endings": [name.replace("_", " ") for name in endings],
        "ended": _packed([endings.index(t.ending.value) for t in trials]),
        "repeats": _packed([t.repeat for t in trials]),
        "cost": _packed([_dollars(t.cost_usd) for t in trials], width=3),
        "time": _packed([_seconds(t.phases.get("total")) for t in trials], width=3),
        "turns": _packed([t.turns for t in trials]),
        "unused": _packed([t.unused for t in trials]),
        "violations": _packed([None if (v := t.violations) is None else len(v) for t in trials]),
    }


def _packed(counts: Sequence[int | None], *, width: int = 1) -> str | list[int]:
    """Write each count with so many letters; a list where one is too large for them."""
    if any(count is not None and count >= BASE**width for count in counts):
        return [UNKNOWN if count is None else count for count in counts]
    return "".join(NOTHING * width if n is None else _letters(n, width) for n in counts)


def _letters(count: int, width: int) -> str:
    digits = (count // BASE**place % BASE for place in reversed(range(width)))
    return "".join(chr(ORIGIN + digit) for digit in digits)


def _dollars(cost: float | None) -> int | None:
    """Round as money is printed: whole cents from a dollar on, three digits below it."""
    if cost is None:
        return None
    least = LEAST if cost else 0.0
    return _coded(f"{cost:.2f}" if cost >= 1 else f"{max(float(f'{cost:.3g}'), least):.6f}")


def _seconds(seconds: float | None) -> int | None:
    """Round as times are printed: three digits below 100 seconds, whole seconds from there on."""
    if seconds is None:
        return None
    decimals = 0 if seconds >= 99.95 else 1 if seconds >= 9.995 else 2  # noqa: PLR2004
    return _coded(f"{seconds:.{decimals}f}")


def _coded(number: str) -> int:
    """Write a decimal number as its digits and a last one: how many of them are decimals."""
    whole, _, decimals = number.partition(".")
    decimals = decimals.rstrip("0")
    return int(f"{whole}{decimals}{len(decimals)}")


def _marked(board: Board) -> dict[str, list[int]]:
    """List the scenarios at which the models' rates differ, and the cells that pass now and then.

    A cell is numbered as in `cells`.
    """
    rows = cells_by_scenario(board.view, board.figures, board.models)
    tallies = [[(cell.passes, cell.counts.valid) for cell in row] for row in rows]
    flat = [tally for row in tallies for tally in row]
    return {
        "differing": [
            n for n, row in enumerate(tallies) if len({p / of for p, of in row if of}) > 1
        ],
        "flaky": [n for n, (passes, valid) in enumerate(flat) if 0 < passes < valid],
    }


def _addresses(trials: Sequence[Trial], links: Links) -> dict[str, Any]:
    digests, around = [], ["", ""]
    for trial in trials:
        target = trial_target(trial.key)
        address, name = links.to(target), target.id.removeprefix("trials-")
        if address:
            around = address.split(name)
        digests.append(name[-len(UNLINKED) :] if address else UNLINKED)
    return {"around": around, "digests": b64encode(bytes.fromhex("".join(digests))).decode()}
