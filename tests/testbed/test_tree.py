"""Globs select as documented, trees read only what belongs to them."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from testbed.tree import File, digest_tree, matches, read_tree

if TYPE_CHECKING:
    from pathlib import Path


@pytest.mark.parametrize(
    ("glob", "path", "selected"),
    [
        ("**/*.test.ts", "a.test.ts", True),
        ("**/*.test.ts", "a/b/c.test.ts", True),
        ("*.ts", "a/b.ts", False),
        (".next/**", ".next/a/b", True),
        (".next/**", "x/.next/a", False),
        ("lib/resumes/**", "lib/resumes2/a", False),
        ("app/[id]/page.tsx", "app/[id]/page.tsx", True),
        ("app/[id]/page.tsx", "app/i/page.tsx", False),
        ("a?.ts", "ab.ts", True),
        ("a?.ts", "a/.ts", False),
        ("**/(admin)/**", "app/(admin)/x.ts", True),
        ("a", "a\n", False),
    ],
)
def test_a_glob_selects(glob: str, path: str, selected: bool) -> None:  # noqa: FBT001  (a table)
    assert matches(path, [glob]) is selected


def test_ignored_folders_links_and_git_are_left_out(tmp_path: Path) -> None:
    for name in ("a.ts", "node_modules/x/y.js", ".git/HEAD", "lib/b.ts"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(name)
    (tmp_path / "link.ts").symlink_to("a.ts")

    assert set(read_tree(tmp_path, ["node_modules/**"])) == {"a.ts", "lib/b.ts"}


def test_a_digest_sees_content_name_and_mode() -> None:
    tree = {"a": File(b"1")}
    others = [{"a": File(b"2")}, {"b": File(b"1")}, {"a": File(b"1", executable=True)}, {}]

    assert digest_tree(tree) == digest_tree({"a": File(b"1")})
    assert digest_tree(tree) not in {digest_tree(other) for other in others}
