"""Whom a run's pictures are to show: patches of its trials, the seeded tree, the reference."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, Self

from runner.grading.grade import graded_tree
from runner.scene import digest_scenario
from runner.workspace import apply_patch, seed_workspace
from testbed.errors import RunError
from testbed.plan import PlannedTrial
from testbed.records import Verdict
from testbed.shots import Shots, read_shots
from testbed.tour import digest_tour, load_face, load_tour, whole_steps

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from runner.workspace import Workspace
    from testbed.records import Trial
    from testbed.scenario import Scenario
    from testbed.store import Run
    from testbed.tour import Face, Tour
    from testbed.tree import Tree


@dataclass(frozen=True, kw_only=True)
class Order:
    """Which pictures are wanted."""

    models: tuple[str, ...] = ()
    """Empty for all."""
    every_trial: bool = False
    """Not only each model's first valid one."""
    again: bool = False
    """Whether pictures that are there and up to date are taken once more."""


@dataclass(frozen=True, kw_only=True)
class Scenery:
    """A scenario that can be seen, made ready."""

    scenario: Scenario
    tour: Tour
    face: Face
    workspace: Workspace
    digest: str
    """Of the tour and the face."""

    @classmethod
    def of(cls, scenario: Scenario) -> Self | None:
        """Make a scenario ready; `None` when it has no tour, or its fixture no face."""
        tour, face = load_tour(scenario), load_face(scenario.fixture)
        if tour is None or face is None:
            return None
        whole_steps(tour, face)
        return cls(
            scenario=scenario,
            tour=tour,
            face=face,
            workspace=seed_workspace(scenario),
            digest=digest_tour(tour, scenario.fixture),
        )

    def tree(self, diff: bytes) -> Tree:
        """Return the seeded tree with a patch, as it is graded."""
        patched = apply_patch(self.workspace, diff)
        return graded_tree(self.scenario.fixture.card, self.workspace.tree, patched)

    def demand_same(self, run: Run) -> None:
        """Raise `RunError` when the scenario is no longer what the run was made of."""
        lock = run.resolved()
        now = digest_scenario(self.scenario, self.workspace)
        if lock is None or lock.scenarios.get(self.scenario.id) != now:
            raise RunError(
                f"scenario `{self.scenario.id}` has changed since {run.config.run_id} was made",
                next_step="Check out the suite as it was then, or leave it out by --scenario",
            )


@dataclass(frozen=True, kw_only=True)
class Sitter:
    """One patch that is to be shown, and where its pictures are kept."""

    scenery: Scenery
    name: str
    """For people and sandboxes, e.g. `dark-mode-oracle-1`."""
    diff: bytes
    folder: Path

    @property
    def patch(self) -> str:
        """Digest the diff (sha256)."""
        return hashlib.sha256(self.diff).hexdigest()

    def kept(self) -> Shots | None:
        """Return the pictures that are there, if they show this patch on this tour."""
        shots = read_shots(self.folder)
        upto = shots is not None and shots.is_of(patch=self.patch, tour=self.scenery.digest)
        return shots if upto else None


def list_sitters(run: Run, scenery: Scenery, order: Order) -> list[Sitter]:
    """List the seeded tree, the reference and the trials that the order asks for."""
    id_ = scenery.scenario.id
    reference = scenery.scenario.reference.read_bytes()
    diffs: dict[Literal["seed", "reference"], bytes] = {"seed": b"", "reference": reference}
    baselines = [
        Sitter(
            scenery=scenery,
            name=f"{id_}-{which}",
            diff=diff,
            folder=run.paths.baseline_shots(which, id_),
        )
        for which, diff in diffs.items()
    ]
    return [*baselines, *(_sitter(run, scenery, t) for t in _trials(run, id_, order))]


def _trials(run: Run, scenario: str, order: Order) -> Iterator[Trial]:
    """Yield the counted trials with a patch, the first valid one of each model or all of them."""
    seen: set[str] = set()
    for trial in sorted(run.trials()[0], key=lambda t: (t.model, t.repeat)):
        wanted = trial.scenario == scenario and (not order.models or trial.model in order.models)
        valid = trial.patch is not None and trial.verdict is not Verdict.UNGRADED
        if wanted and valid and (order.every_trial or trial.model not in seen):
            seen.add(trial.model)
            yield trial


def _sitter(run: Run, scenery: Scenery, trial: Trial) -> Sitter:
    planned = PlannedTrial(*trial.key)
    path = run.paths.attempt(planned, trial.attempt).patch
    sitter = Sitter(
        scenery=scenery,
        name=f"{trial.scenario}-{trial.model}-{trial.repeat}",
        diff=path.read_bytes() if path.is_file() else b"",
        folder=run.paths.shots(planned, trial.attempt),
    )
    if trial.patch is None or trial.patch.digest != sitter.patch:
        raise RunError(f"{path} is not what the trial left", next_step="Restore the run's folder")
    return sitter


def demand_models(run: Run, models: Sequence[str]) -> None:
    """Raise `RunError` for a model that is not in the run."""
    known = [card.id for card in run.config.models]
    for model in models:
        if model not in known:
            raise RunError(
                f"no model `{model}` in {run.config.run_id}",
                next_step=f"Choose from: {', '.join(known)}",
            )
