"""`testbed merge`: parts of one run, made on several machines, become the run."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from testbed.cli.common import talk

if TYPE_CHECKING:
    from testbed.store import Run


def command(
    shards: Annotated[
        list[Path],
        typer.Argument(metavar="SHARD...", help="Folders of the parts, or folders that hold one."),
    ],
    *,
    output: Annotated[
        Path, typer.Option("--output", "-o", metavar="RUNS", help="Folder of runs to merge into.")
    ],
) -> None:
    """Put parts of one run together. What they hold is checked; a trial in two parts is refused.

    Exit code 3 when trials of the plan are missing or without a verdict, 2 for a refused part.
    """
    from runner.merging import TakenIn, merge_parts

    output.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix=".taking-in-", dir=output.resolve()) as room:
        parts = [
            TakenIn(name=str(path), run=_take(path, Path(room) / str(place)))
            for place, path in enumerate(shards)
        ]
        run = merge_parts(parts, output)
    missing = run.missing()
    for planned in missing:
        talk().print(
            f"no verdict: {planned.model} at {planned.scenario} #{planned.repeat}", markup=False
        )
    typer.echo(run.paths.folder)
    raise typer.Exit(3 if missing else 0)


def _take(folder: Path, place: Path) -> Run:
    """Take one part in; `folder` is its run's, or the one that a shard wrote."""
    from runner.intake import Intake
    from testbed.errors import RunError

    found = sorted(path.parent for path in (*folder.glob("run.json"), *folder.glob("*/run.json")))
    if len(found) != 1:
        raise RunError(f"{folder} holds {len(found)} runs", next_step="Name the folder of one part")
    try:
        return Intake(config=None, trials=None).take(found[0], place)
    except RunError as fault:
        raise RunError(f"{folder}: {fault.what}", next_step=fault.next_step) from fault
