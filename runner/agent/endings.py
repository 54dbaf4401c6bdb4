"""Which ending a failed request leads to: the model's own fault, or infrastructure's."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from testbed.records import Ending, Failure, Origin

if TYPE_CHECKING:
    from runner.chat.base import ChatFailure

WORK_DONE: Final = frozenset((Ending.FINISHED, Ending.STOPPED_TALKING))
"""Endings at which the model thinks that it is done: a user may ask on."""
_FINAL: Final = frozenset({"auth", "quota", "bad_request"})
_MODEL_ENDINGS: Final = {
    "context_length": Ending.CONTEXT_OVERFLOW,
    "content_filter": Ending.REFUSED,
    "endless_stream": Ending.TIME_LIMIT,
}


def ending_of(fault: ChatFailure) -> tuple[Ending, Failure | None]:
    """Return the ending and, unless the model caused it, the failure."""
    if fault.model_fault:
        return _MODEL_ENDINGS.get(fault.kind, Ending.MODEL_ERROR), None
    final = fault.kind in _FINAL
    failure = Failure(origin=Origin.MODEL_API, detail=str(fault), final=final)
    return Ending.INFRA_ERROR, failure
