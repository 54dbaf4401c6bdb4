"""Made-up trials, and runs that hold them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from testbed.records import Ending, Funnel, Patch, Trial, Verdict
from testbed.view import ModelView, RunView, ScenarioView

if TYPE_CHECKING:
    from collections.abc import Callable

KINDS = {"a": "bug", "b": "bug", "c": "feature"}


@pytest.fixture
def made() -> Callable[..., Trial]:
    """Make a trial of model `m`: `made("a", 2, Verdict.PASS, cost_usd=1.0)`."""

    def make(scenario: str, repeat: int, verdict: Verdict, **changes: Any) -> Trial:  # noqa: ANN401  (any field)
        ungraded = verdict is Verdict.UNGRADED
        fields: dict[str, Any] = {
            "model": "m",
            "scripted": False,
            "scenario": scenario,
            "kind": KINDS[scenario],
            "repeat": repeat,
            "attempt": 1,
            "ending": Ending.INFRA_ERROR if ungraded else Ending.FINISHED,
            "verdict": verdict,
            "started_at": "2026-11-22T13:00:00+00:00",
            "phases": {"total": 60.0, "waiting": 0.0},
            "turns": 2,
            "requests": 2,
            "rate_limited": 0,
            "usage": None,
            "cost_usd": None,
            "funnel": Funnel(),
            "latencies": (),
            "patch": Patch(digest=f"{scenario}{repeat}", files=("lib/a.ts",), added=1, deleted=0),
        }
        return Trial(**(fields | changes))

    return make


@pytest.fixture
def shown() -> Callable[..., RunView]:
    """Show trials as a run of model `m` at two bugs a and b and a feature c, two repeats."""

    def show(*trials: Trial, **changes: Any) -> RunView:  # noqa: ANN401  (any field)
        fields: dict[str, Any] = {
            "run_id": "r",
            "created": "2026-11-22T13:00:00+00:00",
            "models": (ModelView(name="m", scripted=False),),
            "scenarios": tuple(
                ScenarioView(id=i, title=i, kind=kind, difficulty="easy")
                for i, kind in KINDS.items()
            ),
            "repeats": 2,
            "trials": trials,
        }
        return RunView(**(fields | changes))

    return show
