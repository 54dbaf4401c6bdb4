"""`testbed report`: a run's figures, and its scoreboard as a page."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from testbed.cli.common import RUNS, JsonOption, RunsOption


def command(
    run: Annotated[str, typer.Argument(help="Run id, folder, or `latest`.")] = "latest",
    *,
    output: Annotated[
        Path | None, typer.Option("--output", "-o", help="Folder of the page [<run>/scoreboard].")
    ] = None,
    whole: Annotated[bool, typer.Option("--all", help="Print the further tables too.")] = False,
    markdown: Annotated[bool, typer.Option(help="Print all tables as Markdown.")] = False,
    runs: RunsOption = RUNS,
    json: JsonOption = False,
) -> None:
    """Print a run's figures and write its scoreboard. Needs neither Docker nor a key."""
    from testbed.cli.conduct import report
    from testbed.store import find_run

    found = find_run(runs, run)
    if markdown:
        from reports.markdown import markdown_scoreboard

        typer.echo(markdown_scoreboard(found.view(found.paths.scoreboard)))
        return
    report(found, json=json, folder=output, whole=whole)
