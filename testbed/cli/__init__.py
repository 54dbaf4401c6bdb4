"""The command line: one file per command; heavy imports live inside the commands."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

import typer

from testbed.cli import (
    action,
    certify,
    clean,
    compare,
    demo,
    doctor,
    grade,
    judge,
    merge,
    models,
    plan,
    recompute,
    replay,
    report,
    review,
    run,
    scenarios,
    shots,
    verify,
    verify_run,
)

if TYPE_CHECKING:
    from collections.abc import Sequence

app = typer.Typer(
    name="testbed",
    help="Compare language models on real coding work.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
    epilog=(
        "Exit codes: 0 done, 1 a verification failed or a record departs, 2 usage, "
        "3 environment, or testbed itself (with a traceback), 4 inconclusive (gates only), "
        "130 interrupted."
    ),
)
for command in (
    *(demo, plan, run, report, compare, shots, judge, review),
    *(grade, recompute, replay, verify_run, merge, verify, certify, doctor, clean),
):
    name = command.__name__.rpartition(".")[2].replace("_", "-")
    app.command(name=name)(command.command)
app.add_typer(scenarios.app, name="scenarios")
app.add_typer(models.app, name="models")
app.add_typer(action.app, name="action")


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command; expected errors are one line, unexpected ones keep their traceback."""
    import traceback

    from testbed.errors import EnvironmentFault, TestbedError

    try:
        app(args=list(argv) if argv is not None else None)
    except SystemExit as stop:
        return stop.code if isinstance(stop.code, int) else 0
    except KeyboardInterrupt:
        sys.stderr.write("testbed: interrupted\n")
        return 130
    except TestbedError as fault:
        sys.stderr.write(f"testbed: {fault}\n")
        return fault.exit_code
    except Exception:  # noqa: BLE001  (Python's own 1 would say that a verification failed)
        traceback.print_exc()
        return EnvironmentFault.exit_code
    return 0
