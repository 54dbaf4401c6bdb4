"""What the GitHub Action is asked for: untrusted words from the environment, strictly read."""

from __future__ import annotations

import re
from pathlib import PurePosixPath
from typing import TYPE_CHECKING, Any, Final, Literal, get_args

from testbed.errors import UsageError
from testbed.record import Record

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

FailOn = Literal["regression", "inconclusive", "never"]

MOST_REPEATS: Final = 100
MOST_JOBS: Final = 64
MOST_SHARDS: Final = 256
"""Jobs that the platform allows in one matrix."""
SHOWN: Final = 60
"""Characters of a refused value that its fault repeats."""
_MODEL: Final = r"[A-Za-z0-9][A-Za-z0-9_.:-]*(/[A-Za-z0-9][A-Za-z0-9_.:-]*)*"
_PATH: Final = r"[A-Za-z0-9_./][A-Za-z0-9_./ @+-]*"
_SCENARIO: Final = r"[a-z0-9][a-z0-9-]{0,62}"
_NUMBER: Final = r"\d{1,7}(\.\d{1,6})?"


class Inputs(Record):
    """The action's inputs, as `testbed action plan` keeps them for the jobs after it."""

    candidate: str
    """A model card's id, or the path of one."""
    baseline: str
    suite: str
    """Path of the folder that holds `scenarios/` and `fixtures/`."""
    scenarios: tuple[str, ...]
    """Empty: all of the suite."""
    repeats: int
    jobs: int | None
    """Trials at the same time in one shard; `None`: one per core."""
    max_cost_usd: float | None
    """Of all shards together."""
    fail_on: FailOn
    margin: float | None
    """As a fraction of 1; `None`: the policy's."""
    baseline_results: str | None
    """Path of an earlier run that the baseline's trials are taken from; `None`: both are run."""
    comment: bool
    shards: int
    """At most so many."""


class InputsRefused(UsageError):
    """Inputs cannot be used as they are; each fault is one line."""

    def __init__(self, faults: tuple[str, ...]) -> None:
        super().__init__("; ".join(faults), next_step="Mend the inputs of the action")
        self.faults = faults


def read_inputs(environ: Mapping[str, str]) -> Inputs:
    """Read the variables `INPUT_…`; raise `InputsRefused` with every fault that they have."""
    values: dict[str, Any] = {}
    faults: list[str] = []
    for field, read in _READERS.items():
        name = f"INPUT_{field.upper()}"
        said = environ.get(name, "").strip()
        try:
            values[field] = read(said)
        except ValueError as fault:
            faults.append(f"{name} {fault}{_shown(said)}")
    if faults:
        raise InputsRefused(tuple(faults))
    found = Inputs(**values)
    if found.candidate == found.baseline and found.baseline_results is None:
        raise InputsRefused(("INPUT_CANDIDATE and INPUT_BASELINE name the same model",))
    return found


def _shown(said: str) -> str:
    """Repeat a refused value: without any character that a terminal or a log would act on."""
    return f": {said[:SHOWN]!a}" if said else ""


def _model(said: str) -> str:
    if not said:
        raise ValueError("is empty; name a model card's id, or the path of a .toml card")
    if said.endswith(".toml"):
        return _path(said)
    if not re.fullmatch(_MODEL, said) or ".." in said:
        raise ValueError("is neither a model card's id nor the path of a .toml card")
    return said


def _path(said: str) -> str:
    if not re.fullmatch(_PATH, said) or ".." in PurePosixPath(said).parts:
        raise ValueError("is no plain path without `..`")
    return said


def _optional_path(said: str) -> str | None:
    return _path(said) if said else None


def _scenarios(said: str) -> tuple[str, ...]:
    names = tuple(dict.fromkeys(filter(None, map(str.strip, re.split(r"[,\n]", said)))))
    if not all(re.fullmatch(_SCENARIO, name) for name in names):
        raise ValueError("is no list of scenario ids, separated by commas or line ends")
    return names


def _count(most: int, default: int | None) -> Callable[[str], int | None]:
    def read(said: str) -> int | None:
        if not said:
            return default
        if not re.fullmatch(r"[1-9]\d{0,4}", said, re.ASCII) or int(said) > most:
            raise ValueError(f"is no whole number from 1 to {most}")
        return int(said)

    return read


def _money(said: str) -> float | None:
    if not said:
        return None
    if not re.fullmatch(_NUMBER, said, re.ASCII) or float(said) <= 0:
        raise ValueError("is no sum of US dollars above 0, such as 25 or 2.50")
    return float(said)


def _share(said: str) -> float | None:
    if not said:
        return None
    if not re.fullmatch(_NUMBER, said, re.ASCII) or float(said) > 1:
        raise ValueError("is no fraction from 0 to 1, such as 0.10")
    return float(said)


def _fail_on(said: str) -> str:
    known: tuple[str, ...] = get_args(FailOn)
    if said and said not in known:
        raise ValueError(f"is none of {', '.join(known)}")
    return said or known[0]


def _flag(said: str) -> bool:
    if said not in ("", "true", "false"):
        raise ValueError("is neither true nor false")
    return said != "false"


_READERS: Final[Mapping[str, Callable[[str], object]]] = {
    "candidate": _model,
    "baseline": _model,
    "suite": lambda said: _path(said or "."),
    "scenarios": _scenarios,
    "repeats": _count(MOST_REPEATS, 3),
    "jobs": _count(MOST_JOBS, None),
    "max_cost_usd": _money,
    "fail_on": _fail_on,
    "margin": _share,
    "baseline_results": _optional_path,
    "comment": _flag,
    "shards": _count(MOST_SHARDS, 1),
}
