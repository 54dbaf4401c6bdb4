"""What can be marked: the graded patches of a run, each with the task as it was put."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import TYPE_CHECKING

from runner.recording import read_exchanges
from testbed.errors import RunError, UsageError
from testbed.marks import TryKey
from testbed.plan import PlannedTrial
from testbed.records import Verdict

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from testbed.catalog import ModelCard
    from testbed.records import Trial
    from testbed.store import Run, TrialPaths


@dataclass(frozen=True, kw_only=True)
class Exhibit:
    """One patch and its task, without a word about who wrote it or how it fared."""

    key: TryKey
    task: str
    """The first user message of the trial, word for word."""
    diff: str
    patch: str
    """sha256 of the diff."""


def docket(run: Run, only: Sequence[str] = ()) -> tuple[Exhibit, ...]:
    """Return the counted tries with a graded patch, in plan order; `only` keeps the named.

    Names are `MODEL/SCENARIO/REPEAT`; one that has nothing to mark is a `UsageError`. A patch that
    is not the one that was graded is a `RunError`. Trials that changed nothing are left out.
    """
    trials = {_name(trial): trial for trial in run.trials()[0] if _is_graded(trial)}
    for name in only:
        if name not in trials:
            raise UsageError(
                f"{name}: no graded patch in run {run.config.run_id}",
                next_step=f"Choose from: {', '.join(trials) or 'none'}",
            )
    return tuple(_exhibit(run, trial) for name, trial in trials.items() if not only or name in only)


def authors(card: ModelCard, run: Run, exhibits: Sequence[Exhibit]) -> tuple[str, ...]:
    """Name the models whose patches a judge would find to be its own.

    The same card, the same model asked for at whatever endpoint, or one that was served as such.
    """
    mine = {_bare(card.id), _bare(card.model)}
    models = {exhibit.key.model for exhibit in exhibits}
    asked = {one.id: {_bare(one.id), _bare(one.model)} for one in run.config.models}
    for trial in run.trials()[0]:
        asked[trial.model] |= {_bare(name) for name in trial.served_models}
    return tuple(sorted(model for model in models if mine & asked[model]))


def _bare(model: str) -> str:
    """Name a model without provider or organisation."""
    return model.rpartition("/")[2].casefold()


def _name(trial: Trial) -> str:
    return "/".join(str(part) for part in trial.key)


def _is_graded(trial: Trial) -> bool:
    return trial.verdict is not Verdict.UNGRADED and bool(trial.patch and trial.patch.files)


def _exhibit(run: Run, trial: Trial) -> Exhibit:
    paths = run.paths.attempt(PlannedTrial(*trial.key), trial.attempt)
    diff = _stored(paths.patch)
    digest = hashlib.sha256(diff).hexdigest()
    if trial.patch is None or digest != trial.patch.digest:
        raise RunError(
            f"{paths.patch}: not the patch that was graded",
            next_step="Restore the file, or leave the trial out with --only",
        )
    return Exhibit(
        key=TryKey(*trial.key, trial.attempt),
        task=_task(paths),
        diff=diff.decode(errors="replace"),
        patch=digest,
    )


def _stored(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except FileNotFoundError:
        raise RunError(f"{path}: missing", next_step="Restore it from a copy of the run") from None


def _task(paths: TrialPaths) -> str:
    """Take the task from what was sent, so that neither the suite nor its present state matters."""
    if paths.exchanges.is_file():
        for exchange in read_exchanges(paths.exchanges):
            messages = exchange["request"]["messages"]
            return str(next(m["content"] for m in messages if m["role"] == "user"))
    raise RunError(
        f"{paths.exchanges}: holds no request, so the task is not known",
        next_step="Restore it from a copy of the run",
    )
