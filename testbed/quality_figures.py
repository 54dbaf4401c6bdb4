"""Code quality of patches: what a model wrote beside what the reference solutions hold."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from testbed.sums import Mean, Share, Total

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from testbed.findings import Quality
    from testbed.records import Trial
    from testbed.tries import Tries

FACTORS: Final[Mapping[str, tuple[str, ...]]] = {
    "modularity": (
        "longest_function",
        "most_complex_function",
        "complexity_added",
        "functions_per_file",
        "largest_component",
    ),
    "readability": (
        "comment_share",
        "identifier_length",
        "single_letter_names",
        "deepest_nesting",
    ),
    "maintainability": (
        "duplicated_lines",
        "type_escapes",
        "unused_exports",
        "lint_findings",
    ),
    "testability": ("exported_units",),
}
"""Factor -> fields of `Quality`; unused names and own tests are figures apart."""
MEASURES: Final = tuple(name for names in FACTORS.values() for name in names)


@dataclass(frozen=True, kw_only=True)
class Beside:
    """One measure of the model's patches, and of the reference solutions to the same tasks."""

    own: Mean
    """Over the valid trials with a patch."""
    paired: Mean
    """Over those of them whose reference has the measure too."""
    reference: Mean
    """The reference's, over the trials of `paired`: each scenario weighs as much in both."""


@dataclass(frozen=True, kw_only=True)
class QualityFigures:
    """The measures of the patches that the valid trials left."""

    patches: int
    """Valid trials with a patch that is not empty."""
    measures: Mapping[str, Beside]
    """Field of `Quality` -> its means."""


@dataclass(frozen=True, kw_only=True)
class OwnTestFigures:
    """The tests that patches brought along, over the valid trials with a patch."""

    trials_with: int
    """Trials whose own tests were run."""
    trials: int
    """Valid trials with a patch that is not empty."""
    added: Total
    passing: Total
    proving: Total
    """Of the passing ones, those that fail on the seeded tree: the others could not fail."""
    proving_share: Share
    """proving / added."""


def quality_figures(tries: Tries, references: Mapping[str, Quality | None]) -> QualityFigures:
    """Average each measure over the valid trials that left a patch."""
    return QualityFigures(
        patches=len(tries.patched),
        measures={name: _beside(name, tries.patched, references) for name in MEASURES},
    )


def own_test_figures(tries: Tries) -> OwnTestFigures:
    """Add up the own tests of the valid trials that left a patch."""
    tests = [t.own_tests for t in tries.patched if t.own_tests is not None]
    added, proving = sum(t.added for t in tests), sum(t.proving for t in tests)
    return OwnTestFigures(
        trials_with=sum(t.added > 0 for t in tests),
        trials=len(tries.patched),
        added=Total.over([t.added for t in tests]),
        passing=Total.over([t.passing for t in tests]),
        proving=Total.over([t.proving for t in tests]),
        proving_share=Share.counted(proving, added),
    )


def _beside(
    name: str, patched: Sequence[Trial], references: Mapping[str, Quality | None]
) -> Beside:
    own = [_value(t.quality, name) for t in patched]
    reference = [_value(references.get(t.scenario), name) for t in patched]
    both = [None not in pair for pair in zip(own, reference, strict=True)]
    return Beside(
        own=Mean.over(own),
        paired=Mean.over([o if b else None for o, b in zip(own, both, strict=True)]),
        reference=Mean.over([r if b else None for r, b in zip(reference, both, strict=True)]),
    )


def _value(quality: Quality | None, name: str) -> float | None:
    value: float | None = getattr(quality, name, None)
    return value
