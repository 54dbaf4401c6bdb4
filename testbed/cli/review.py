"""`testbed review`: people's opinion on the code of a run's patches."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from testbed.cli.common import RUNS, RunsOption, talk

if TYPE_CHECKING:
    from runner.judging.docket import Exhibit
    from testbed.store import Run

NAME_LENGTH = 60

TrialArgument = Annotated[
    str | None,
    typer.Argument(metavar="[MODEL/SCENARIO/REPEAT]", help="This trial's patch alone [all]."),
]
FileOption = Annotated[
    Path | None,
    typer.Option(
        "--file",
        metavar="FILE",
        help="Read marks from this file; without it, one to fill in is written.",
    ),
]


def command(
    run: Annotated[str, typer.Argument(help="Run id, folder, or `latest`.")],
    trial: TrialArgument = None,
    *,
    name: Annotated[str, typer.Option("--as", metavar="NAME", help="Who gives the marks.")],
    file: FileOption = None,
    show_models: Annotated[
        bool, typer.Option("--show-models", help="Say in the file which model wrote what.")
    ] = False,
    runs: RunsOption = RUNS,
) -> None:
    """Write a file with a run's patches to be marked by a person, or read its marks back.

    Later marks of the same person for the same patch replace the earlier ones.
    """
    from runner.judging.docket import docket
    from testbed.errors import UsageError
    from testbed.store import find_run

    found = find_run(runs, run)
    reviewer = _checked(name)
    exhibits = docket(found, (trial,) if trial else ())
    if not exhibits:
        raise UsageError(
            f"run {found.config.run_id} has no graded patch to mark",
            next_step="Review a run in which a model changed something",
        )
    if file is None:
        typer.echo(_write(found, exhibits, reviewer=reviewer, show_models=show_models))
    else:
        _read(found, exhibits, file, reviewer=reviewer)


def _checked(name: str) -> str:
    from testbed.errors import UsageError

    name = name.strip()
    if not name or len(name) > NAME_LENGTH or not name.isprintable():
        raise UsageError(
            "--as: no name", next_step=f"Give one of 1 to {NAME_LENGTH} printable characters"
        )
    return name


def _write(run: Run, exhibits: tuple[Exhibit, ...], *, reviewer: str, show_models: bool) -> Path:
    from runner.judging.question import load_rubric
    from runner.judging.review import write_template
    from testbed.errors import UsageError
    from testbed.marks import judging_folder
    from testbed.store import write_atomically

    label = "".join(c if c.isalnum() else "-" for c in reviewer)
    path = judging_folder(run.paths.folder) / f"review-{label}.toml"
    if path.exists():
        raise UsageError(
            f"{path}: exists already",
            next_step="Fill it in and give it with --file, or remove it",
        )
    template = write_template(
        run.config.run_id, exhibits, load_rubric(), reviewer=reviewer, show_models=show_models
    )
    write_atomically(path, template.encode())
    talk().print(f"{len(exhibits)} patches to mark: fill the file in, then give it with --file")
    return path


def _read(run: Run, exhibits: tuple[Exhibit, ...], file: Path, *, reviewer: str) -> None:
    from runner.judging.review import read_review
    from testbed.marks import append_mark
    from testbed.store import storing

    marks = read_review(file, run.config.run_id, exhibits, reviewer=reviewer)
    with storing(run.paths.marks):
        for mark in marks:
            append_mark(run.paths.marks, mark)
    talk().print(
        f"{len(marks)} marks of {reviewer} are stored; `testbed report` shows them", markup=False
    )
    typer.echo(run.paths.marks)
