"""`testbed grade`: grade a run's stored patches again, without any model."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from testbed.cli.common import (
    CORES,
    RUNS,
    JobsOption,
    JsonOption,
    RunsOption,
    builder,
    cache_folder,
    open_suite,
    talk,
)


def command(
    run: Annotated[str, typer.Argument(help="Run id, folder, or `latest`.")] = "latest",
    *,
    jobs: JobsOption = CORES,
    runs: RunsOption = RUNS,
    json: JsonOption = False,
) -> None:
    """Grade a run's patches again under the same conditions; earlier grades stay in the journal.

    Exit code 3 when infrastructure kept a patch from being graded: its trial keeps its verdict.
    """
    from runner.regrade import regrade
    from testbed.cli.conduct import report, run_until_signal
    from testbed.store import find_run

    found = find_run(runs, run)
    console = talk()
    suite = open_suite(Path(found.config.suite), [s.id for s in found.config.scenarios])
    regraded = run_until_signal(
        regrade(found, suite, cache=cache_folder(), jobs=jobs, progress=builder(console))
    )
    console.print(f"{regraded.changed} verdicts changed")
    report([found], json=json)
    if regraded.spoiled:
        console.print(
            f"{regraded.spoiled} trials could not be graded and keep their verdicts: "
            f"try again with `testbed grade {run}`"
        )
        raise typer.Exit(3)
