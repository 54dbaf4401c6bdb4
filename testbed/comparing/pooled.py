"""Several runs of one model seen as one run with more repeats."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, replace
from itertools import combinations
from typing import TYPE_CHECKING, Final, TypeVar

from testbed.comparing.likeness import demand_alike, unlike
from testbed.errors import RunError
from testbed.marks import Mark
from testbed.records import Trial
from testbed.view import RunView

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping, Sequence

    from testbed.findings import Quality
    from testbed.view import ModelView

R = TypeVar("R", Trial, Mark)
OF_A_MODEL: Final = ("models.", "prices.")
"""Conditions of one model alone."""
JOINT: Final = " + "
"""Between values of a condition in which pooled runs differ."""


def pool(views: Sequence[RunView], model: str, *, across: bool = False) -> RunView:
    """See one model's runs as one: the oldest run's repeats first, the others' after them.

    Its id is the runs' ids, joined by commas. Raises `RunError` without a run, when a run is
    given twice or has no such model, when one has follow-ups and another has not, and, unless
    `across`, when conditions differ that change results, or the model's card: under another card
    it is another model.
    """
    ordered = sorted((alone(view, model) for view in views), key=lambda v: (v.created, v.run_id))
    if not ordered:
        raise RunError("no run is given", next_step="Name a run, or `latest`")
    if len(ordered) == 1:
        return ordered[0]
    _demand_poolable(ordered, across=across)
    shifted = _shifted(ordered, model)
    planned = sum((one.planned for one in shifted), Counter[str]())
    return RunView(
        run_id=",".join(view.run_id for view in ordered),
        created=ordered[-1].created,
        models=(_row(ordered),),
        scenarios=tuple({s.id: s for view in ordered for s in view.scenarios}.values()),
        repeats=max(planned.values(), default=0),
        trials=[trial for one in shifted for trial in one.records(one.view.trials)],
        spoiled=[trial for one in shifted for trial in one.records(one.view.spoiled)],
        follow_ups=ordered[0].follow_ups,
        references=_references(ordered),
        marks=[mark for one in shifted for mark in one.records(one.view.marks)],
        conditions=_conditions(ordered),
        planned={(model, scenario): count for scenario, count in planned.items()},
    )


def alone(view: RunView, model: str, scenarios: Collection[str] | None = None) -> RunView:
    """See one model of a run as if it had run alone, on these of its scenarios [all it had].

    Raises `RunError` when the run has no such model.
    """
    rows = tuple(row for row in view.models if row.name == model)
    if not rows:
        raise RunError(
            f"run {view.run_id} has no model `{model}`",
            next_step=f"It has: {', '.join(row.name for row in view.models)}",
        )
    others = {f"{kind}{m.name}" for m in view.models if m.name != model for kind in OF_A_MODEL}
    own = [s for s in view.scenarios if view.repeats_of(model, s.id)]
    kept = tuple(s for s in own if scenarios is None or s.id in scenarios)
    ids = {s.id for s in kept}
    return replace(
        view,
        models=rows,
        scenarios=kept,
        trials=[t for t in view.trials if t.model == model and t.scenario in ids],
        spoiled=[t for t in view.spoiled if t.model == model and t.scenario in ids],
        marks=[mark for mark in view.marks if mark.model == model],
        conditions={name: told for name, told in view.conditions.items() if name not in others},
        planned={cell: n for cell, n in view.planned.items() if cell[0] == model},
    )


def renamed(view: RunView, name: str) -> RunView:
    """Give a model that ran alone another name, where one name would stand for two runs."""
    return replace(
        view,
        models=tuple(replace(row, name=name) for row in view.models),
        trials=_called(view.trials, name),
        spoiled=_called(view.spoiled, name),
        marks=_called(view.marks, name),
        planned={(name, scenario): n for (_, scenario), n in view.planned.items()},
    )


@dataclass(frozen=True)
class _Shifted:
    """One run behind the repeats of the runs before it."""

    view: RunView
    planned: Counter[str]
    """Scenario -> its own repeats."""
    before: Counter[str]
    """Scenario -> repeats of the runs before it."""

    def records(self, found: Iterable[R]) -> list[R]:
        """Renumber the repeats."""
        return [
            one.model_copy(update={"repeat": one.repeat + self.before[one.scenario]})
            for one in found
        ]


def _shifted(views: Sequence[RunView], model: str) -> list[_Shifted]:
    found: list[_Shifted] = []
    before = Counter[str]()
    for view in views:
        planned = Counter({s.id: view.repeats_of(model, s.id) for s in view.scenarios})
        found.append(_Shifted(view, planned, Counter(before)))
        before += planned
    return found


def _demand_poolable(views: Sequence[RunView], *, across: bool) -> None:
    for left, right in combinations(views, 2):
        told = f"runs {left.run_id} and {right.run_id}"
        if left.run_id == right.run_id:
            raise RunError(f"run {left.run_id} is given twice", next_step="Name each run once")
        if left.follow_ups != right.follow_ups:
            raise RunError(
                f"{told} differ in follow-ups, which are never mixed",
                next_step="Compare runs of one mode",
            )
        if across:
            continue
        found = unlike(left.conditions, right.conditions)
        demand_alike(found, what=told)
        if any(one.condition.startswith("models.") for one in found):
            raise RunError(
                f"{told} used different cards of `{left.models[0].name}`",
                next_step="Compare them with each other, or pool them all the same by --across",
            )


def _row(views: Sequence[RunView]) -> ModelView:
    """Describe the model as its latest run does, with what was asked of it before every run."""
    rows = [view.models[0] for view in views]
    return replace(
        rows[-1],
        scripted=any(row.scripted for row in rows),
        preflights=tuple(asked for row in rows for asked in row.preflights),
        run_id="",
    )


def _references(views: Sequence[RunView]) -> Mapping[str, Quality | None]:
    """Unite what the references measure; what was measured in one run is known."""
    found: dict[str, Quality | None] = {}
    for view in views:
        found |= {s: q for s, q in view.references.items() if q is not None or s not in found}
    return found


def _conditions(views: Sequence[RunView]) -> dict[str, str]:
    names = dict.fromkeys(name for view in views for name in view.conditions)
    told = {n: dict.fromkeys(v.conditions[n] for v in views if n in v.conditions) for n in names}
    return {name: JOINT.join(values) for name, values in told.items()}


def _called(found: Iterable[R], name: str) -> list[R]:
    return [one.model_copy(update={"model": name}) for one in found]
