"""How a user goes on with a run that has not come to its end."""

from __future__ import annotations

from testbed.store import Run


def how_to_continue(run: Run, *options: str) -> str:
    """Name the command that makes what a run still misses, as it is made now, with `options`."""
    # A part of a plan, and a limit given on --resume, are stored nowhere: that run.json stays as
    # it was asked for is what lets parts be merged, and what the lock holds.
    if run.config.part is not None:
        return " ".join(("the same command", *(("with", *options) if options else ())))
    limit = run.config.max_cost_usd
    if limit is not None and limit != Run(run.paths.folder).config.max_cost_usd:
        options = ("--max-cost-usd", f"{limit:.15g}", *options)
    return f"`{' '.join(('testbed run --resume', run.config.run_id, *options))}`"
