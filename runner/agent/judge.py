"""The first stages of the funnel, before anything runs: parsed, known, schema-valid."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from functools import cache
from typing import TYPE_CHECKING, Any, Final, NoReturn

from runner.agent.schemas import PARAMETERS
from testbed.records import Stage

if TYPE_CHECKING:
    from jsonschema import Draft202012Validator

    from runner.chat.base import EmittedCall

_QUOTED_CHARS: Final = 300

_FLAWS: Final = {
    "leaked_text_call": (
        "Your reply holds a call of `{name}` written as text, so it was not run. "
        "Make calls through the tool-calling interface."
    ),
    "truncated_call": (
        "The call was cut off at the limit of the reply's length, so it was not run. "
        "Make smaller calls: write a large file in several edits."
    ),
    "concatenated_json": (
        "The arguments hold several JSON objects, so nothing was run. "
        "Make one call for each of them."
    ),
}

_SCHEMA_CAUSES: Final = {
    "required": "missing_required",
    "additionalProperties": "unexpected_param",
    "type": "wrong_type",
}
"""JSON Schema keyword -> cause, in the order in which the first hit wins."""


@dataclass(frozen=True, kw_only=True)
class Judged:
    """How far a call got before it was run."""

    stage: Stage
    cause: str | None = None
    """`None` when it may run."""
    advice: str = ""
    """What the model is told about a call that may not run."""
    arguments: dict[str, Any] = field(default_factory=dict)


def judge(call: EmittedCall) -> Judged:
    """Take a call through parsed, known and schema-valid; the first miss wins."""
    if call.flaw is not None:
        advice = _FLAWS[call.flaw].format(name=call.name)
        return Judged(stage=Stage.EMITTED, cause=call.flaw, advice=advice)
    try:
        arguments = _parsed(call.raw_arguments)
    except (ValueError, RecursionError) as error:
        return Judged(
            stage=Stage.EMITTED,
            cause="invalid_json",
            advice=f"The arguments are not one JSON object ({error}), so nothing was run. "
            f"They began: {_quoted(call.raw_arguments)}",
        )
    if call.name not in PARAMETERS:
        return Judged(
            stage=Stage.PARSED,
            cause="unknown_tool",
            advice=f"There is no tool `{_quoted(call.name)}`. Offered: {', '.join(PARAMETERS)}.",
        )
    return _against_schema(call.name, arguments)


def _parsed(text: str) -> dict[str, Any]:
    # A call without arguments may come without text.
    value = json.loads(text, parse_constant=_refuse) if text.strip() else {}
    if not isinstance(value, dict):
        raise ValueError(f"a {type(value).__name__} came instead")  # noqa: TRY004 (bad JSON)
    return value


def _refuse(constant: str) -> NoReturn:
    raise ValueError(f"{constant} is no JSON")


def _against_schema(name: str, arguments: dict[str, Any]) -> Judged:
    misses: dict[str, str] = {}
    for error in _validator(name).iter_errors(arguments):
        cause = _SCHEMA_CAUSES.get(str(error.validator), "schema_other")
        where = f"`{error.json_path.removeprefix('$.')}`: " if error.path else ""
        misses.setdefault(cause, f"{where}{_quoted(error.message)}")
    for cause in (*_SCHEMA_CAUSES.values(), "schema_other"):
        if cause in misses:
            advice = f"Wrong arguments for {name}, so it was not run: {'; '.join(misses.values())}"
            return Judged(stage=Stage.KNOWN, cause=cause, advice=advice)
    return Judged(stage=Stage.SCHEMA_VALID, arguments=arguments)


@cache
def _validator(name: str) -> Draft202012Validator:
    from jsonschema import Draft202012Validator

    return Draft202012Validator(PARAMETERS[name])


def _quoted(text: str) -> str:
    return text if len(text) <= _QUOTED_CHARS else f"{text[:_QUOTED_CHARS]}…"
