"""`testbed action`: the steps of the GitHub Action, each a command that runs anywhere."""

from __future__ import annotations

import os
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from testbed.cli.common import CORES

if TYPE_CHECKING:
    from collections.abc import Iterator

    from testbed.cli.part import MadePart
    from testbed.plan import Part
    from testbed.shards import Plan

app = typer.Typer(
    rich_markup_mode=None,
    no_args_is_help=True,
    help="The steps of the GitHub Action; inputs are variables INPUT_<NAME>.",
)
OutputOption = Annotated[Path, typer.Option("--output", "-o", help="Folder to write.")]
PlanOption = Annotated[Path, typer.Option("--plan", help="Folder of `testbed action plan`.")]


@app.command()
def plan(*, output: OutputOption) -> None:
    """Check the inputs, bound the cost, and write the plan of every job after this.

    Exit code 2 when an input is wrong or the cost limit could not hold.
    """
    from reports.words import plural
    from runner.github.commands import annotate, append_summary, write_outputs
    from testbed.action_inputs import read_inputs
    from testbed.cli.action_plan import OverBudget, make_plan
    from testbed.comparing.outcome import ActionVerdict, Outcome
    from testbed.store import write_record

    with told():
        try:
            found = make_plan(read_inputs(os.environ), output)
        except OverBudget as fault:
            verdict = ActionVerdict.OVER_BUDGET
            outcome = Outcome(verdict=verdict, exit_code=fault.exit_code, faults=(str(fault),))
            write_record(output / "outcome.json", outcome)
            write_outputs({"verdict": verdict.value}, os.environ)
            append_summary("## Over budget: nothing was run\n", os.environ)
            raise
    for warning in found.warnings:
        annotate("warning", warning)
    run_id, parts = found.plan.config.run_id, [part.number for part in found.plan.parts()]
    most = None if found.most_usd is None else f"{found.most_usd:.6g}"
    write_outputs({"shards": parts, "run-id": run_id, "estimate-usd": most}, os.environ)
    typer.echo(
        f"run {run_id}: {plural(found.trials, 'trial')} in {plural(len(parts), 'shard')}, "
        f"{'at a cost that nothing bounds' if most is None else f'at most {most} USD'}"
    )


@app.command()
def shard(
    *,
    plan: PlanOption,
    number: Annotated[int, typer.Option(min=1, help="Which shard of the plan.")],
    output: OutputOption,
) -> None:
    """Make the trials of one shard, or those that an earlier try of it still misses.

    Exit code 0 also when trials are spoiled, which the report judges; 3 when none could be made.
    """
    from runner.github.commands import annotate
    from testbed.errors import UsageError
    from testbed.plan import Part
    from testbed.shards import PLAN, read_plan

    with told():
        found = read_plan(plan / PLAN)
        if number > found.shards:
            raise UsageError(
                f"there is no shard {number} of {found.shards}", next_step="Choose another number"
            )
        made = _made(found, Part(number, found.shards), output)
        counted, _ = made.run.trials()
    if made.fault is not None:
        annotate("error" if not counted else "warning", str(made.fault), title=f"shard {number}")
    typer.echo(f"shard {number}: {len(counted)} trials made, {len(made.run.missing())} missing")
    raise typer.Exit(3 if made.fault is not None and not counted else 0)


@app.command()
def report(
    *,
    plan: PlanOption,
    shards: Annotated[Path, typer.Option(help="Folder with a folder per shard.")],
    output: OutputOption,
) -> None:
    """Merge the shards, compare, and answer: summary, comment, scoreboard, outputs.

    Exit codes: 0 no regression, 1 regression, 4 inconclusive (as INPUT_FAIL_ON has it),
    3 infrastructure, 2 when earlier results were made under other conditions.
    """
    from testbed.cli.action_report import make_report

    with told():
        code = make_report(plan, shards, output, os.environ)
    raise typer.Exit(code)


@app.command()
def comment(
    *,
    body: Annotated[Path, typer.Option(metavar="FILE", help="The comment, as report wrote it.")],
    repository: Annotated[str, typer.Option(metavar="OWNER/NAME", help="Where to say it.")],
    number: Annotated[int, typer.Option(min=1, help="Issue or pull request.")],
) -> None:
    """Write the one comment of this action on an issue or pull request, or update it.

    The token is read from GITHUB_TOKEN, the API's address from GITHUB_API_URL.
    """
    from runner.github.comments import Repository, keep_comment

    with told():
        place = Repository.read(repository, os.environ)
        typer.echo(keep_comment(place, number, read_body(body)))


def read_body(path: Path) -> str:
    """Read a comment; raise `UsageError` for none."""
    from testbed.errors import UsageError

    try:
        return path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as fault:
        raise UsageError(f"{path} cannot be read", next_step="Name comment.md") from fault


@contextmanager
def told() -> Iterator[None]:
    """Say an expected error as GitHub's runner shows it, a line per fault; end with its code.

    Any other one keeps its traceback and ends with 3: Python's own 1 would be a regression.
    """
    import traceback

    from runner.github.commands import annotate, foreign_output
    from testbed.action_inputs import InputsRefused
    from testbed.errors import TestbedError

    try:
        yield
    except TestbedError as fault:
        faults = fault.faults if isinstance(fault, InputsRefused) else (str(fault),)
        for line in faults:
            annotate("error", line)
        raise typer.Exit(fault.exit_code) from None
    except typer.Exit:
        raise
    except Exception as fault:  # noqa: BLE001  (exit code 1 has a meaning of its own here)
        with foreign_output():
            traceback.print_exc()
        annotate("error", f"testbed failed: {type(fault).__name__}: please report it")
        raise typer.Exit(3) from None


def _made(plan: Plan, part: Part, output: Path) -> MadePart:
    """Make the part; what it says of itself is written first, for when it is ended."""
    from runner.github.commands import foreign_output
    from testbed.cli.part import make_part
    from testbed.shards import NOTE, UNENDED, ShardNote
    from testbed.store import write_record

    note = ShardNote(run_id=plan.config.run_id, number=part.number, of=part.of, fault=UNENDED)
    write_record(output / NOTE, note)
    with foreign_output():
        made = make_part(
            plan,
            part,
            suite=Path(plan.inputs.suite),
            runs=output,
            jobs=plan.inputs.jobs or CORES,
        )
    said = {
        "fault": str(made.fault) if made.fault else None,
        "capped": made.capped,
        "given_up": made.given_up,
    }
    write_record(output / NOTE, note.model_copy(update=said))
    return made
