"""`testbed doctor`: what this machine can do, and what to do about the rest."""

from __future__ import annotations

import shutil
import sys
from collections.abc import Callable
from typing import NamedTuple

import typer

from testbed.cli.common import RUNS, JsonOption, RunsOption, answer, cache_folder, open_suite

DISK_GIB = 4
"""Free space that packages and the image need, with room for results."""


class Finding(NamedTuple):
    """One line of the answer."""

    what: str
    state: str
    """ok, weak (works, with less) or missing."""
    detail: str


def command(*, runs: RunsOption = RUNS, json: JsonOption = False) -> None:
    """Say what this machine can do. Exit code 3 when no sandbox or no suite is to be had."""
    from testbed.errors import TestbedError

    findings: list[Finding] = []
    for what, look in LOOKS.items():
        try:
            findings.append(Finding(what, *look()))
        except TestbedError as fault:
            findings.append(Finding(what, "missing", str(fault)))
    findings.append(Finding("disk", *_disk(runs)))
    if json:
        import json as encoder

        typer.echo(encoder.dumps([finding._asdict() for finding in findings], indent=1))
    else:
        _show(findings)
    states = {finding.what: finding.state for finding in findings}
    sandboxed = any(states[engine] != "missing" for engine in ("docker", "local sandbox"))
    raise typer.Exit(0 if sandboxed and states["suite"] == "ok" else 3)


def _python() -> tuple[str, str]:
    return "ok", sys.version.split()[0]


def _git() -> tuple[str, str]:
    path = shutil.which("git")
    return ("ok", path) if path else ("missing", "apt-get install git")


def _docker() -> tuple[str, str]:
    from runner.sandbox.choose import choose_engine

    choose_engine("docker")
    return "ok", "an engine answers"


def _local() -> tuple[str, str]:
    from runner.sandbox.choose import choose_engine

    return "weak", choose_engine("local").weaker


def _suite() -> tuple[str, str]:
    suite = open_suite(None)
    return "ok", f"{len(suite.scenarios)} scenarios in {suite.root}"


def _models() -> tuple[str, str]:
    import os

    from testbed.catalog import shipped_cards

    ready = [c.id for c in shipped_cards() if c.key_variable and os.environ.get(c.key_variable)]
    return ("ok", ", ".join(ready)) if ready else ("weak", "no key is set: see `testbed models`")


def _disk(runs: object) -> tuple[str, str]:
    folder = cache_folder()
    while not folder.exists():
        folder = folder.parent
    free = shutil.disk_usage(folder).free / 2**30
    return (
        "ok" if free >= DISK_GIB else "missing"
    ), f"{free:.0f} GiB free for {runs} and the cache"


LOOKS: dict[str, Callable[[], tuple[str, str]]] = {
    "python": _python,
    "git": _git,
    "docker": _docker,
    "local sandbox": _local,
    "suite": _suite,
    "keys": _models,
}


def _show(findings: list[Finding]) -> None:
    from rich.table import Table

    table = Table("what", "state", "detail", box=None, pad_edge=False)
    colours = {"ok": "green", "weak": "yellow", "missing": "red"}
    for what, state, detail in findings:
        table.add_row(what, f"[{colours[state]}]{state}[/]", detail)
    answer().print(table)
