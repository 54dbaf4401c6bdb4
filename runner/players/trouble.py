"""Players that make trouble of a known kind and size: in time, in form, in limits, in luck."""

from __future__ import annotations

import posixpath
import re
from dataclasses import replace
from typing import TYPE_CHECKING

from runner.players.moves import carry_out
from runner.players.player import Answer, Bill, Call, Pace, Performance, Rejection, call
from runner.players.roles import (
    MODULE,
    Role,
    finish,
    impossible,
    run_tests,
    solved,
    some_file,
    untouched,
)
from testbed.records import Ending, Stage

if TYPE_CHECKING:
    from collections.abc import Iterator

    from testbed.tree import Tree

PACE = Pace(first_s=0.4, gap_s=0.05)
STEADY = Bill(prompt=1000, cached=250, completion=80, reasoning=16)
WORDY = (
    Bill(prompt=60_000, completion=5_000, reasoning=1_000),
    Bill(prompt=128_000, cached=48_000, completion=6_000),
    Bill(prompt=200_000, cached=160_000, completion=7_000, reasoning=2_000),
)
"""Below, at and above the threshold of its price; the last one is repeated."""
RATE_LIMITS = (
    Rejection(
        request=1,
        status=429,
        code="rate_limit_exceeded",
        message="Too many requests",
        headers=(("Retry-After", "1"),),
    ),
    Rejection(
        request=2,
        status=429,
        code="rate_limit_exceeded",
        message="Too many requests",
        headers=(("Retry-After-Ms", "250"),),
    ),
    Rejection(
        request=4,
        status=503,
        code="overloaded",
        message="The engine is overloaded",
        headers=(("Retry-After", "0.5"),),
    ),
)
ASKED_WAIT_S = 1.75
"""What the rejections ask for together."""
REFUSED_CALL = Rejection(
    request=3,
    status=400,
    code="tool_use_failed",
    message="Failed to call a function",
)
IMPORT = re.compile(r"""from (["']\.{1,2}/[^"']+["'])""")
BROKEN = '\nthrow new Error("a regression");\n'


def _solve(performance: Performance, target: Tree, summary: str) -> tuple[Answer, ...]:
    moves = carry_out(performance.seeded, target)
    return (*moves, run_tests(performance), finish(summary))


def _slow(performance: Performance) -> tuple[Answer, ...]:
    return tuple(
        replace(answer, reasoning="I take my time over this.", pace=PACE, bill=STEADY)
        for answer in _solve(performance, performance.reference, "Done, in my own time.")
    )


def _rate_limited(performance: Performance) -> tuple[Answer, ...]:
    answers = _solve(performance, performance.reference, "Done, as far as the quota let me.")
    return tuple(replace(answer, bill=STEADY) for answer in answers)


def _malformed(performance: Performance) -> tuple[Answer, ...]:
    path = some_file(performance)
    whole = call("read_file", path=path).arguments
    broken = Call("read_file", whole[:-2]).stopping(Stage.EMITTED, "invalid_json")
    twice = Call("read_file", whole * 2).stopping(Stage.EMITTED, "concatenated_json")
    unknown = call("open_file", path=path).stopping(Stage.PARSED, "unknown_tool")
    begun = Call("write_file", '{"path": "notes.md", "content": "To be')
    slips = (
        (broken, broken, broken),
        (twice, twice),
        (unknown, unknown, unknown, unknown),
        tuple(_schema_slips(path)),
        tuple(_precondition_slips(path)),
        tuple(_repeats()),
    )
    answers = [
        Answer(text="I look.", calls=(*bad, call("read_file", path=path, limit=number)))
        for number, bad in enumerate(slips, 1)
    ]
    length = Answer(
        text="I write all of it.",
        calls=(
            call("search", pattern="export"),
            begun.stopping(Stage.EMITTED, "truncated_call"),
        ),
        cut=True,
    )
    done = _solve(performance, performance.reference, "Done, after many mistakes.")
    return (*answers, length, *done)


def _schema_slips(path: str) -> Iterator[Call]:
    for number in (20, 30):
        yield call("read_file", limit=number).stopping(Stage.KNOWN, "missing_required")
    yield call("read_file", path=path, encoding="utf-8").stopping(Stage.KNOWN, "unexpected_param")
    for limit in ("all", [1], True):
        yield call("read_file", path=path, limit=limit).stopping(Stage.KNOWN, "wrong_type")
    yield call("read_file", path=path, limit=0).stopping(Stage.KNOWN, "schema_other")


def _precondition_slips(path: str) -> Iterator[Call]:
    absent = "this line is in no file of the workspace"
    for made, code in (
        (call("read_file", path="no/such/file.ts"), "not_found"),
        (call("edit_file", path=path, old_text=absent, new_text=""), "old_text_not_found"),
        (call("edit_file", path=path, old_text=f"{absent}!", new_text=""), "old_text_not_found"),
        (call("search", pattern="("), "bad_pattern"),
        (call("read_file", path="/etc/passwd"), "outside_workspace"),
    ):
        yield made.stopping(Stage.SCHEMA_VALID, f"precondition_failed:{code}")


def _repeats() -> Iterator[Call]:
    yield call("list_files")
    for _ in range(2):
        yield call("list_files").stopping(Stage.EXECUTABLE, "repeated")


def marked(*calls: Call, closed: bool = True) -> str:
    """Write calls as text in the markers of Kimi K2."""
    inner = "".join(
        f"<|tool_call_begin|>functions.{made.name}:{number}<|tool_call_argument_begin|>"
        f"{made.arguments}<|tool_call_end|>"
        for number, made in enumerate(calls)
    )
    section = f"<|tool_calls_section_begin|>{inner}<|tool_calls_section_end|>"
    return section if closed else section.rpartition("<|tool_call_end|>")[0]


def _leaky(_: Performance) -> tuple[Answer, ...]:
    """Leak six calls; the call that arrives properly, with its draft in reasoning, is none."""
    look = call("list_files")
    tell = [call("search", pattern=word) for word in ("a", "b", "c", "d", "e", "f")]
    return (
        Answer(text=f"I look. {marked(*tell[:2])}", leaks=2, deltas=60),
        Answer(text="I think.", reasoning=f"Perhaps: {marked(tell[2])}", leaks=1, deltas=60),
        Answer(text="I look.", reasoning=f"So: {marked(look)}", calls=(look,)),
        Answer(text=f"Again: {marked(tell[3], closed=False)}", leaks=1, deltas=60),
        Answer(text="I think.", reasoning=marked(tell[4]), leaks=1, deltas=60),
        Answer(text=marked(tell[5]), leaks=1, deltas=60),
    )


def _runaway(_: Performance) -> tuple[Answer, ...]:
    look = call("list_files")
    again = look.stopping(Stage.EXECUTABLE, "repeated")
    return tuple(Answer(text="I look around.", calls=(made,)) for made in (look, again))


def _verbose(_: Performance) -> tuple[Answer, ...]:
    look = call("search", pattern="import")
    again = look.stopping(Stage.EXECUTABLE, "repeated")
    calls = (look, *(again for _ in WORDY[1:]))
    said = "There is much to be said about this. " * 50
    return tuple(
        Answer(text=said, calls=(made,), bill=bill) for made, bill in zip(calls, WORDY, strict=True)
    )


def lucky(performance: Performance) -> bool:
    """Say whether the flaky one passes this repeat: every other one, from the first."""
    return performance.repeat % 2 == 1


def _flaky_tree(performance: Performance) -> Tree:
    return performance.reference if lucky(performance) else performance.seeded


def _flaky(performance: Performance) -> tuple[Answer, ...]:
    return _solve(performance, _flaky_tree(performance), "Done, I am sure.")


def regressed(performance: Performance) -> Tree:
    """Leave the reference solution, and a module of a visible test that fails to load.

    A module that the reference leaves alone is preferred: nothing but the regression is broken.
    """
    tree = performance.reference
    found = [path for test in performance.visible_tests for path in _imported(tree, test)]
    alone = (path for path in found if tree[path] == performance.seeded.get(path))
    path = next(alone, next(iter(found), None))
    if path is None:
        raise impossible("regressor", "visible test that imports a module of the workspace")
    return {**tree, path: replace(tree[path], data=tree[path].data + BROKEN.encode())}


def _imported(tree: Tree, test: str) -> Iterator[str]:
    """Yield the modules that a test imports by their place beside it, and does not replace."""
    text = tree[test].data.decode()
    for name in IMPORT.findall(text):
        if f"mock({name}" not in text:
            path = posixpath.normpath(f"{posixpath.dirname(test)}/{name[1:-1]}")
            candidates = (path, *(f"{path}{end}" for end in (".ts", ".tsx", ".mjs", ".js")))
            yield from (p for p in candidates if p in tree and MODULE.fullmatch(p))


def _regressor(performance: Performance) -> tuple[Answer, ...]:
    return _solve(performance, regressed(performance), "Done; I have not looked at the rest.")


TROUBLE = (
    Role(name="slow", script=_slow, leaves=solved),
    Role(name="rate-limited", script=_rate_limited, leaves=solved, rejections=RATE_LIMITS),
    Role(name="malformed", script=_malformed, leaves=solved, rejections=(REFUSED_CALL,)),
    Role(name="leaky", script=_leaky, leaves=untouched, ending=Ending.MALFORMED),
    Role(name="runaway", script=_runaway, leaves=untouched, ending=Ending.TURN_LIMIT),
    Role(name="verbose", script=_verbose, leaves=untouched, ending=Ending.TOKEN_LIMIT),
    Role(name="flaky", script=_flaky, leaves=_flaky_tree),
    Role(name="regressor", script=_regressor, leaves=regressed),
)
