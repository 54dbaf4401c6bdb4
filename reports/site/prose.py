"""A task's Markdown as blocks of plain text: enough to read it by, and nothing that can be markup.

Headings, lists, tables, fenced code, `code` and **strong** words are told apart. Everything else,
links and HTML included, is shown as the characters that it is made of.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from reports.site.foreign import visible

if TYPE_CHECKING:
    from collections.abc import Iterator

_INLINE: Final = re.compile(r"(?<!`)`(?P<code>[^`]+)`(?!`)|\*\*(?P<strong>[^*]+)\*\*")
_HEADING: Final = re.compile(r"#{1,6} +(.+)")
_ITEM: Final = re.compile(r"[-*] +(.+)")
_FENCE: Final = "```"
_JOINED: Final = frozenset({"paragraph", "list", "table"})
"""Kinds of blocks that lines of the same kind go on with."""
_RULE: Final = re.compile(r"[|:\s-]+")


@dataclass(frozen=True)
class Span:
    """A stretch of one line."""

    kind: str
    """`text`, `code` or `strong`."""
    text: str


@dataclass(frozen=True)
class Block:
    """A heading, a paragraph, a list, a table or a stretch of code."""

    kind: str
    """`heading`, `paragraph`, `list`, `table` or `code`."""
    rows: tuple[tuple[tuple[Span, ...], ...], ...]
    """Rows of cells of spans: a table has several cells in a row, all others have one."""


def prose(text: str) -> tuple[Block, ...]:
    """Part a text into blocks."""
    return tuple(_blocks(visible(text).split("\n")))


def _blocks(lines: list[str]) -> Iterator[Block]:
    kind, mine = "", list[str]()
    for line in lines:
        found, text = _told("code" if kind == "code" else "", line)
        if kind == "code":
            if not line.startswith(_FENCE):
                mine.append(line)
                continue
            found = ""
        elif kind == "list" and found == "paragraph" and line.startswith(" "):
            mine[-1] += f" {line.strip()}"
            continue
        elif kind == found and kind in _JOINED:
            mine.append(text)
            continue
        yield from _block(kind, mine)
        kind, mine = found, [] if found == "code" else [text]
    yield from _block(kind, mine)


def _told(within: str, line: str) -> tuple[str, str]:
    """Tell the kind of a line, and its text without the signs for it; empty between blocks."""
    if within or line.startswith(_FENCE):
        return "code", line
    if found := _HEADING.fullmatch(line):
        return "heading", found[1]
    if found := _ITEM.fullmatch(line):
        return "list", found[1]
    if line.startswith("|"):
        return "table", line
    return ("paragraph" if line.strip() else ""), line


def _block(kind: str, lines: list[str]) -> Iterator[Block]:
    if kind == "code":
        yield Block(kind, (((Span("text", "\n".join(lines)),),),))
    elif kind == "paragraph":
        yield Block(kind, ((_spans("\n".join(lines)),),))
    elif kind == "table":
        rows = (line.strip().strip("|").split("|") for line in lines if not _RULE.fullmatch(line))
        yield Block(kind, tuple(tuple(_spans(cell.strip()) for cell in row) for row in rows))
    elif kind:
        yield Block(kind, tuple((_spans(line),) for line in lines))


def _spans(text: str) -> tuple[Span, ...]:
    spans, end = list[Span](), 0
    for found in _INLINE.finditer(text):
        spans.append(Span("text", text[end : found.start()]))
        kind = "code" if found["code"] else "strong"
        spans.append(Span(kind, found[kind]))
        end = found.end()
    return tuple(span for span in (*spans, Span("text", text[end:])) if span.text)
