"""Everything that was recorded of one trial, for whoever wants to know why it ended as it did.

What a model, a provider or a test wrote is foreign text: it is cut to a length, never cleaned.
"""

from __future__ import annotations

import shlex
from contextlib import suppress
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, Final, TypeVar
from xml.parsers import expat

from testbed.briefs import Brief, Briefs
from testbed.plan import PlannedTrial, TrialLimits
from testbed.record import Record
from testbed.records import CheckKind, Exchange, Grade, Turn
from testbed.store import parsed

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from testbed.plan import RunConfig
    from testbed.records import Trial
    from testbed.store import Run, TrialPaths

R = TypeVar("R", bound=Record)

PATCH_BYTES: Final = 256 << 10
LOG_BYTES: Final = 64 << 10
REPORT_BYTES: Final = 8 << 20
OUTPUT_CHARS: Final = 6000
"""Of what the test runner said of one test."""
_TESTS: Final = (CheckKind.FAIL_TO_PASS, CheckKind.PASS_TO_PASS)
_BAD: Final = frozenset({"failure", "error", "skipped"})


@dataclass(frozen=True, kw_only=True)
class Excerpt:
    """The beginning of a text."""

    text: str
    cut: int = 0
    """Bytes that are not shown."""


@dataclass(frozen=True, kw_only=True)
class Dossier:
    """One trial and its files; what is `None` was not recorded."""

    run_id: str
    created: str
    """UTC, ISO 8601: when the run began."""
    title: str
    """The scenario's."""
    card: str
    """Label of the model card."""
    trial: Trial
    grade: Grade | None
    turns: tuple[Turn, ...]
    requests: tuple[Exchange, ...] | None
    """Every HTTP attempt in its order; `None`: an older version kept the raw streams alone."""
    patch: Excerpt | None
    """A diff in git's form, cut after a whole line; what is not UTF-8 is replaced."""
    outputs: Mapping[str, str]
    """Id of a failed test -> what the runner said of it, as its own report has it."""
    log: Excerpt
    folder: str
    """POSIX path of the try's files below the folder of all runs."""
    files: tuple[str, ...]
    """Their names."""
    brief: Brief | None
    commands: Mapping[str, str]
    """What it does -> command line that does it again."""

    def output(self, check: str) -> str:
        """Give what the runner said of a failed test, or of its file when that did not load."""
        file = check.partition("::")[0]
        return self.outputs.get(check) or self.outputs.get(f"{file}::{file}", "")


def read_dossier(run: Run, trial: Trial) -> Dossier:
    """Read what one try left. A line cut short by a crash is dropped; raise `RunError` on others.

    Files that are not there leave their part empty.
    """
    paths = run.paths.attempt(PlannedTrial(*trial.key), trial.attempt)
    scenario = next((s for s in run.config.scenarios if s.id == trial.scenario), None)
    grade = _grade(paths)
    return Dossier(
        run_id=run.config.run_id,
        created=run.config.created_at,
        title=scenario.title if scenario else "",
        card=run.config.card(trial.model).title,
        trial=trial,
        grade=grade,
        turns=_lines(Turn, paths.turns) or (),
        requests=_lines(Exchange, paths.requests),
        patch=_patch(paths),
        outputs=_outputs(paths, grade),
        log=_beginning(paths.log, LOG_BYTES) or Excerpt(text=""),
        folder=f"{run.config.run_id}/{paths.folder.relative_to(run.paths.folder).as_posix()}",
        files=_names(paths),
        brief=_brief(run.paths.briefs, trial.scenario),
        commands=_commands(run.config, trial),
    )


def _grade(paths: TrialPaths) -> Grade | None:
    if not paths.grade.is_file():
        return None
    return parsed(Grade, paths.grade.read_bytes(), paths.grade)


def _lines(kind: type[R], path: Path) -> tuple[R, ...] | None:
    if not path.is_file():
        return None
    with path.open("rb") as file:
        return tuple(
            parsed(kind, line, path, number)
            for number, line in enumerate(file, 1)
            if line.endswith(b"\n")
        )


def _patch(paths: TrialPaths) -> Excerpt | None:
    found = _beginning(paths.patch, PATCH_BYTES)
    if found is None or not found.cut:
        return found
    whole, _, torn = found.text.rpartition("\n")
    return Excerpt(text=f"{whole}\n", cut=found.cut + len(torn.encode()))


def _beginning(path: Path, most: int) -> Excerpt | None:
    if not path.is_file():
        return None
    with path.open("rb") as file:
        data = file.read(most)
    return Excerpt(text=data.decode(errors="replace"), cut=path.stat().st_size - len(data))


def _names(paths: TrialPaths) -> tuple[str, ...]:
    if not paths.folder.is_dir():
        return ()
    return tuple(sorted(path.name for path in paths.folder.iterdir() if path.is_file()))


def _brief(path: Path, scenario: str) -> Brief | None:
    return _briefs(path, path.stat().st_mtime_ns).get(scenario) if path.is_file() else None


@lru_cache(maxsize=4)
def _briefs(path: Path, _written: int) -> Mapping[str, Brief]:
    return parsed(Briefs, path.read_bytes(), path).scenarios


def _commands(config: RunConfig, trial: Trial) -> dict[str, str]:
    # The repeats of a model are alike; a player may follow its script by their number.
    repeats = trial.repeat if trial.scripted else 1
    again = ["testbed", "run", "-m", trial.model, "-s", trial.scenario, "-n", str(repeats)]
    return {
        "Make a trial like it": shlex.join([*again, *_options(config)]),
        "Replay it from its record": shlex.join(
            ["testbed", "replay", config.run_id, "--trial", "/".join(map(str, trial.key))]
        ),
        "Grade the run's patches again": shlex.join(["testbed", "grade", config.run_id]),
    }


def _options(config: RunConfig) -> list[str]:
    usual, asked = TrialLimits(), config.limits
    limits = {
        "--max-turns": (asked.max_turns, usual.max_turns),
        "--max-tokens": (asked.max_tokens, usual.max_tokens),
        "--max-trial-cost-usd": (asked.max_cost_usd, usual.max_cost_usd),
        "--follow-ups": (config.follow_ups, 0),
        "--engine": (config.engine, "auto"),
    }
    return [
        part
        for option, (value, default) in limits.items()
        if value not in (default, None)
        for part in (option, str(value))
    ]


def _outputs(paths: TrialPaths, grade: Grade | None) -> dict[str, str]:
    if grade is None or not grade.failed(*_TESTS):
        return {}
    said: dict[str, str] = {}
    for report in sorted(paths.folder.glob("junit-*.xml")):
        if report.stat().st_size <= REPORT_BYTES:
            said |= _Reader().read(report.read_bytes())
    return said


class _Declared(Exception):
    """The report declares a document type, hence maybe entities."""


class _Reader:
    """Collects what a JUnit report says of tests that did not pass; nothing in it is trusted."""

    def __init__(self) -> None:
        self.said: dict[str, str] = {}
        self._test = ""
        self._parts: list[str] | None = None

    def read(self, report: bytes) -> dict[str, str]:
        """Give test id -> text; what stands behind a fault in the report is left out."""
        parser = expat.ParserCreate()
        parser.buffer_text = True
        parser.StartDoctypeDeclHandler = self._refuse
        parser.StartElementHandler = self._start
        parser.EndElementHandler = self._end
        parser.CharacterDataHandler = self._text
        with suppress(expat.ExpatError, ValueError, _Declared):
            parser.Parse(report, True)  # noqa: FBT003  (the parser takes it by place alone)
        return self.said

    def _refuse(self, *_: object) -> None:
        raise _Declared

    def _start(self, name: str, given: dict[str, str]) -> None:
        if name == "testcase":
            self._test = f"{given.get('classname', '')}::{given.get('name', '')}"
        elif name in _BAD and self._test:
            self._parts = []
            self.said.setdefault(self._test, given.get("message", "")[:OUTPUT_CHARS])

    def _text(self, text: str) -> None:
        if self._parts is not None:
            self._parts.append(text)

    def _end(self, name: str) -> None:
        if name == "testcase":
            self._test = ""
        elif name in _BAD and self._parts is not None:
            if text := "".join(self._parts).strip():
                self.said[self._test] = _shortened(text)
            self._parts = None


def _shortened(text: str) -> str:
    if len(text) <= OUTPUT_CHARS:
        return text
    return f"{text[:OUTPUT_CHARS]}\n[… {len(text) - OUTPUT_CHARS:,} more characters]"
