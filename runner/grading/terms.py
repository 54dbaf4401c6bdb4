"""On what terms a patch is graded: a trial on the usual ones, a proof of fairness on others too."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from runner.grading.archive import KIT_FOLDER

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from testbed.scenario import Scenario, Step

_BUSY: Final = (
    *("sh", "-c", 'for _ in $1; do (while :; do :; done) & done; shift; exec "$@"', "load"),
)
"""The command keeps its process id; what is busy ends with it, as all that a command starts."""

_SPECIAL: Final = re.compile(r"[\\^$.*+?()[\]{}|]")
"""What means something in a regular expression, in JavaScript as elsewhere."""


@dataclass(frozen=True, kw_only=True)
class Terms:
    """What is graded, and what surrounds it."""

    steps: frozenset[str] | None = None
    """Ids of the steps to be run; `None` for all. Tests of the others are not judged."""
    files: tuple[str, ...] = ()
    """Test files to be run alone by steps that take files; empty for all."""
    bail: bool = False
    """End each step at its first failing test, where it can: what was not run counts as failed."""
    only: str = ""
    """Id of the one test that is judged, and run alone by steps that can; empty for all."""
    inspect: bool = True
    """Type-check, lint and measure; the type check is not judged otherwise."""
    hidden: bool = True
    """Lay the hidden checks."""
    cold: bool = False
    """Without the fixture's build caches."""
    environment: Mapping[str, str] = field(default_factory=dict)
    """Added to the fixture's."""
    busy: int = 0
    """Processes that compute for nothing beside every step, on the same processors."""

    def steps_of(self, scenario: Scenario) -> tuple[Step, ...]:
        """List the steps to be run, in order."""
        return tuple(s for s in scenario.steps() if self.steps is None or s.id in self.steps)

    def judged(self, scenario: Scenario, tests: Iterable[str]) -> tuple[str, ...]:
        """Keep the ids of tests that the steps to be run can show."""
        shown = {step.id: self._files(step) for step in self.steps_of(scenario)}
        places = ((test, shown.get(step_of(scenario, test))) for test in tests)
        return tuple(
            test
            for test, files in places
            if files is not None and (not files or test.partition("::")[0] in files)
            if self.only in {"", test}
        )

    def command(self, step: Step) -> tuple[str, ...]:
        """Return the command that runs a step on these terms."""
        bail = step.bail if self.bail else ()
        argv = (*step.argv, *bail, *self._files(step), *self._name(step))
        crowd = " ".join(map(str, range(self.busy)))
        return (*_BUSY, crowd, *argv) if self.busy else argv

    def _files(self, step: Step) -> tuple[str, ...]:
        return self.files if step.takes_files else ()

    def _name(self, step: Step) -> tuple[str, ...]:
        if not (self.only and step.name_option):
            return ()
        name = _SPECIAL.sub(r"\\\g<0>", self.only.partition("::")[2])
        return (step.name_option, f"^{name}$")


USUAL: Final = Terms()


def step_of(scenario: Scenario, test: str) -> str:
    """Name the step that runs a test: the folder of a hidden check, else the first step."""
    first, *rest = (step.id for step in scenario.steps())
    return next((id_ for id_ in rest if test.startswith(f"{KIT_FOLDER}/checks/{id_}/")), first)
