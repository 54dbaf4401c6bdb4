from __future__ import annotations

import pytest

from runner.grading.changes import Change, Fate, read_changes
from runner.workspace import diff_trees
from testbed.tree import File


def changes(before: dict[str, bytes], after: dict[str, bytes]) -> dict[str, Change]:
    return read_changes(
        diff_trees(
            {path: File(data) for path, data in before.items()},
            {path: File(data) for path, data in after.items()},
        )
    )


def test_lines_carry_the_numbers_they_have_in_the_patched_file() -> None:
    old = "".join(f"{number}\n" for number in range(1, 41))
    new = old.replace("3\n4\n", "3\nnew\n4\n", 1).replace("30\n", "thirty\n")

    change = changes({"a": old.encode()}, {"a": new.encode()})["a"]

    assert change == Change(fate=Fate.MODIFIED, added={4: "new", 31: "thirty"}, deleted=("30",))


def test_a_hunk_that_ends_with_deleted_lines_is_read_to_its_end() -> None:
    change = changes({"a": b"1\n2\n3\n"}, {"a": b"one\n2\n"})["a"]

    assert change == Change(fate=Fate.MODIFIED, added={1: "one"}, deleted=("1", "3"))


def test_fates_are_told_apart() -> None:
    found = changes({"gone": b"1\n", "old": b"1\n"}, {"new": b"1\n2", "old": b"2\n", "empty": b""})

    assert {path: change.fate for path, change in found.items()} == {
        "gone": Fate.DELETED,
        "old": Fate.MODIFIED,
        "new": Fate.ADDED,
        "empty": Fate.ADDED,
    }
    assert found["new"].added == {1: "1", 2: "2"}
    assert found["gone"].deleted == ("1",)


def test_lines_that_look_like_headers_are_lines() -> None:
    old = b"-- a/x\n@@ -1 +1 @@\n"
    new = b"++ b/x\ndiff --git a/y b/y\nnew file mode 100644\n\n"

    found = changes({"a": old}, {"a": new})

    assert list(found) == ["a"]
    assert found["a"].deleted == ("-- a/x", "@@ -1 +1 @@")
    assert list(found["a"].added.values()) == [
        "++ b/x",
        "diff --git a/y b/y",
        "new file mode 100644",
        "",
    ]


def test_binary_files_and_modes_have_no_lines() -> None:
    found = changes({"a": bytes(range(256))}, {"a": bytes(999), "b": b"\0diff --git a/x b/x\n"})
    mode = read_changes(diff_trees({"run": File(b"1\n")}, {"run": File(b"1\n", executable=True)}))

    assert found == {
        "a": Change(fate=Fate.MODIFIED, added={}, deleted=()),
        "b": Change(fate=Fate.ADDED, added={}, deleted=()),
    }
    assert mode == {"run": Change(fate=Fate.MODIFIED, added={}, deleted=())}


@pytest.mark.parametrize("name", ["a.ts", "lib/a.tsx", "a.js", "a.jsx", "a.mjs", "a.cts"])
def test_a_source_has_lines_even_with_a_nul_in_it(name: str) -> None:
    old, new = b'const a = ["\0"];\n', b'const a = ["\0"];\nconst b = "\0\0";\nconst c = 1;'

    found = changes({name: old}, {name: new})[name]

    assert found.added == {2: 'const b = "\0\0";', 3: "const c = 1;"}
    assert found.deleted == ()


def test_odd_names_are_spelled_as_they_are() -> None:
    names = ['a "b" c', "tab\there", "line\nbreak", "grüße 雪", "back\\slash", "b/a b/a", "\x01"]

    assert set(changes({}, dict.fromkeys(names, b"x\n"))) == set(names)


def test_text_that_is_not_utf8_is_still_a_line() -> None:
    assert changes({}, {"a": b"caf\xe9\n"})["a"].added == {1: "caf\ufffd"}
