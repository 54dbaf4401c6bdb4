"""What several commands share: options, where things are, how to talk."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

if TYPE_CHECKING:
    from collections.abc import Callable

    from rich.console import Console

    from testbed.scenario import Suite

SuiteOption = Annotated[
    Path | None,
    typer.Option("--suite", help="Folder holding scenarios/ and fixtures/ [this checkout]."),
]
RunsOption = Annotated[Path, typer.Option("--runs", help="Folder of all runs.")]
EngineOption = Annotated[
    Literal["auto", "docker", "local"],
    typer.Option("--engine", help="Sandbox; local is bubblewrap, auto is Docker if it answers."),
]
ScenarioOption = Annotated[
    list[str] | None, typer.Option("--scenario", "-s", help="Scenario id; repeatable [all].")
]
JobsOption = Annotated[int, typer.Option("--jobs", "-j", min=1, help="Trials at the same time.")]
JsonOption = Annotated[bool, typer.Option("--json", help="Print the answer as JSON.")]

RUNS = Path("runs")
PIPE_COLUMNS = 100
CORES = os.cpu_count() or 1


def checkout() -> Path:
    """Return the folder of the suite: the working directory's, or the one beside this package."""
    here = Path.cwd()
    return here if (here / "scenarios").is_dir() else Path(__file__).resolve().parents[2]


def cache_folder() -> Path:
    """Return where packages and images' inputs are kept: `TESTBED_CACHE`, or `.cache` here."""
    return Path(os.environ.get("TESTBED_CACHE", checkout() / ".cache")).resolve()


def open_suite(
    root: Path | None, scenarios: list[str] | None = None, *, recorded: bool = True
) -> Suite:
    """Load the suite and keep the named scenarios; one still to be recorded stops no other."""
    from testbed.scenario import load_suite

    suite = load_suite((root or checkout()).resolve(), recorded=False)
    chosen = suite.pick(tuple(scenarios or ()))
    return chosen.demand_recorded() if recorded else chosen


def talk() -> Console:
    """Return the console for talk: stderr, plain when it is no terminal."""
    from rich.console import Console

    return Console(stderr=True, highlight=False, soft_wrap=True)


def answer() -> Console:
    """Return the console for the answer: stdout, 100 columns where it is no terminal."""
    from rich.console import Console

    return Console(highlight=False, width=None if sys.stdout.isatty() else PIPE_COLUMNS)


def builder(console: Console) -> Callable[[str], None]:
    """Return a progress callback that shows what is being built."""

    def show(message: str) -> None:
        console.print(f"· {message}", markup=False)

    return show
