"""Where a run keeps its files: the only place that joins result paths."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from pathlib import Path

    from testbed.plan import PlannedTrial


@dataclass(frozen=True)
class TrialPaths:
    """The files of one try at one trial.

    ::

        <try>/
          turns.jsonl            the conversation, one line per turn, written as it happens
          exchanges.jsonl.zst    every request and its raw stream, one frame per exchange
          patch.diff             what the agent left
          patch-<n>.diff         with follow-ups: what it left after its n-th prompt
          junit-<step>.xml       the test runner's own reports
          grade.json             every check's outcome
          trial.json             the result; present only when the try is complete
          log.txt                what the sandbox and the harness had to say
          requests.jsonl         every request's times, tokens and cost, without its stream
    """

    folder: Path

    @property
    def turns(self) -> Path:
        """Locate the conversation."""
        return self.folder / "turns.jsonl"

    @property
    def exchanges(self) -> Path:
        """Locate the raw streams."""
        return self.folder / "exchanges.jsonl.zst"

    @property
    def patch(self) -> Path:
        """Locate the diff."""
        return self.folder / "patch.diff"

    @property
    def grade(self) -> Path:
        """Locate the checks' outcome."""
        return self.folder / "grade.json"

    @property
    def trial(self) -> Path:
        """Locate the result."""
        return self.folder / "trial.json"

    @property
    def log(self) -> Path:
        """Locate the log."""
        return self.folder / "log.txt"

    @property
    def requests(self) -> Path:
        """Locate what every request took, without its stream."""
        return self.folder / "requests.jsonl"

    def prompt_patch(self, prompt: int) -> Path:
        """Locate what the agent left after one of its prompts, counted from 1."""
        return self.folder / f"patch-{prompt}.diff"

    def junit(self, step: str) -> Path:
        """Locate the report of one grading step."""
        return self.folder / f"junit-{step}.xml"


@dataclass(frozen=True)
class RunPaths:
    """The files of one run.

    ::

        runs/<run>/
          run.json               what was asked
          lock.json              what it resolved to: digests, image, versions
          preflight.json         what the endpoints were found to do before the first trial
          references.json        scenario -> code quality of its reference solution
          briefs.json            what the scenarios ask for, their seeds and certificates
          trials.jsonl           what happened: a line per complete try or re-grading
          marks.jsonl            what judges and people thought of patches, a line per mark
          writer.lock            held by the process that writes
          trials/<model>/<scenario>/<repeat>/<try>/    see TrialPaths
          shots/<model>/<scenario>/<repeat>/<try>/     pictures of what was built, made afterwards
          shots/_<which>/<scenario>/                   the same of the seeded tree, the reference
          scoreboard/index.html
    """

    folder: Path

    @property
    def config(self) -> Path:
        """Locate what was asked."""
        return self.folder / "run.json"

    @property
    def lock(self) -> Path:
        """Locate what it resolved to."""
        return self.folder / "lock.json"

    @property
    def journal(self) -> Path:
        """Locate what happened."""
        return self.folder / "trials.jsonl"

    @property
    def preflight(self) -> Path:
        """Locate what the endpoints were found to do."""
        return self.folder / "preflight.json"

    @property
    def references(self) -> Path:
        """Locate the code quality of the reference solutions."""
        return self.folder / "references.json"

    @property
    def briefs(self) -> Path:
        """Locate what the scenarios ask for."""
        return self.folder / "briefs.json"

    @property
    def marks(self) -> Path:
        """Locate what judges and people thought of patches."""
        return self.folder / "marks.jsonl"

    @property
    def writer(self) -> Path:
        """Locate the writer's lock file."""
        return self.folder / "writer.lock"

    @property
    def scoreboard(self) -> Path:
        """Locate the scoreboard's folder."""
        return self.folder / "scoreboard"

    def repeat(self, planned: PlannedTrial) -> Path:
        """Locate the tries of one trial. Characters foreign to file names are replaced."""
        return self._place("trials", planned)

    def attempt(self, planned: PlannedTrial, attempt: int) -> TrialPaths:
        """Locate one try."""
        return TrialPaths(self.repeat(planned) / str(attempt))

    def shots(self, planned: PlannedTrial, attempt: int) -> Path:
        """Locate the pictures of one try: apart from its files, which are sealed by digest."""
        return self._place("shots", planned) / str(attempt)

    def baseline_shots(self, which: Literal["seed", "reference"], scenario: str) -> Path:
        """Locate the pictures of a tree that no model made; no model's name has an underscore."""
        return self.folder / "shots" / f"_{which}" / scenario

    def _place(self, kind: str, planned: PlannedTrial) -> Path:
        model = planned.model.replace("/", "~").replace(":", "+")
        return self.folder / kind / model / planned.scenario / str(planned.repeat)


def holds_run(folder: Path) -> bool:
    """Say whether a run is there; no folder can have a name that is too long."""
    try:
        return (folder / "run.json").is_file()
    except OSError:
        return False
