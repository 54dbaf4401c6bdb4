"""How far a batch is: a live bar on a terminal, one line per trial elsewhere."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from rich.markup import escape
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from runner.batch import Watcher
from testbed.records import Trial, Verdict

if TYPE_CHECKING:
    from types import TracebackType
    from typing import Self

    from rich.console import Console

    from testbed.plan import PlannedTrial

MARKS = {Verdict.PASS: "[green]pass[/]", Verdict.FAIL: "fail", Verdict.UNGRADED: "[red]ungraded[/]"}


class TrialProgress(Watcher):
    """Shows trials done of those planned, what runs now, and the time left."""

    def __init__(self, console: Console, *, planned: int, done: int, jobs: int) -> None:
        self._console = console
        self._planned, self._done, self._jobs = planned, done, jobs
        self._began: dict[tuple[str, str, int], float] = {}
        self._seconds: list[float] = []
        self._bar = Progress(
            TextColumn("trials"),
            BarColumn(bar_width=24),
            MofNCompleteColumn(),
            TimeElapsedColumn(),
            TextColumn("{task.description}"),
            console=console,
            transient=True,
            disable=not console.is_terminal,
        )
        self._task = self._bar.add_task("", total=planned, completed=done)

    def __enter__(self) -> Self:
        self._bar.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._bar.stop()

    def began(self, planned: PlannedTrial) -> None:
        """Show the trial among those that run."""
        self._began[planned] = time.monotonic()
        self._describe()

    def ended(self, trial: Trial) -> None:
        """Print the trial's line; a spoiled try leaves the count as it was."""
        seconds = time.monotonic() - self._began.pop(trial.key)
        if trial.verdict is not Verdict.UNGRADED:
            self._done += 1
            self._seconds.append(seconds)
        self._bar.update(self._task, completed=self._done)
        width = len(str(self._planned))
        why = f": {escape(trial.failure.detail)}" if trial.failure else ""
        self._console.print(
            f"{self._done:>{width}}/{self._planned}  {MARKS[trial.verdict]}  "
            f"{trial.model}  {trial.scenario} #{trial.repeat}  {trial.ending}{why}, "
            f"{seconds:.0f} s{self._left()}"
        )
        self._describe()

    def _left(self) -> str:
        remaining = self._planned - self._done
        if not self._seconds or not remaining:
            return ""
        each = sum(self._seconds) / len(self._seconds)
        minutes, seconds = divmod(round(each * remaining / self._jobs), 60)
        return f", about {minutes}:{seconds:02d} left"

    def _describe(self) -> None:
        running = ", ".join(f"{model} on {scenario}" for model, scenario, _ in self._began)
        self._bar.update(self._task, description=f"{running}{self._left()}")
