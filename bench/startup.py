"""How long `testbed --help` takes, beside an empty Python."""

from __future__ import annotations

import compileall
import statistics
import subprocess
import sys
import time
from pathlib import Path

from bench.figures import Figure, show

ROUNDS = 15


def main() -> bool:
    """Measure interleaved, after compiling; return whether the budgets are held."""
    for package in ("testbed", "runner", "reports"):
        compileall.compile_dir(str(Path(__file__).parents[1] / package), quiet=1)
    commands = {
        "help": [sys.executable, "-m", "testbed", "--help"],
        "pass": [sys.executable, "-c", "pass"],
    }
    times: dict[str, list[float]] = {name: [] for name in commands}
    for _ in range(ROUNDS):
        for name, command in commands.items():
            began = time.perf_counter()
            subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
            times[name].append(time.perf_counter() - began)
    took = {name: statistics.median(values) for name, values in times.items()}
    return show(
        "Start-up",
        [
            Figure("testbed --help", took["help"], "s", at_most=0.25),
            Figure("against `python -c pass`", took["help"] / took["pass"], "x", at_most=8),
        ],
    )


if __name__ == "__main__":
    sys.exit(not main())
