"""What one tour brought home, read from a sandbox without trust.

It was made beside code that a model wrote: sizes are limited, forms checked, and no name is
taken from inside.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Final, Protocol, TypeVar

from pydantic import Field, ValidationError

from runner.sandbox.base import ToolFault
from runner.shots.png import read_png
from runner.shots.webp import Frame, NoPicture, read_webp
from testbed.record import Record
from testbed.shots import StepOutcome

if TYPE_CHECKING:
    from collections.abc import Sequence

    from runner.sandbox.base import Sandbox
    from runner.shots.png import Png
    from runner.shots.webp import Bitstream
    from testbed.tour import Step

MAX_PICTURE_BYTES: Final = 120_000
MAX_FRAMES: Final = 60
_RESULT_BYTES: Final = 256 << 10
_SHORTEST_MS: Final = 80
_LONGEST_MS: Final = 1500
_LAST_MS: Final = 2500
_DETAIL: Final = 600
_CUT_SHORT: Final = "the tour was cut short from inside"

P_co = TypeVar("P_co", covariant=True)


class Reader(Protocol[P_co]):
    """Takes a picture out of hostile bytes, or raises `NoPicture`."""

    def __call__(self, data: bytes, /, *, limit: int) -> P_co:
        """Read it."""
        ...


Count = Annotated[int, Field(ge=0)]


class _Outcome(Record):
    passed: bool
    detail: str
    seconds: float


class _Result(Record):
    """What the driver says came of the tour."""

    failure: str | None
    built_seconds: float
    steps: tuple[_Outcome, ...]
    stills: tuple[Count, ...]
    """Index of the step that each still was taken at."""
    frames: tuple[Count, ...]
    """Milliseconds since the beginning, of each frame."""


@dataclass(frozen=True, kw_only=True)
class Still:
    """A picture that was asked for, or that of a failure."""

    caption: str
    picture: Png
    failure: bool


@dataclass(frozen=True, kw_only=True)
class Reel:
    """What one tour brought home."""

    steps: tuple[StepOutcome, ...] = ()
    stopped: str | None = None
    stills: tuple[Still, ...] = ()
    frames: tuple[Frame, ...] = ()
    build_s: float = 0.0
    total_s: float = 0.0


async def read_reel(sandbox: Sandbox, folder: str, planned: Sequence[Step]) -> Reel:
    """Read what lies in the folder of a sandbox; what is out of shape is left out, or all of it."""
    try:
        raw = await sandbox.read(f"{folder}/result.json", limit=_RESULT_BYTES)
        result = _Result.model_validate_json(raw)
    except (ToolFault, ValidationError):
        return Reel(stopped=_CUT_SHORT)
    if len(result.steps) > len(planned) or any(i >= len(planned) for i in result.stills):
        return Reel(stopped="the tour tells of more steps than there are")
    steps = tuple(map(_outcome, planned, result.steps))
    return Reel(
        steps=steps,
        stopped=_where(result.failure, planned, steps),
        stills=await _stills(sandbox, folder, [planned[i] for i in result.stills[: len(planned)]]),
        frames=await _frames(sandbox, folder, result.frames[:MAX_FRAMES]),
        build_s=result.built_seconds,
    )


def _outcome(step: Step, outcome: _Outcome) -> StepOutcome:
    return StepOutcome(
        said=step.in_words(),
        passed=outcome.passed,
        detail=_printable(outcome.detail),
        seconds=outcome.seconds,
    )


def _printable(text: str) -> str:
    """Make foreign words one line without controls: they are shown on terminals and pages."""
    line = " ".join(text.split())
    return "".join(letter if letter.isprintable() else "\ufffd" for letter in line)[:_DETAIL]


def _where(
    failure: str | None, planned: Sequence[Step], steps: Sequence[StepOutcome]
) -> str | None:
    """Say where the tour stopped, and why; `None` when it came to its end."""
    if failure is not None:
        return _printable(failure)
    last = len(steps)
    if steps and not steps[-1].passed and not planned[last - 1].optional:
        return f"step {last} of {len(planned)}, {steps[-1].said}: {steps[-1].detail}"
    return None if last == len(planned) else _CUT_SHORT


async def _stills(sandbox: Sandbox, folder: str, steps: Sequence[Step]) -> tuple[Still, ...]:
    stills = []
    for number, step in enumerate(steps):
        if picture := await _picture(sandbox, f"{folder}/still-{number}.png", read_png):
            failure = step.shot is None
            caption = step.shot or f"stopped: {step.in_words()}"
            stills.append(Still(caption=caption, picture=picture, failure=failure))
    return tuple(stills)


async def _frames(sandbox: Sandbox, folder: str, times: Sequence[int]) -> tuple[Frame, ...]:
    """Read the frames; equal neighbours are one, and nobody is kept waiting for long."""
    taken: list[tuple[Bitstream, int]] = []
    for number, at in enumerate(times):
        picture = await _picture(sandbox, f"{folder}/frame-{number}.webp", read_webp)
        if picture and not (taken and taken[-1][0] == picture):
            taken.append((picture, at))
    ends = [at for _, at in taken[1:]]
    lasting = [
        min(max(end - at, _SHORTEST_MS), _LONGEST_MS)
        for (_, at), end in zip(taken, ends, strict=False)
    ]
    return tuple(
        Frame(picture=picture, milliseconds=milliseconds)
        for (picture, _), milliseconds in zip(taken, [*lasting, _LAST_MS], strict=False)
    )


async def _picture(sandbox: Sandbox, path: str, read: Reader[P_co]) -> P_co | None:
    try:
        data = await sandbox.read(path, limit=MAX_PICTURE_BYTES)
        return read(data, limit=MAX_PICTURE_BYTES)
    except (ToolFault, NoPicture):
        return None
