"""What a user says who sees that the work is not done: visible tests and types, no more."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from testbed.records import CheckKind, Verdict

if TYPE_CHECKING:
    from collections.abc import Iterator

    from testbed.records import Check, Grade

MOST_TESTS: Final = 10
MESSAGE_CHARS: Final = 300
_KIT: Final = ".testbed"
"""The folder of everything that only grading sees."""
_TESTS: Final = (CheckKind.FAIL_TO_PASS, CheckKind.PASS_TO_PASS)
_RAN: Final = ("failed: ", "error: ")
_NOT_YET: Final = "The task is not solved yet."
_NOTHING_SHOWS: Final = (
    "Neither the tests of the repository nor the type check show what is missing: read the task "
    "again, and compare it with what you did."
)
_GO_ON: Final = (
    "Go on from where you are; the task is still the one at the beginning. "
    "When it is done, call `finish`."
)
WORDS: Final = (_NOT_YET, _NOTHING_SHOWS, _GO_ON)
"""All that a follow-up says in words of its own."""


def visible_failures(grade: Grade) -> tuple[Check, ...]:
    """List the tests of the repository itself that fail."""
    return tuple(c for c in grade.failed(*_TESTS) if not c.id.startswith(f"{_KIT}/"))


def follow_up(grade: Grade, *, seen: Grade | None) -> str:
    """Write the prompt after a patch that did not pass.

    `seen` is the grade of the same patch where no hidden check was laid: code under test can read
    what lies beside it, so only what fails there is told. Without it, tests are named alone.
    """
    if seen is None or seen.verdict is Verdict.UNGRADED:
        parts = [*_failing_tests(grade, quoted=False)]
    else:
        parts = [*_failing_tests(seen, quoted=True), *_type_error(seen)]
    return "\n\n".join([_NOT_YET, *(parts or [_NOTHING_SHOWS]), _GO_ON])


def _failing_tests(grade: Grade, *, quoted: bool) -> Iterator[str]:
    failing = visible_failures(grade)
    if failing:
        lines = [_test(check) if quoted else f"- {check.id}" for check in failing[:MOST_TESTS]]
        rest = len(failing) - MOST_TESTS
        more = [f"- and {rest} more"] if rest > 0 else []
        yield "\n".join(["These tests of the repository fail:", *lines, *more])


def _test(check: Check) -> str:
    if not check.detail.startswith(_RAN):
        return f"- {check.id} (did not run)"
    message = _shown(check.detail.partition(": ")[2])
    return f"- {check.id}\n  {message}" if message else f"- {check.id}"


def _type_error(grade: Grade) -> Iterator[str]:
    for check in grade.failed(CheckKind.TYPECHECK):
        if detail := _shown(check.detail):
            yield f"The type check fails:\n{detail}"


def _shown(message: str) -> str:
    """Return a message in one line and cut short; nothing when it tells of the kit."""
    return "" if _KIT in message else " ".join(message.split())[:MESSAGE_CHARS]
