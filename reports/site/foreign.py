"""Text of several lines that a model, a provider or a test wrote: shown whole or visibly cut."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from re import Match

_HIDDEN: Final = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f\xad\u0600-\u0605\u061c\u06dd\u070f\u0890\u0891\u08e2\u180e"
    "\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff\ufff9-\ufffb"
    "\U000110bd\U000110cd\U00013430-\U0001343f\U0001bca0-\U0001bca3\U0001d173-\U0001d17a"
    "\U000e0001-\U000e007f\ud800-\udfff]"
)
"""Control, format, surrogate and separator characters, but for tab and newline."""
_PICTURES: Final = 0x2400
"""Where Unicode keeps its pictures of the control characters below the space."""
_SPACE: Final = 0x20
_DELETE: Final = 0x7F


def visible(text: str) -> str:
    """Show each character that steers rather than shows: `␛`, `⟨U+202E⟩`; keep tabs and lines."""
    return _HIDDEN.sub(_shown, text.replace("\r\n", "\n"))


def _shown(found: Match[str]) -> str:
    code = ord(found[0])
    if code < _SPACE:
        return chr(_PICTURES + code)
    return "\N{SYMBOL FOR DELETE}" if code == _DELETE else f"⟨U+{code:04X}⟩"


def clipped(text: str, most: int) -> str:
    """Show a text of at most `most` characters: of a longer one head and tail, and the cut."""
    if len(text) <= most:
        return visible(text)
    tail = most // 4
    head = most - tail
    left_out = f"[… {len(text) - most:,} characters left out …]"
    return f"{visible(text[:head])}\n{left_out}\n{visible(text[-tail:])}"


def line(text: str, most: int) -> str:
    """Show one line of at most `most` characters: of a longer one the beginning, and the cut."""
    if len(text) <= most:
        return visible(text)
    return f"{visible(text[:most])} [… {len(text) - most:,} more characters]"
