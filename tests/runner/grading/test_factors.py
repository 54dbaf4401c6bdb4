"""Figures of code quality, each from facts that are small enough to count by hand."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from runner.grading.changes import Change, Fate
from runner.grading.factors import measure
from runner.grading.facts import Facts, FileFacts, FunctionFacts, read_facts

if TYPE_CHECKING:
    from collections.abc import Iterable

    from testbed.findings import Quality


def function(
    name: str,
    line: int,
    end: int,
    complexity: int = 1,
    nesting: int = 0,
    *,
    component: bool = False,
) -> FunctionFacts:
    return FunctionFacts(
        name=name,
        line=line,
        end=end,
        complexity=complexity,
        nesting=nesting,
        component=component,
    )


def tree(**files: FileFacts) -> Facts:
    return Facts(
        files={f"{name}.ts": file for name, file in files.items()},
        unparsed={},
        duplicated={},
        unused_exports={},
    )


def changed(added: Iterable[int], fate: Fate = Fate.MODIFIED) -> Change:
    return Change(fate=fate, added=dict.fromkeys(added, "x"), deleted=())


def quality(before: Facts, after: Facts, **changes: Change) -> Quality:
    measured = measure(before, after, {f"{n}.ts": c for n, c in changes.items()}, lint=None)
    assert measured
    return measured


def test_functions_count_when_an_added_line_lies_inside() -> None:
    old = FileFacts(functions=(function("a", 1, 30, 9, 5), function("b", 31, 33, 2, 1)))
    new = FileFacts(
        functions=(
            function("a", 1, 30, 9, 5),
            function("b", 31, 36, 3, 2),
            function("c", 38, 41, 4, 1),
        )
    )

    found = quality(tree(x=old), tree(x=new), x=changed([34, 35, 37, 38, 39, 40, 41]))

    assert found.longest_function == 6
    assert found.most_complex_function == 4
    assert found.deepest_nesting == 2
    assert found.complexity_added == 5
    assert found.functions_per_file == 2.0


def test_functions_per_file_is_over_the_changed_source_files_that_are_left() -> None:
    one = FileFacts(functions=(function("a", 1, 2),))
    before, after = tree(x=one, y=FileFacts(), z=one), tree(x=one, y=FileFacts())

    found = quality(before, after, x=changed([1]), y=changed([7]), z=changed([], Fate.DELETED))

    assert found.functions_per_file == 0.5
    assert found.complexity_added == -1


def test_a_component_that_was_there_or_came_from_another_changed_file_is_not_new() -> None:
    old = tree(x=FileFacts(functions=(function("Old", 1, 40, component=True),)), y=FileFacts())
    moved = FileFacts(
        functions=(
            function("Old", 1, 40, component=True),
            function("New", 41, 50, component=True),
            function("helper", 51, 90),
        )
    )

    found = quality(
        old, tree(x=FileFacts(), y=moved), x=changed([]), y=changed(range(1, 91), Fate.ADDED)
    )

    assert found.largest_component == 10
    assert found.longest_function == 40


def test_names_count_where_they_are_declared_anew() -> None:
    old = FileFacts(names=(("e", 1), ("total", 2)))
    new = FileFacts(names=(("total", 1), ("e", 2), ("e", 3), ("rows", 4), ("_", 4), ("ok", 9)))

    found = quality(tree(x=old), tree(x=new), x=changed([1, 2, 3, 4]))

    assert found.single_letter_names == 1
    assert found.identifier_length == pytest.approx((1 + 4 + 1) / 3)


def test_the_share_of_comments_leaves_out_blank_lines_and_lines_that_were_there() -> None:
    new = FileFacts(comments=(1, 2, 8), blanks=(3, 4))

    found = quality(tree(), tree(x=new), x=changed([2, 3, 4, 5, 6, 7, 8]))

    assert found.comment_share == 2 / 5


def test_escapes_exports_and_copies_are_differences_and_may_be_negative() -> None:
    old = FileFacts(escapes=(("any", 1), ("any", 2)), exports=3)
    before = tree(x=old).model_copy(update={"duplicated": {"x.ts": (1, 2), "far.ts": (4, 5)}})
    after = tree(x=FileFacts(escapes=(("@ts-ignore", 1),), exports=1))

    found = quality(before, after, x=changed([1]))

    assert (found.type_escapes, found.exported_units, found.duplicated_lines) == (-1, -2, -4)


def test_unused_exports_count_in_files_that_the_patch_left_alone_too() -> None:
    whole = tree(x=FileFacts(), far=FileFacts())
    before = whole.model_copy(update={"unused_exports": {"old.ts": ("gone",), "x.ts": ("a",)}})
    after = whole.model_copy(update={"unused_exports": {"far.ts": ("b", "c"), "x.ts": ("a", "d")}})

    assert quality(before, after, x=changed([1])).unused_exports == 2
    assert quality(after, before, x=changed([1])).unused_exports == -2
    assert quality(after, after, x=changed([1])).unused_exports == 0


def test_unused_exports_of_a_tree_that_could_not_be_read_whole_are_unknown_and_not_zero() -> None:
    whole = tree(x=FileFacts(), y=FileFacts())
    torn = whole.model_copy(
        update={"unparsed": {"y.test.ts": "unexpected token"}, "unused_exports": None}
    )

    for before, after in ((whole, torn), (torn, whole), (torn, torn)):
        found = quality(before, after, x=changed([1]))
        assert found.unused_exports is None
        assert found.type_escapes == 0


def test_what_a_patch_does_not_hold_is_unknown_and_not_zero() -> None:
    found = quality(tree(x=FileFacts()), tree(), x=changed([], Fate.DELETED))

    assert found.longest_function is None
    assert found.most_complex_function is None
    assert found.deepest_nesting is None
    assert found.largest_component is None
    assert found.functions_per_file is None
    assert found.comment_share is None
    assert found.identifier_length is None
    assert found.lint_findings is None
    assert found.single_letter_names == 0
    assert found.complexity_added == 0


def test_a_patch_without_source_files_has_no_quality() -> None:
    facts = tree(x=FileFacts())

    assert measure(facts, facts, {}, lint=0) is None
    assert measure(facts, facts, {"README.md": changed([1])}, lint=0) is None


def test_a_changed_file_that_cannot_be_parsed_leaves_every_figure_unknown() -> None:
    whole, broken = tree(x=FileFacts(), y=FileFacts()), tree(y=FileFacts())
    broken = broken.model_copy(update={"unparsed": {"x.ts": "unexpected token"}})
    both = {"x.ts": changed([1]), "y.ts": changed([1])}

    assert measure(whole, broken, both, lint=0) is None
    assert measure(broken, whole, both, lint=0) is None
    assert measure(broken, broken, {"y.ts": changed([1])}, lint=0) is not None


@pytest.mark.parametrize(
    "output",
    [
        b"",
        b"Segmentation fault",
        b"{}",
        b'{"files": {}, "unparsed": {}, "duplicated": {}}',
        b"[" * 9999,
    ],
)
def test_output_that_is_no_object_of_facts_is_no_facts(output: bytes) -> None:
    assert read_facts(output) is None


def test_facts_come_back_as_they_were_printed() -> None:
    facts = tree(x=FileFacts(functions=(function("a", 1, 3),), names=(("a", 1),), blanks=(2,)))

    assert read_facts(facts.model_dump_json().encode()) == facts
