"""How each model did in every run given, the oldest first."""

from __future__ import annotations

from typing import TYPE_CHECKING

from reports.site.board import Past
from testbed.comparing.halves import tallies_of
from testbed.comparing.likeness import unlike
from testbed.figures import PassRate

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from testbed.stats import Tally
    from testbed.view import RunView


def past_runs(ordered: Sequence[RunView], models: Sequence[str]) -> tuple[Past, ...]:
    """List the runs of each model that has several, models in the order given."""
    found = (_of_model(model, ordered) for model in models)
    return tuple(past for runs in found if len(runs) > 1 for past in runs)


def _of_model(model: str, ordered: Sequence[RunView]) -> list[Past]:
    mine = [view for view in ordered if any(m.name == model for m in view.models)]
    return [_past(model, view, before) for view, before in zip(mine, [None, *mine], strict=False)]


def _past(model: str, view: RunView, before: RunView | None) -> Past:
    tallies = tallies_of(view, model)
    earlier = tallies_of(before, model) if before else {}
    return Past(
        model=model,
        run_id=view.run_id,
        created=view.created,
        rate=_rate(view, model, tallies),
        tallies=tallies,
        unlike=unlike(_own(model, before), _own(model, view)) if before else (),
        worse=tuple(s for s, t in tallies.items() if s in earlier and t.rate < earlier[s].rate),
    )


def _rate(view: RunView, model: str, tallies: Mapping[str, Tally]) -> PassRate:
    return PassRate.over(
        [
            (found.passes, found.trials, repeats) if found else (0, 0, repeats)
            for s in view.scenarios
            if (repeats := view.repeats_of(model, s.id))
            for found in [tallies.get(s.id)]
        ]
    )


def _own(model: str, view: RunView) -> dict[str, str]:
    """Leave out what concerns other models alone."""
    return {
        name: value
        for name, value in view.conditions.items()
        if not name.startswith("models.") or name == f"models.{model}"
    }
