"""Facts about the sources of one tree, as the fixture's `quality` command prints them.

The command reads sources as data, before any code of the tree has run, and prints one JSON
object; it judges nothing. A source file that it cannot parse stands in `unparsed`.
"""

from __future__ import annotations

from typing import Final

from pydantic import ValidationError

from testbed.record import Record


class FunctionFacts(Record):
    """One function; one that is written inside another counts by itself, too."""

    name: str
    """Empty for one without a name."""
    line: int
    end: int
    """The last line, counted from 1 as the first."""
    complexity: int
    """Cyclomatic complexity, without the functions inside."""
    nesting: int
    """Depth of the most nested control statement, without the functions inside."""
    component: bool
    """A React component."""

    @property
    def lines(self) -> int:
        """Count its lines."""
        return self.end - self.line + 1


class FileFacts(Record):
    """One source file. Lines are counted from 1."""

    functions: tuple[FunctionFacts, ...] = ()
    names: tuple[tuple[str, int], ...] = ()
    """Names that it declares, each with its line; imported names are declared elsewhere."""
    comments: tuple[int, ...] = ()
    """Lines that hold a comment and no code."""
    blanks: tuple[int, ...] = ()
    escapes: tuple[tuple[str, int], ...] = ()
    """`any` and comments that silence a checker, each with its line."""
    exports: int = 0


class Facts(Record):
    """Every source file of one tree, test files apart."""

    files: dict[str, FileFacts]
    unparsed: dict[str, str]
    """Path -> why it could not be parsed; here test files and hidden checks count, too."""
    duplicated: dict[str, tuple[int, ...]]
    """Path -> lines that also stand somewhere else."""
    unused_exports: dict[str, tuple[str, ...]] | None
    """Path -> its exports that no other file imports, neither test files nor hidden checks.

    `None` when a file could not be parsed: it may import any of them.
    """


NO_FILE: Final = FileFacts()
"""A file before it was added, or after it was deleted."""


def read_facts(output: bytes) -> Facts | None:
    """Read what the command printed; `None` when it is anything else."""
    try:
        return Facts.model_validate_json(output)
    except ValidationError:
        return None
