"""The page that compares a candidate with the baseline."""

from __future__ import annotations

from itertools import groupby
from typing import TYPE_CHECKING, Any

from reports import words
from reports.site.links import HOME, compare_target, scenario_target
from reports.site.page import Page, render
from reports.versus import amounts, certainty, rows
from reports.versus.forest import plot
from reports.versus.names import side_names
from reports.versus.sentence import headline, outcome_words, verdict_parts
from testbed.comparing.comparison import Outcome

if TYPE_CHECKING:
    from reports.site.links import Links
    from reports.versus.forest import Dot
    from reports.versus.tables import Row, Table
    from testbed.comparing.comparison import Comparison


def compare_page(comparison: Comparison, links: Links) -> Page:
    """Show the verdict, every scenario's difference, and both models side by side."""
    a, b = side_names(comparison)
    scripted = comparison.a.scripted or comparison.b.scripted
    body = render(
        "compare.html",
        anchor=links.anchor,
        home=links.to(HOME),
        baseline=a,
        candidate=b,
        headline=headline(comparison),
        verdict=[part.replace(" %", "\N{NO-BREAK SPACE}%") for part in verdict_parts(comparison)],
        outcome=outcome_words(comparison),
        tone=comparison.outcome.value if comparison.tasks else Outcome.INCONCLUSIVE.value,
        notes=[
            *map(words.clean, comparison.notes),
            *([words.SCRIPTED_NOTE] if scripted else []),
        ],
        bars=_bars(comparison),
        margin=amounts.margin_points(comparison.margin),
        tables=[_table(table, comparison, links) for table in _tables(comparison)],
    )
    return Page(
        target=compare_target(comparison.a.model, comparison.b.model),
        title=headline(comparison),
        body=body,
        styles=("base.css", "compare.css"),
    )


def _tables(comparison: Comparison) -> list[Table]:
    found = (
        certainty.scenarios(comparison),
        rows.side_by_side(comparison),
        rows.ratios(comparison),
        rows.kinds(comparison),
        rows.funnel(comparison),
        rows.causes(comparison),
        rows.quality(comparison),
        certainty.certainty(comparison),
        certainty.conditions(comparison),
    )
    return [table for table in found if table]


def _bars(comparison: Comparison) -> list[dict[str, Any]]:
    """Draw both rates over the scenarios that both have."""
    named = zip(
        side_names(comparison),
        ("baseline", "candidate"),
        (comparison.rate_a, comparison.rate_b),
        strict=True,
    )
    return [
        {"name": name, "part": part, "rate": words.percent(rate), "width": f"{100 * rate:.2f}%"}
        for name, part, rate in named
        if rate is not None
    ]


def _table(table: Table, comparison: Comparison, links: Links) -> dict[str, Any]:
    drawn = plot(table, margin=comparison.margin) if table.scale else None
    dots = drawn.dots if drawn else [None] * len(table.rows)
    laid = [_row(row, dot, links) for row, dot in zip(table.rows, dots, strict=True)]
    return {
        "id": table.id,
        "title": table.title,
        "caption": table.caption,
        "columns": table.columns,
        "prose": table.prose,
        "plot": drawn,
        "scale": table.scale,
        "definition": links.to(HOME, f"def-{table.definition}") if table.definition else None,
        "groups": [
            (group, list(rows_of_it))
            for group, rows_of_it in groupby(laid, key=lambda r: r["group"])
        ],
    }


def _row(row: Row, dot: Dot | None, links: Links) -> dict[str, Any]:
    if row.scenario:
        href = links.to(scenario_target(row.scenario))
    else:
        href = links.to(HOME, f"def-{row.definition}") if row.definition else None
    return {
        "name": row.name,
        "small": row.small,
        "group": row.group,
        "page": bool(row.scenario),
        "href": href,
        "cells": row.cells,
        "dot": dot,
        "pooled": bool(row.mark and row.mark.pooled),
    }
