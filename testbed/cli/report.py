"""`testbed report`: the figures of one run or several, and their scoreboard."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from testbed.cli.common import RUNS, JsonOption, RunsOption, talk

if TYPE_CHECKING:
    from collections.abc import Sequence

    from testbed.store import Run


def command(
    run: Annotated[
        list[str] | None,
        typer.Argument(help="Run ids, folders, or `latest`; of a model in several, the latest."),
    ] = None,
    *,
    output: Annotated[
        Path | None,
        typer.Option("--output", "-o", help="Folder of the scoreboard [<run>/scoreboard]."),
    ] = None,
    baseline: Annotated[
        str | None, typer.Option(help="Model to compare the others with [the oldest run's first].")
    ] = None,
    trials: Annotated[
        Literal["none", "failed", "changed", "all"],
        typer.Option(help="Trials that get a page; changed: where models or runs differ."),
    ] = "all",
    single_file: Annotated[
        bool, typer.Option("--single-file", help="Write one file that holds everything.")
    ] = False,
    verify: Annotated[
        Path | None, typer.Option(help="Build this scoreboard again and compare every file.")
    ] = None,
    whole: Annotated[bool, typer.Option("--all", help="Print the further tables too.")] = False,
    markdown: Annotated[bool, typer.Option(help="Print all tables as Markdown.")] = False,
    runs: RunsOption = RUNS,
    json: JsonOption = False,
) -> None:
    """Print figures and write their scoreboard. Needs neither Docker nor a key.

    Several runs are seen as one. Their scoreboard is written where --output says.
    """
    if verify is not None:
        _verify(verify, run or [], runs=runs)
        return
    from reports.site.build import SiteOptions
    from testbed.cli.conduct import report
    from testbed.errors import UsageError
    from testbed.store import find_run

    if markdown and (json or output):
        raise UsageError(
            "--markdown prints its tables and nothing else", next_step="Leave out --json and -o"
        )
    found = [find_run(runs, name) for name in run or ["latest"]]
    if markdown:
        _print_markdown(found)
        return
    options = SiteOptions(baseline=baseline, trials=trials, single_file=single_file)
    report(found, json=json, folder=output, whole=whole, options=options)


def _print_markdown(runs: Sequence[Run]) -> None:
    from reports.markdown import markdown_scoreboard
    from testbed.merged import merge_views

    typer.echo(markdown_scoreboard(merge_views([run.view() for run in runs])))


def _verify(folder: Path, names: Sequence[str], *, runs: Path) -> None:
    """Tell on stdout what differs; raise `VerificationFailed` when anything does."""
    from reports.site.verify import differences, runs_behind
    from testbed.errors import VerificationFailed
    from testbed.store import find_run

    given = [find_run(runs, name) for name in names]
    found = differences(folder, runs_behind(folder, given, runs=runs))
    for line in found:
        sys.stdout.write(f"{line}\n")
    if found:
        raise VerificationFailed(
            f"{folder} is not what its runs give",
            next_step="Build it again with `testbed report`",
        )
    talk().print(f"{folder} is what its runs give, byte for byte", markup=False)
