"""`testbed scenarios new | checkout | save | lint`: what it takes to write a scenario."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

import typer

from testbed.cli.common import SuiteOption, open_suite, talk
from testbed.cli.common import checkout as suite_folder

IdArgument = Annotated[str, typer.Argument(help="Scenario id.", show_default=False)]
FolderArgument = Annotated[Path, typer.Argument(help="Work tree.", show_default=False)]
NEXT_STEPS = """\
Next, with any folder of your own as DIR:
  1. testbed scenarios checkout {id} DIR          the fixture, to be {broken} in DIR
     testbed scenarios save {id} seed DIR
  2. write {folder}/prompt.md, scenario.toml and checks/
  3. testbed scenarios checkout {id} DIR2         the seeded tree, to be solved in DIR2
     testbed scenarios save {id} reference DIR2   the same for right/<name> and, with
                                                  --reason and --caught-by, wrong/<name>;
                                                  git -C DIR2 apply -R {folder}/seed.patch
                                                  undoes the seed
  4. testbed scenarios lint {id}
     testbed verify --record --quick {id}, then testbed verify {id}
"""
DOING = {"bug": "broken", "feature": "cut down", "refactor": "left as it is, or untidied"}


def new(
    scenario: IdArgument,
    *,
    fixture: Annotated[str, typer.Option(help="Fixture that it is seeded into.")],
    kind: Annotated[Literal["bug", "feature", "refactor"], typer.Option(help="What it asks for.")],
    suite: SuiteOption = None,
) -> None:
    """Begin a scenario: every file, to be filled in."""
    from runner.authoring.scaffold import begin
    from testbed.scenario import Kind

    root = (suite or suite_folder()).resolve()
    folder = begin(root, scenario, fixture=fixture, kind=Kind(kind))
    talk().print(
        NEXT_STEPS.format(id=scenario, folder=folder, broken=DOING[kind]), markup=False, end=""
    )
    typer.echo(folder)


def checkout(
    scenario: IdArgument,
    folder: FolderArgument,
    *,
    patch: Annotated[
        str | None,
        typer.Option("--with", help="Patch to lay over it: seed, reference, right/x, wrong/x."),
    ] = None,
    suite: SuiteOption = None,
) -> None:
    """Write the seeded tree as a work tree.

    It is a repository of one commit. A patch is laid over it uncommitted, so that `git diff`
    shows it; the seed is laid over the fixture.
    """
    from runner.authoring import patches

    (chosen,) = open_suite(suite, [scenario], recorded=False).scenarios
    patches.checkout(chosen, folder.resolve(), name=patch)
    typer.echo(folder)


def save(
    scenario: IdArgument,
    patch: Annotated[
        str, typer.Argument(help="seed, reference, right/x or wrong/x.", show_default=False)
    ],
    folder: FolderArgument,
    *,
    reason: Annotated[str | None, typer.Option(help="Why a wrong patch is wrong.")] = None,
    caught_by: Annotated[
        str | None, typer.Option(help="Check that must fail on a wrong patch.")
    ] = None,
    suite: SuiteOption = None,
) -> None:
    """Save what a work tree changes as a patch."""
    from runner.authoring import patches

    (chosen,) = open_suite(suite, [scenario], recorded=False).scenarios
    saved = patches.save(chosen, patch, folder.resolve(), reason=reason, caught_by=caught_by)
    talk().print(f"{saved.lines} lines in {', '.join(saved.files)}", markup=False)
    if patch == patches.SEED:
        talk().print(
            f"work trees of {scenario} from before this seed are out of date", markup=False
        )
    typer.echo(saved.path)


def lint(
    scenario: Annotated[
        list[str] | None, typer.Argument(help="Scenario ids [all].", show_default=False)
    ] = None,
    *,
    certified: Annotated[
        bool, typer.Option("--certified", help="A missing certificate is a finding, too.")
    ] = False,
    suite: SuiteOption = None,
) -> None:
    """Find faults that show without running anything."""
    from runner.authoring import lint as linter

    root, ids = (suite or suite_folder()).resolve(), tuple(scenario or ())
    findings = linter.lint(root, ids, certified=certified)
    for finding in findings:
        typer.echo(str(finding))
    plural = "s" if len(findings) > 1 else ""
    typer.echo(f"{len(findings) or 'no'} finding{plural}")
    raise typer.Exit(1 if findings else 0)
