"""The parts of a trial's page: foreign text, diffs, times and the conversation."""

from __future__ import annotations

import sys
import unicodedata

import pytest

from reports.site.difftable import ALL_ROWS, FILE_ROWS, Finding, diff_files
from reports.site.foreign import clipped, line, visible

DIFF = """diff --git a/lib/a.ts b/lib/a.ts
index 3afb55a..9f59d18 100644
--- a/lib/a.ts
+++ b/lib/a.ts
@@ -8,3 +8,4 @@ function first() {
 same
-const old = count(people);
+const old = count(people, where);
+const extra = 1;
 --- no header
@@ -20,1 +21,0 @@
-+++ neither
\\ No newline at end of file
diff --git "a/caf\\303\\251.md" "b/caf\\303\\251.md"
new file mode 100644
index 0000000..1
--- /dev/null
+++ "b/caf\\303\\251.md"
@@ -0,0 +1 @@
+hello
diff --git a/pic.png b/pic.png
deleted file mode 100644
GIT binary patch
literal 0
HcmV?d00001
"""


def test_every_character_that_steers_is_made_visible() -> None:
    steering = [
        chr(code)
        for code in range(sys.maxunicode + 1)
        if unicodedata.category(chr(code)) in {"Cc", "Cf", "Cs", "Zl", "Zp"}
    ]

    shown = visible("".join(c for c in steering if c not in "\t\n"))

    assert not set(shown) & set(steering)
    assert visible("\x1b[31mred\x7f\u202e") == "␛[31mred␡⟨U+202E⟩"


def test_words_tabs_and_lines_stay_as_they_are() -> None:
    text = "\tnaïve, 東京 😀\n\nend"

    assert visible(text) == text
    assert visible("a\r\nb\rc") == "a\nb␍c"


def test_a_long_text_keeps_head_and_tail_and_says_what_is_left_out() -> None:
    shown = clipped("a" * 80 + "b" * 10_000_000 + "c" * 20, 100)

    assert shown.startswith("a" * 75)
    assert shown.endswith("c" * 20)
    assert "[… 10,000,000 characters left out …]" in shown
    assert len(shown) < 200


def test_a_long_line_keeps_its_beginning_and_says_what_is_left_out() -> None:
    assert line("x" * 1005, 5) == "xxxxx [… 1,000 more characters]"


def test_a_diff_has_the_line_numbers_of_both_sides() -> None:
    first, *_ = diff_files(DIFF, ())

    assert (first.path, first.fate, first.added, first.deleted) == ("lib/a.ts", "changed", 2, 2)
    numbers = [(row.kind, row.before, row.after) for row in first.rows]
    assert numbers == [
        ("hunk", None, None),
        ("same", 8, 8),
        ("deleted", 9, None),
        ("added", None, 9),
        ("added", None, 10),
        ("same", 10, 11),
        ("hunk", None, None),
        ("deleted", 20, None),
        ("note", None, None),
    ]


def test_a_diff_tells_files_that_came_and_went_whatever_they_hold() -> None:
    _, text, binary = diff_files(DIFF, ())

    assert (text.path, text.fate, text.added) == ("café.md", "added", 1)
    assert (binary.path, binary.fate) == ("pic.png", "deleted")
    assert binary.rows[0].head == "Binary content, not shown"


def test_what_differs_within_a_changed_line_is_marked() -> None:
    patch = "diff --git a/a b/a\n@@ -1 +1 @@\n-const n = count(people);\n+const n = count(all);\n"

    (file,) = diff_files(patch, ())

    before, after = file.rows
    assert (before.head, before.changed, before.tail) == ("const n = count(", "people", ");")
    assert (after.head, after.changed, after.tail) == ("const n = count(", "all", ");")


def test_lines_that_share_nothing_are_not_marked_word_by_word() -> None:
    patch = "diff --git a/a b/a\n@@ -1 +1 @@\n-alpha(1, 2);\n+omega = none;\n"

    (file,) = diff_files(patch, ())

    assert [row.changed for row in file.rows] == ["", ""]


def test_lines_are_paired_only_where_as_many_came_as_went() -> None:
    patch = "diff --git a/a b/a\n@@ -1,2 +1 @@\n-one(here);\n-two(here);\n+new(here);\n"

    (file,) = diff_files(patch, ())

    assert [(row.kind, row.changed) for row in file.rows] == [
        ("deleted", ""),
        ("deleted", ""),
        ("added", ""),
    ]


def test_findings_stand_at_their_lines_and_at_their_files() -> None:
    found = [
        Finding(path="lib/a.ts", line=10, text="`extra` is never used"),
        Finding(path="lib/a.ts", line=None, text="a path that the task forbids"),
        Finding(path="lib/b.ts", line=10, text="elsewhere"),
    ]

    first, *others = diff_files(DIFF, found)

    marked = [(row.after, row.findings) for row in first.rows if row.findings]
    assert marked == [(10, ("`extra` is never used",))]
    assert first.flags == ("a path that the task forbids",)
    assert not any(file.flags or file.findings for file in others)


def test_a_huge_diff_is_cut_per_file_and_as_a_whole_and_says_so() -> None:
    hunk = "@@ -0,0 +1,900 @@\n" + "+x\n" * 900
    patch = "".join(f"diff --git a/{n} b/{n}\n{hunk}" for n in range(9))

    files = diff_files(patch, ())

    assert [len(file.rows) for file in files[:2]] == [FILE_ROWS, FILE_ROWS]
    assert sum(len(file.rows) for file in files) == ALL_ROWS
    assert all(file.added == 900 and len(file.rows) + file.cut == 900 for file in files)


def test_an_endless_line_of_a_diff_is_cut() -> None:
    patch = f"diff --git a/a b/a\n@@ -1 +1 @@\n-{'y' * 10_000_000}\n+{'z' * 10_000_000}\n"

    (file,) = diff_files(patch, ())

    assert all(len(row.head) < 600 for row in file.rows)
    assert file.rows[1].head.endswith("more characters]")


@pytest.mark.parametrize(
    "patch",
    [
        "",
        "\n",
        "no diff at all",
        "@@ -1 +1 @@\n-a",
        DIFF[:200],
        "diff --git a/a b/a\n@@ -1,9 +1,9 @@",
    ],
)
def test_a_torn_diff_is_read_as_far_as_it_goes(patch: str) -> None:
    assert len(diff_files(patch, ())) <= 1


def test_a_hostile_path_stays_text() -> None:
    name = '<img onerror="x">\u202e'
    patch = f"diff --git a/{name} b/{name}\n@@ -0,0 +1 @@\n+x\n"

    (file,) = diff_files(patch, ())

    assert file.path == '<img onerror="x">⟨U+202E⟩'
