"""`make bench`: every figure with a budget, measured in one run."""

from __future__ import annotations

import sys

from bench import chat, sandbox, scoreboard, startup, statistics, trials


def main() -> int:
    """Run all benches; the exit code says whether every budget is held."""
    held = [bench.main() for bench in (startup, statistics, scoreboard, chat, sandbox, trials)]
    return 0 if all(held) else 1


if __name__ == "__main__":
    sys.exit(main())
