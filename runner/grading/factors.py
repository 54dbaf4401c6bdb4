"""Facts of the seeded and of the patched tree, and what changed between -> code quality."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from itertools import chain
from typing import TYPE_CHECKING

from runner.grading.changes import Fate
from runner.grading.facts import NO_FILE
from testbed.findings import Quality

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from runner.grading.changes import Change, Changes
    from runner.grading.facts import Facts, FileFacts, FunctionFacts


def measure(before: Facts, after: Facts, changes: Changes, *, lint: int | None) -> Quality | None:
    """Measure a patch. `lint` is how many findings it introduced, if that is known.

    `None` for a patch that changes no source file, and when one of those it changes cannot be
    parsed on either side: half of a patch is no measure of it.
    """
    known = {*before.files, *before.unparsed, *after.files, *after.unparsed}
    changed = {path: change for path, change in changes.items() if path in known}
    if not changed or changed.keys() & {*before.unparsed, *after.unparsed}:
        return None
    sources = [
        _Source(
            before=before.files.get(path, NO_FILE),
            after=after.files.get(path, NO_FILE),
            change=change,
        )
        for path, change in changed.items()
    ]
    return _measure(
        sources,
        duplicated=_duplicated(after) - _duplicated(before),
        unused_exports=_minus(_unused_exports(after), _unused_exports(before)),
        lint=lint,
    )


@dataclass(frozen=True, kw_only=True)
class _Source:
    """One changed source file."""

    before: FileFacts
    after: FileFacts
    change: Change

    def functions(self) -> Iterator[FunctionFacts]:
        """Yield what was written or changed: an added line lies inside."""
        for function in self.after.functions:
            if any(function.line <= line <= function.end for line in self.change.added):
                yield function

    def names(self) -> Iterator[str]:
        """Yield names declared on added lines; one that only moved is not declared anew."""
        room = Counter(name for name, _ in self.after.names)
        room.subtract(Counter(name for name, _ in self.before.names))
        for name, line in self.after.names:
            if line in self.change.added and room[name] > 0:
                room[name] -= 1
                yield name


def _measure(
    sources: Sequence[_Source], *, duplicated: int, unused_exports: int | None, lint: int | None
) -> Quality:
    touched = [function for source in sources for function in source.functions()]
    names = [name for source in sources for name in source.names()]
    files = sum(source.change.fate is not Fate.DELETED for source in sources)
    written = sum(len(s.change.added.keys() - set(s.after.blanks)) for s in sources)
    comments = sum(len(s.change.added.keys() & set(s.after.comments)) for s in sources)
    return Quality(
        longest_function=_most(function.lines for function in touched),
        most_complex_function=_most(function.complexity for function in touched),
        complexity_added=sum(_complexity(s.after) - _complexity(s.before) for s in sources),
        functions_per_file=_ratio(len(touched), files),
        largest_component=_most(function.lines for function in _created(sources, touched)),
        comment_share=_ratio(comments, written),
        identifier_length=_ratio(sum(map(len, names)), len(names)),
        single_letter_names=sum(len(name) == 1 and name.isalpha() for name in names),
        deepest_nesting=_most(function.nesting for function in touched),
        duplicated_lines=duplicated,
        type_escapes=sum(len(s.after.escapes) - len(s.before.escapes) for s in sources),
        unused_exports=unused_exports,
        lint_findings=lint,
        exported_units=sum(s.after.exports - s.before.exports for s in sources),
    )


def _created(
    sources: Sequence[_Source], touched: Iterable[FunctionFacts]
) -> Iterator[FunctionFacts]:
    old = chain.from_iterable(source.before.functions for source in sources)
    known = {function.name for function in old if function.component}
    return (f for f in touched if f.component and f.name not in known)


def _complexity(file: FileFacts) -> int:
    return sum(function.complexity for function in file.functions)


def _duplicated(facts: Facts) -> int:
    return sum(map(len, facts.duplicated.values()))


def _unused_exports(facts: Facts) -> int | None:
    found = facts.unused_exports
    return None if found is None else sum(map(len, found.values()))


def _minus(after: int | None, before: int | None) -> int | None:
    return None if after is None or before is None else after - before


def _ratio(part: int, whole: int) -> float | None:
    return part / whole if whole else None


def _most(figures: Iterable[int]) -> int | None:
    return max(figures, default=None)
