"""`testbed verify-run`: whether a run's files are still what they were."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from testbed.cli.common import RUNS, JsonOption, RunsOption, talk

if TYPE_CHECKING:
    from runner.replay.audit import Audit


def command(
    run: Annotated[str, typer.Argument(help="Run id, folder, or `latest`.")] = "latest",
    *,
    runs: RunsOption = RUNS,
    json: JsonOption = False,
) -> None:
    """Compare every file of a run with its recorded digest, and its counts and sums.

    Exit code 1 when a file was changed, is missing or new, or when no digests were recorded.
    """
    from runner.replay.audit import audit_run

    audit = audit_run(_folder(runs, run))
    if json:
        _print(audit)
    else:
        _show(audit)
    raise typer.Exit(0 if audit.sound else 1)


def _folder(runs: Path, name: str) -> Path:
    """Find a run's folder without reading anything in it: all of it is in question."""
    from testbed.store import RunPaths, find_run

    latest = sorted(runs.glob("*/run.json"))[-1:] if name == "latest" else []
    for folder in (*(path.parent for path in latest), Path(name), runs / name):
        paths = RunPaths(folder)
        if paths.config.is_file() or paths.journal.is_file():
            return folder
    return find_run(runs, name).paths.folder


def _show(audit: Audit) -> None:
    console = talk()
    for kind, lines in (("", audit.findings), ("", audit.unproven), ("note: ", audit.notes)):
        for line in dict.fromkeys(map(str, lines)):
            console.print(f"{kind}{line}", markup=False)
    if audit.findings:
        typer.echo(f"not as it was left: {len(audit.findings)} findings")
    elif audit.unproven:
        typer.echo("no finding, but not proven: digests are missing")
    else:
        typer.echo(f"as it was left: {audit.digests} digests compared")
    if audit.counts:
        typer.echo(
            "{planned} planned = {valid} valid + {ungraded} ungraded + {missing} missing, "
            "in {tries} complete tries".format(**audit.counts)
        )


def _print(audit: Audit) -> None:
    import json
    from dataclasses import asdict

    sys.stdout.write(json.dumps({"sound": audit.sound, **asdict(audit)}, indent=1) + "\n")
