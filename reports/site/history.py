"""How each model did in every run given, the oldest first."""

from __future__ import annotations

from typing import TYPE_CHECKING

from reports.site.board import Past
from testbed.likeness import unlike
from testbed.records import Verdict
from testbed.stats import Tally, estimate_rate

if TYPE_CHECKING:
    from collections.abc import Sequence

    from testbed.view import RunView


def past_runs(ordered: Sequence[RunView], models: Sequence[str]) -> tuple[Past, ...]:
    """List the runs of each model that has several, models in the order given."""
    found = (_of_model(model, ordered) for model in models)
    return tuple(past for runs in found if len(runs) > 1 for past in runs)


def _of_model(model: str, ordered: Sequence[RunView]) -> list[Past]:
    mine = [view for view in ordered if any(m.name == model for m in view.models)]
    return [_past(model, view, before) for view, before in zip(mine, [None, *mine], strict=False)]


def _past(model: str, view: RunView, before: RunView | None) -> Past:
    tallies = tallies_of(model, view)
    earlier = tallies_of(model, before) if before else {}
    return Past(
        model=model,
        run_id=view.run_id,
        created=view.created,
        rate=estimate_rate(list(tallies.values())),
        tallies=tallies,
        unlike=unlike(_own(model, before), _own(model, view)) if before else (),
        worse=tuple(s for s, t in tallies.items() if s in earlier and t.rate < earlier[s].rate),
    )


def tallies_of(model: str, view: RunView) -> dict[str, Tally]:
    """Count a model's valid trials at each scenario that has one, in the order of the plan."""
    verdicts: dict[str, list[Verdict]] = {s.id: [] for s in view.scenarios}
    for trial in view.trials:
        if trial.model == model and trial.verdict is not Verdict.UNGRADED:
            verdicts[trial.scenario].append(trial.verdict)
    return {
        scenario: Tally(passes=found.count(Verdict.PASS), trials=len(found))
        for scenario, found in verdicts.items()
        if found
    }


def _own(model: str, view: RunView) -> dict[str, str]:
    """Leave out what concerns other models alone."""
    return {
        name: value
        for name, value in view.conditions.items()
        if not name.startswith("models.") or name == f"models.{model}"
    }
