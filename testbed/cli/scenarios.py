"""`testbed scenarios`: the tasks of the suite, and the tools of those who write them."""

from __future__ import annotations

import typer

from testbed.cli import author, mutate
from testbed.cli.common import JsonOption, SuiteOption, answer, open_suite

app = typer.Typer(rich_markup_mode=None)
app.command(name="lint")(author.lint)
app.command(name="new")(author.new)
app.command(name="checkout")(author.checkout)
app.command(name="save")(author.save)
app.command(name="mutate")(mutate.command)


@app.callback(invoke_without_command=True)
def command(context: typer.Context, *, suite: SuiteOption = None, json: JsonOption = False) -> None:
    """List the scenarios (all files validated), or write one."""
    if context.invoked_subcommand is not None:
        return
    from testbed.certified import standings

    scenarios = open_suite(suite).scenarios
    certificates = {name: found.brief() for name, found in standings(scenarios).items()}
    if json:
        import json as encoder

        rows = [
            {
                **scenario.card.model_dump(mode="json"),
                "fail_to_pass": scenario.fail_to_pass,
                "pass_to_pass": scenario.pass_to_pass,
                "certificate": certificates[scenario.id].model_dump(),
            }
            for scenario in scenarios
        ]
        print(encoder.dumps(rows, indent=1))  # noqa: T201  (stdout is the answer)
        return
    from rich.table import Table

    from reports.certificates import summary

    table = Table(box=None, pad_edge=False)
    table.add_column("\nscenario", no_wrap=True)
    for heading in ("\nkind", "\ndifficulty", "\ntitle"):
        table.add_column(heading)
    for heading in ("must turn\ngreen", "must stay\ngreen"):
        table.add_column(heading, justify="right")
    table.add_column("\ncertificate", no_wrap=True)
    for scenario in scenarios:
        card, certificate = scenario.card, summary(certificates[scenario.id])
        counts = (len(scenario.fail_to_pass), len(scenario.pass_to_pass))
        table.add_row(
            card.id, card.kind, card.difficulty, card.title, *map(str, counts), certificate
        )
    answer().print(table)
