"""A judge's answer, believed only when it is exactly one whole set of marks."""

from __future__ import annotations

import json
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, Any, Final

from runner.judging.question import TOOL, tool
from testbed.marks import Factor

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from jsonschema import Draft202012Validator

    from runner.chat.base import Reply

NOTE: Final = 2000
"""Characters kept of a judge's reasons."""
_QUOTED: Final = 200


class Unusable(Exception):
    """The answer holds no marks that can be believed; the message says why."""


@dataclass(frozen=True, kw_only=True)
class Marks:
    """What one answer says."""

    scores: Mapping[Factor, int]
    reasons: str


def read_answer(reply: Reply) -> Marks:
    """Return the marks of a reply: of its one call, else of the one object in its text.

    Raises `Unusable` for anything else; two sets of marks are as bad as none.
    """
    if reply.calls:
        return _of_call(reply)
    found = [value for value in _objects(reply.text) if not _faults(value)]
    if len(found) != 1:
        raise Unusable(f"no call came, and its text holds {len(found)} sets of marks")
    return _marks(found[0])


def _of_call(reply: Reply) -> Marks:
    if len(reply.calls) > 1:
        raise Unusable(f"{len(reply.calls)} calls came, one was asked for")
    (call,) = reply.calls
    if call.name != TOOL:
        raise Unusable(f"{TOOL} was asked for, {call.name[:_QUOTED] or 'no name'} was called")
    try:
        value = json.loads(call.raw_arguments)
    except (ValueError, RecursionError):
        raise Unusable(f"the arguments are no JSON: {call.raw_arguments[:_QUOTED]}") from None
    faults = _faults(value)
    if faults:
        raise Unusable(f"the schema is not kept: {faults[0]}")
    return _marks(value)


def _marks(value: Mapping[str, Any]) -> Marks:
    scores = {factor: int(value[factor]) for factor in Factor}
    return Marks(scores=scores, reasons=value.get("reasons", "").strip()[:NOTE])


def _faults(value: object) -> list[str]:
    errors = _validator().iter_errors(value)
    return sorted(f"{error.json_path}: {error.message[:_QUOTED]}" for error in errors)


def _objects(text: str) -> Iterator[Any]:
    """Yield the outermost JSON objects of a text."""
    decoder, at = json.JSONDecoder(), text.find("{")
    while at >= 0:
        try:
            value, end = decoder.raw_decode(text, at)
        except (ValueError, RecursionError):
            end = at + 1
        else:
            yield value
        at = text.find("{", end)


@cache
def _validator() -> Draft202012Validator:
    from jsonschema import Draft202012Validator

    return Draft202012Validator(tool()["function"]["parameters"])
