"""Several runs seen as one scoreboard: of each model, the latest run that counts."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from typing import TYPE_CHECKING, Final

from testbed.errors import RunError
from testbed.records import Verdict
from testbed.view import RunView

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from testbed.findings import Quality
    from testbed.view import ModelView, ScenarioView

DIFFERS: Final = "differs"
"""Stands in the conditions of several runs for what is not alike in all of them."""
OWN: Final = ("models.", "scenarios.", "fixtures.", "images.")
"""Conditions that say nothing about a run that has no such part."""


def merge_views(views: Sequence[RunView]) -> RunView:
    """See several runs as one; a single run stays exactly as it is.

    Of a model in several runs, the latest run with a valid trial of it counts, whole: its trials,
    spoiled tries and marks; nothing of its other runs does. Scenarios stand in the order in which
    the runs planned them, the oldest run first. A reference on which the runs disagree is unknown.
    Raises `RunError` when no run is given, when one is given twice, and when runs with and without
    follow-ups stand together.
    """
    _demand_alike(views)
    if len(views) == 1:
        return views[0]
    ordered = in_time(views)
    rows = _rows(ordered)
    counted = {view.run_id for view in rows.values()}
    counting = [view for view in ordered if view.run_id in counted]
    planned = {(m, s.id): view.repeats for m, view in rows.items() for s in view.scenarios}
    return RunView(
        run_id=" ".join(view.run_id for view in counting),
        created=counting[-1].created,
        models=tuple(_row(name, view) for name, view in rows.items()),
        scenarios=_scenarios(counting),
        repeats=max(view.repeats for view in counting),
        trials=[t for m, view in rows.items() for t in view.trials if t.model == m],
        spoiled=[t for m, view in rows.items() for t in view.spoiled if t.model == m],
        follow_ups=ordered[0].follow_ups,
        references=_references(counting),
        marks=sorted(
            (mark for m, view in rows.items() for mark in view.marks if mark.model == m),
            key=lambda mark: mark.at,
        ),
        conditions=_conditions(rows),
        planned=planned,
    )


def in_time(views: Sequence[RunView]) -> list[RunView]:
    """Order runs, the oldest first."""
    return sorted(views, key=lambda view: (view.created, view.run_id))


def _demand_alike(views: Sequence[RunView]) -> None:
    if not views:
        raise RunError("no run is given", next_step="Name a run, or `latest`")
    for run_id, times in Counter(view.run_id for view in views).items():
        if times > 1:
            raise RunError(f"run {run_id} is given {times} times", next_step="Name each run once")
    follow_ups = {view.run_id: view.follow_ups for view in views}
    if len(set(follow_ups.values())) > 1:
        told = ", ".join(f"{run_id} has {count}" for run_id, count in follow_ups.items())
        raise RunError(
            f"runs with different numbers of follow-ups are never seen as one: {told}",
            next_step="Report them apart",
        )


def _rows(ordered: Sequence[RunView]) -> dict[str, RunView]:
    """Choose the run of each model; the models stand in the order of their first run."""
    rows: dict[str, RunView] = {}
    sure: dict[str, RunView] = {}
    for view in ordered:
        valid = {t.model for t in view.trials if t.verdict is not Verdict.UNGRADED}
        rows |= {model.name: view for model in view.models}
        sure |= {model.name: view for model in view.models if model.name in valid}
    return rows | sure


def _row(name: str, view: RunView) -> ModelView:
    (model,) = (model for model in view.models if model.name == name)
    return replace(model, run_id=view.run_id)


def _scenarios(views: Sequence[RunView]) -> tuple[ScenarioView, ...]:
    """Unite the scenarios; each as the latest run describes it."""
    return tuple({s.id: s for view in views for s in view.scenarios}.values())


def _references(views: Sequence[RunView]) -> dict[str, Quality | None]:
    told: dict[str, list[Quality]] = {}
    for view in views:
        for scenario, quality in view.references.items():
            told.setdefault(scenario, []).extend([quality] if quality else [])
    return {
        scenario: found[0] if found and all(one == found[0] for one in found) else None
        for scenario, found in told.items()
    }


def _conditions(rows: Mapping[str, RunView]) -> dict[str, str]:
    """Keep what the rows share; what only some of them have is theirs alone where it can be."""
    runs = list({view.run_id: view.conditions for view in rows.values()}.values())
    cards = {f"models.{model}": view.conditions for model, view in rows.items()}
    kept: dict[str, str] = {}
    for name in dict.fromkeys(name for conditions in runs for name in conditions):
        told = [conditions.get(name) for conditions in runs]
        if name.startswith("models."):
            told = [cards[name].get(name)] if name in cards else []
        known = {value for value in told if value is not None}
        alike = len(known) == 1 and (None not in told or name.startswith(OWN))
        if known:
            kept[name] = known.pop() if alike else DIFFERS
    return kept
