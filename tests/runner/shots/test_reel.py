"""What comes out of a sandbox is read without trust."""

from __future__ import annotations

import json
import struct
import zlib
from typing import TYPE_CHECKING, Any

import pytest

from runner.sandbox.base import SandboxSpec
from runner.sandbox.fake import FakeEngine
from runner.shots.reel import MAX_FRAMES, Reel, read_reel
from testbed.tour import Step

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from runner.sandbox.base import Sandbox

STEPS = tuple(
    Step.model_validate(step)
    for step in (
        {"goto": "/"},
        {"shot": "The page"},
        {"click": {"role": "button"}},
        {"leave": True},
    )
)


@pytest.fixture
async def sandbox() -> AsyncIterator[Sandbox]:
    spec = SandboxSpec(run_id="test", name="reel", image="fake-none")
    async with await FakeEngine().start(spec) as started:
        yield started


def png() -> bytes:
    header = struct.pack(">IIBBBBB", 4, 3, 8, 2, 0, 0, 0)
    parts = ((b"IHDR", header), (b"IDAT", zlib.compress(bytes(39))), (b"IEND", b""))
    return b"\x89PNG\r\n\x1a\n" + b"".join(
        struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))
        for kind, body in parts
    )


def webp(mark: int) -> bytes:
    frame = b"\x10\x02\x00\x9d\x01\x2a" + struct.pack("<HH", 640, 400) + bytes([mark] * 4)
    return b"RIFF" + struct.pack("<I", 26) + b"WEBPVP8 " + struct.pack("<I", len(frame)) + frame


def steps(outcomes: str) -> list[dict[str, Any]]:
    """Make a step of each letter: `+` passed, `-` did not."""
    return [
        {"passed": o == "+", "detail": "" if o == "+" else "It broke.", "seconds": 0.5}
        for o in outcomes
    ]


async def told(sandbox: Sandbox, files: dict[str, bytes] | None = None, **result: Any) -> Reel:  # noqa: ANN401  (any field)
    whole = {
        "failure": None,
        "built_seconds": 1.5,
        "steps": steps("++++"),
        "stills": [],
        "frames": [],
    }
    await sandbox.write("out/result.json", json.dumps(whole | result).encode())
    for name, data in (files or {}).items():
        await sandbox.write(f"out/{name}", data)
    return await read_reel(sandbox, "out", STEPS)


async def test_a_whole_tour_comes_home_with_its_captions(sandbox: Sandbox) -> None:
    reel = await told(sandbox, {"still-0.png": png()}, stills=[1])

    assert reel.stopped is None
    assert [(still.caption, still.failure) for still in reel.stills] == [("The page", False)]
    assert [step.said for step in reel.steps] == [
        "goto /",
        "shot The page",
        "click button",
        "leave",
    ]
    assert reel.build_s == 1.5


async def test_a_tour_that_breaks_says_where_and_shows_it(sandbox: Sandbox) -> None:
    files = {"still-0.png": png(), "still-1.png": png()}
    reel = await told(sandbox, files, steps=steps("++-"), stills=[1, 2])

    assert reel.stopped == "step 3 of 4, click button: It broke."
    assert [(s.caption, s.failure) for s in reel.stills] == [
        ("The page", False),
        ("stopped: click button", True),
    ]


async def test_what_stops_the_build_is_told_at_no_great_length(sandbox: Sandbox) -> None:
    reel = await told(sandbox, failure="x" * 5000, steps=[])

    assert reel.stopped == "x" * 600


async def test_foreign_words_reach_no_terminal_as_commands(sandbox: Sandbox) -> None:
    reel = await told(sandbox, failure="no\n  build: \x1b[2Jgone \u202etxt", steps=[])

    assert reel.stopped == "no build: \ufffd[2Jgone \ufffdtxt"


async def test_a_step_that_may_fail_does_not_stop_the_tour(sandbox: Sandbox) -> None:
    lenient = (*STEPS[:3], STEPS[3].model_copy(update={"optional": True}))
    await told(sandbox, steps=steps("+++-"))

    assert (await read_reel(sandbox, "out", lenient)).stopped is None
    assert (await read_reel(sandbox, "out", STEPS)).stopped is not None


@pytest.mark.parametrize(
    "result",
    [
        {"steps": steps("++")},
        {"steps": "many"},
        {"stills": [-1]},
        {"stills": [1.5]},
        {"unheard_of": 1},
        {"built_seconds": None},
    ],
)
async def test_a_result_out_of_shape_is_a_tour_cut_short(
    sandbox: Sandbox, result: dict[str, Any]
) -> None:
    assert (await told(sandbox, **result)).stopped == "the tour was cut short from inside"


@pytest.mark.parametrize("result", [{"steps": steps("+++++")}, {"stills": [4]}])
async def test_steps_that_were_not_planned_are_not_told_of(
    sandbox: Sandbox, result: dict[str, Any]
) -> None:
    reel = await told(sandbox, **result)

    assert reel == Reel(stopped="the tour tells of more steps than there are")


async def test_no_result_at_all_is_a_tour_cut_short(sandbox: Sandbox) -> None:
    assert await read_reel(sandbox, "out", STEPS) == Reel(
        stopped="the tour was cut short from inside"
    )


async def test_what_is_no_picture_is_left_out(sandbox: Sandbox) -> None:
    files = {"still-0.png": b"<script>", "still-1.png": png(), "frame-0.webp": png()}
    reel = await told(sandbox, files, stills=[1, 1, 1], frames=[0, 100])

    assert len(reel.stills) == 1
    assert reel.frames == ()


async def test_frames_last_as_long_as_they_stood_within_bounds(sandbox: Sandbox) -> None:
    marks = [1, 1, 2, 3]
    files = {f"frame-{n}.webp": webp(mark) for n, mark in enumerate(marks)}
    reel = await told(sandbox, files, frames=[0, 300, 1000, 99_000])

    assert [frame.milliseconds for frame in reel.frames] == [1000, 1500, 2500]


async def test_frames_beyond_the_limit_are_not_read(sandbox: Sandbox) -> None:
    files = {f"frame-{n}.webp": webp(n) for n in range(MAX_FRAMES + 5)}
    reel = await told(sandbox, files, frames=[n * 100 for n in range(MAX_FRAMES + 5)])

    assert len(reel.frames) == MAX_FRAMES
