"""`testbed judge`: a model's opinion on the code of a run's patches."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from testbed.cli.common import RUNS, JsonOption, RunsOption, answer, talk

if TYPE_CHECKING:
    from runner.judging.docket import Exhibit
    from runner.judging.judge import Judge, Sitting
    from testbed.catalog import ModelCard
    from testbed.marks import Agreement, Mark
    from testbed.store import Run

UNKNOWN = "\N{EN DASH}"
SAMPLES = 3

ModelOption = Annotated[
    str,
    typer.Option(
        "--model",
        "-m",
        metavar="CARD",
        help="The judge: a card's id, a path to a .toml, or `testbed/scripted-judge` for trying.",
    ),
]
OnlyOption = Annotated[
    list[str] | None,
    typer.Option("--only", metavar="MODEL/SCENARIO/REPEAT", help="This trial; repeatable [all]."),
]
SelfOption = Annotated[
    bool,
    typer.Option(
        "--allow-self",
        help="Let a model mark its own patches. Refused otherwise: judges tend to prefer what "
        "they wrote themselves, so such marks flatter.",
    ),
]


def command(
    run: Annotated[str, typer.Argument(help="Run id, folder, or `latest`.")] = "latest",
    *,
    model: ModelOption,
    samples: Annotated[
        int, typer.Option(min=1, max=100, help="Marks asked for per patch.")
    ] = SAMPLES,
    only: OnlyOption = None,
    rubric: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Rubric in place of the testbed's own.")
    ] = None,
    max_cost_usd: Annotated[
        float | None,
        typer.Option(min=0, help="Ask for no mark that could take this command beyond it."),
    ] = None,
    allow_self: SelfOption = False,
    runs: RunsOption = RUNS,
    json: JsonOption = False,
) -> None:
    """Ask a model to mark a run's patches from 1 to 5, blinded; marks already there are kept.

    Marks stand in a column of their own, and their cost is booked apart from the trials.
    """
    from runner.judging.docket import docket
    from runner.judging.judge import Judge
    from runner.judging.question import load_rubric
    from runner.judging.scripted import judge_card
    from testbed.cli.conduct import run_until_signal
    from testbed.store import find_run

    found = find_run(runs, run)
    card = judge_card(model)
    exhibits = docket(found, only or ())
    _demand_fair(card, found, exhibits, allow_self=allow_self)
    judge = Judge(
        run=found,
        card=card,
        rubric=load_rubric(rubric),
        samples=samples,
        max_cost_usd=max_cost_usd,
    )
    sitting = run_until_signal(_sit(judge, exhibits))
    _tell(judge, sitting)
    _show(judge, sitting, json=json)


def _demand_fair(
    card: ModelCard, run: Run, exhibits: tuple[Exhibit, ...], *, allow_self: bool
) -> None:
    from runner.judging.docket import authors
    from testbed.errors import UsageError

    if card.scripted:
        raise UsageError(f"{card.id}: a player cannot judge", next_step="Name a model")
    if not exhibits:
        raise UsageError(
            f"run {run.config.run_id} has no graded patch to mark",
            next_step="Judge a run in which a model changed something",
        )
    own = () if allow_self else authors(card, run, exhibits)
    if own:
        raise UsageError(
            f"{card.id} would judge its own patches ({', '.join(own)})",
            next_step="Choose another judge, leave them out with --only, or give --allow-self",
        )


async def _sit(judge: Judge, exhibits: tuple[Exhibit, ...]) -> Sitting:
    from runner.judging.scripted import serve_judge

    console = talk()

    def watch(mark: Mark) -> None:
        name = f"{mark.model}/{mark.scenario}/{mark.repeat} sample {mark.sample}"
        said = " ".join(f"{factor} {score}" for factor, score in (mark.scores or {}).items())
        console.print(f"· {name}: {said or f'no mark: {mark.fault}'}", markup=False)

    async with serve_judge(judge.card) as base_url:
        return await judge.sit(exhibits, base_url=base_url, watch=watch)


def _tell(judge: Judge, sitting: Sitting) -> None:
    void = sum(mark.scores is None for mark in sitting.marks)
    console = talk()
    console.print(
        f"{len(sitting.marks) - void} marks came, {void} answers could not be used, "
        f"{sitting.kept} samples were there already; `testbed report` shows them beside the figures"
    )
    if sitting.left:
        console.print(
            f"{sitting.left} samples were not asked for: they could exceed "
            f"${judge.max_cost_usd}; the same command goes on from there"
        )


def _show(judge: Judge, sitting: Sitting, *, json: bool) -> None:
    found = _answer(judge, sitting)
    if json:
        import json as encoder

        typer.echo(encoder.dumps(found, indent=1))
        return
    from rich.table import Table

    table = Table(box=None, pad_edge=False)
    table.add_column("model")
    for factor in found["agreement"]:
        table.add_column(factor, justify="right")
    for model, means in found["means"].items():
        table.add_row(model, *(f"{means[factor]:.2f}" for factor in found["agreement"]))
    for label, key in (("samples within one point", "within_one"), ("samples' alpha", "alpha")):
        values = (one[key] for one in found["agreement"].values())
        table.add_row(label, *(UNKNOWN if v is None else f"{v:.2f}" for v in values), style="dim")
    console = answer()
    console.print(table)
    cost = found["cost_usd"]
    console.print(f"cost of all its marks: {UNKNOWN if cost is None else f'${cost:.4f}'}")


def _answer(judge: Judge, sitting: Sitting) -> dict[str, Any]:
    """Gather what this judge has said in the run so far."""
    from testbed.marks import (
        counted_marks,
        marks_cost,
        mean_scores,
        read_marks,
        sample_agreement,
    )

    mine = [mark for mark in read_marks(judge.run.paths.marks) if mark.by == judge.name]
    counted = counted_marks(mine)
    agreed = sample_agreement(counted).get(judge.name, {})
    return {
        "run": judge.run.config.run_id,
        "by": judge.name,
        "rubric": judge.rubric.digest,
        "asked": len(sitting.marks),
        "invalid": sum(mark.scores is None for mark in sitting.marks),
        "kept": sitting.kept,
        "left": sitting.left,
        "cost_usd": marks_cost(mine),
        "means": mean_scores(counted).get(judge.name, {}),
        "agreement": {factor: _row(agreement) for factor, agreement in agreed.items()},
    }


def _row(agreement: Agreement) -> dict[str, float | None]:
    return {
        "pairs": agreement.pairs,
        "within_one": agreement.within_one,
        "alpha": agreement.alpha,
    }
