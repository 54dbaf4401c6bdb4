from __future__ import annotations

import json

import pytest

from runner.grading.changes import read_changes
from runner.grading.quality import LintFinding, count_others, introduced, read_findings, read_others
from runner.workspace import diff_trees
from testbed.records import UnusedName
from testbed.tree import File


def oxlint(*rows: tuple[str, int, str], code: str = "eslint(no-unused-vars)") -> bytes:
    """Write what oxlint 1.89 writes for these paths, lines and messages."""
    diagnostics = [
        {
            "message": message,
            "code": code,
            "severity": "warning",
            "filename": path,
            "labels": [
                {"label": "", "span": {"offset": 1, "length": 1, "line": line, "column": 1}}
            ],
        }
        for path, line, message in rows
    ]
    return json.dumps({"diagnostics": diagnostics, "number_of_files": 2}).encode()


def findings(*rows: tuple[str, int, str]) -> tuple[UnusedName, ...]:
    return tuple(UnusedName(path=path, line=line, message=text) for path, line, text in rows)


def new_in(
    before: str,
    after: str,
    old: tuple[UnusedName, ...],
    new: tuple[UnusedName, ...],
    path: str = "a.ts",
) -> tuple[UnusedName, ...] | None:
    trees = ({path: File(text.encode())} for text in (before, after))
    return introduced(old, new, read_changes(diff_trees(*trees)))


def test_only_unused_names_are_read_from_the_linters_output() -> None:
    assert read_findings(oxlint(("a.ts", 3, "x"))) == findings(("a.ts", 3, "x"))
    assert read_findings(oxlint(("a.ts", 3, "x"), code="eslint(no-debugger)")) == ()


@pytest.mark.parametrize(
    "output",
    [
        b"",
        b"oxlint: not found",
        b"[]",
        b"{}",
        b'{"diagnostics": [1]}',
        b'{"diagnostics": [{}]}',
        b'{"diagnostics": [], "number_of_files": 0}',
        b'{"diagnostics": [{"code": "no-unused-vars", "filename": "a", "message": "b"}]}',
        b"[" * 999,
    ],
)
def test_output_that_is_no_lint_result_is_unknown(output: bytes) -> None:
    assert read_findings(output) is None


def test_what_could_not_be_measured_is_unknown_and_never_zero() -> None:
    assert introduced(None, (), {}) is None
    assert introduced((), None, {}) is None


def test_a_name_on_an_added_line_is_introduced() -> None:
    found = findings(("a.ts", 2, "'x' is unused"))

    assert new_in("1\n", "1\nx\n", (), found) == found


def test_a_name_on_a_line_that_the_model_did_not_write_is_not_counted() -> None:
    assert new_in("x\n2\n", "x\n", (), findings(("a.ts", 1, "'x' is unused"))) == ()


def test_a_name_in_a_file_that_the_patch_left_alone_is_not_counted() -> None:
    assert new_in("1\n", "2\n", (), findings(("b.ts", 1, "'x' is unused"))) == ()


def test_a_line_that_only_moved_introduces_nothing() -> None:
    old, new = findings(("a.ts", 1, "'x' is unused")), findings(("a.ts", 3, "'x' is unused"))

    assert new_in("x\ny\nz\n", "y\nz\nx\n", old, new) == ()


def test_a_second_name_with_the_same_message_counts_once() -> None:
    old = findings(("a.ts", 1, "'e' is unused"))
    new = findings(("a.ts", 1, "'e' is unused"), ("a.ts", 2, "'e' is unused"))

    assert new_in("e\n", "e\ne2\n", old, new) == new[1:]


@pytest.mark.parametrize(
    ("line", "silencer"),
    [
        ("// eslint-disable-next-line no-unused-vars", "eslint-disable-next-line"),
        ("/* oxlint-disable */", "oxlint-disable"),
        ("f(); // @ts-ignore", "@ts-ignore"),
        ("{/* @ts-expect-error */}", "@ts-expect-error"),
        (" * @ts-nocheck", "@ts-nocheck"),
    ],
)
def test_a_comment_that_silences_a_rule_counts_as_a_finding(line: str, silencer: str) -> None:
    message = f"Rule silenced by `{silencer}`."

    assert new_in("1\n", f"1\n{line}\n", (), ()) == findings(("a.ts", 2, message))


def test_a_silencer_that_moved_or_stands_in_no_comment_counts_nothing() -> None:
    assert new_in("// @ts-ignore\n1\n2\n", "1\n2\n// @ts-ignore\n", (), ()) == ()
    assert new_in("1\n", "const s = '@ts-ignore';\n", (), ()) == ()


def test_only_source_files_count() -> None:
    row = findings(("a.md", 1, "'x' is unused"))

    assert new_in("", "<!-- // @ts-ignore -->\n", (), row, path="a.md") == ()


def test_a_source_file_that_cannot_be_parsed_makes_the_count_unknown() -> None:
    error = {"message": "Expected `:`", "severity": "error", "filename": "a.ts", "labels": []}
    after = read_findings(json.dumps({"diagnostics": [error]}).encode())

    assert new_in("1\n", "(\n", (), after or ()) is None
    assert new_in("1\n", "(\n", (), after or (), path="b.ts") == ()


def test_every_other_rule_is_read_apart_from_unused_names() -> None:
    rows = oxlint(("a.ts", 3, "x"), code="eslint(no-debugger)")

    assert read_others(rows) == (LintFinding("a.ts", 3, "eslint(no-debugger): x"),)
    assert read_others(oxlint(("a.ts", 3, "x"))) == ()
    assert read_others(b"panicked") is None


def other_in(before: str, after: str, old: int, new: tuple[int, ...]) -> int | None:
    """Count what is new between two texts whose findings, all alike, stand on these lines."""
    trees = ({"a.ts": File(text.encode())} for text in (before, after))
    left, right = ([LintFinding("a.ts", n, "no-debugger: x") for n in s] for s in ((old,), new))
    return count_others(left, right, read_changes(diff_trees(*trees)))


def test_findings_of_other_rules_count_by_the_same_rule() -> None:
    assert other_in("x\n", "x\nx\n", 1, (1, 2)) == 1
    assert other_in("x\ny\nz\n", "y\nz\nx\n", 1, (3,)) == 0
    assert other_in("x\ny\n", "x\nz\n", 1, (1,)) == 0
    assert other_in("x\n", "x\nx\n", 1, (0,)) is None
    assert count_others(None, (), {}) is None
    assert count_others((), None, {}) is None
