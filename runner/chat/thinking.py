"""Reasoning that a server without a parser leaves in the content, between `<think>` tags."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

_OPEN: Final = "<think>"
_CLOSE: Final = "</think>"


@dataclass(frozen=True, kw_only=True, slots=True)
class Inline:
    """The thinking at the head of a content."""

    thought: str
    end: int
    """Where the answer begins, in characters; the content's length when none follows."""


def find_inline(content: str) -> Inline | None:
    """Return the thinking that a content begins with, or `None`.

    Templates that write the opening tag into the prompt leave only the closing one.
    """
    head, close, _ = content.partition(_CLOSE)
    opened = head.lstrip().startswith(_OPEN)
    if not opened and (not close or _OPEN in head):
        return None
    thought = head.lstrip().removeprefix(_OPEN).strip()
    end = len(head) + len(close)
    answer = content[end:]
    return Inline(thought=thought, end=end + len(answer) - len(answer.lstrip()))
