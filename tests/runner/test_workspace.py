from __future__ import annotations

import io
import subprocess
import tarfile
import tomllib
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from runner.grading.archive import overlay
from runner.workspace import (
    PatchError,
    Workspace,
    apply_patch,
    diff_trees,
    seed_workspace,
    take_patch,
)
from testbed.errors import ScenarioError
from testbed.scenario import (
    Fixture,
    FixtureCard,
    Kind,
    Scenario,
    ScenarioCard,
)
from testbed.tree import File, digest_tree, read_tree

if TYPE_CHECKING:
    from collections.abc import Mapping

SECRET = b"nobody may read this"
PNG = b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR" + bytes(range(256))
ANY_BYTES = st.lists(
    st.binary(max_size=4)
    | st.sampled_from([b"\0", b"\n", b"\r\n", b"+", b"-", b"@@ -1 +1 @@\n", b"\\ No newline\n"])
).map(b"".join)

CARD = FixtureCard.model_validate(
    tomllib.loads("""
schema_version = 1
id = "tiny"
title = "Tiny"
language = "javascript"
lockfile = "package-lock.json"
protected = ["test/**", "package.json"]
ignored = ["node_modules/**", "*.log"]
commands = {}
typecheck = {argv = ["true"], timeout_seconds = 5}
lint = {argv = ["true"], timeout_seconds = 5}
steps = [{id = "unit", argv = ["true"], junit = "out.xml", timeout_seconds = 5}]
""")
)

APPLICATION = {
    "lib/sum.mjs": File(b"export const sum = (a, b) => a + b;\n"),
    "lib/unended.txt": File(b"no newline"),
    "test/sum.test.mjs": File(b"import { sum } from '../lib/sum.mjs';\n"),
    "bin/run": File(b"#!/bin/sh\nexit 0\n", executable=True),
    "picture.bin": File(bytes(range(256))),
    'odd/a "quoted"\tname\n': File(b"0\n"),
    "odd/grüße 雪": File(b"0\n"),
    "odd/gone \\ ü": File(b"0\n"),
    "package.json": File(b"{}\n"),
    "package-lock.json": File(b"{}\n"),
    ".gitattributes": File(b"* text=auto eol=crlf -diff\n*.mjs ident filter=none\n"),
    ".gitignore": File(b"lib/\n"),
}
SEED = b"""Planted by hand.

diff --git a/lib/sum.mjs b/lib/sum.mjs
--- a/lib/sum.mjs
+++ b/lib/sum.mjs
@@ -1 +1 @@
-export const sum = (a, b) => a + b;
+export const sum = (a, b) => a - b;
"""


def lay(root: Path, tree: Mapping[str, File]) -> None:
    for path, file in tree.items():
        target = root / path
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(file.data)
        target.chmod(0o755 if file.executable else 0o644)


@pytest.fixture
def scenario(tmp_path: Path) -> Scenario:
    lay(tmp_path / "fixtures" / "tiny", APPLICATION)
    lay(tmp_path / "fixtures" / "tiny" / "node_modules", {"x.js": File(SECRET)})
    (tmp_path / "fixtures" / "tiny" / "debug.log").write_bytes(SECRET)
    lay(tmp_path / "fixtures" / "tiny.grading", {"run.mjs": File(SECRET)})
    lay(
        tmp_path / "scenarios" / "minus",
        {
            "seed.patch": File(SEED),
            "reference.patch": File(SECRET),
            "checks/unit/hidden.test.mjs": File(SECRET),
            "wrong/guess.patch": File(SECRET),
        },
    )
    return Scenario(
        card=ScenarioCard(
            schema_version=1,
            id="minus",
            title="Minus",
            kind=Kind.BUG,
            fixture="tiny",
            difficulty="easy",
            seeded_files=("lib/sum.mjs",),
        ),
        root=tmp_path / "scenarios" / "minus",
        fixture=Fixture(
            card=CARD,
            root=tmp_path / "fixtures" / "tiny",
            kit=tmp_path / "fixtures" / "tiny.grading",
        ),
        prompt="Mend the sum.",
        fail_to_pass=("a::b",),
        pass_to_pass=(),
    )


@pytest.fixture
def workspace(scenario: Scenario) -> Workspace:
    return seed_workspace(scenario)


def unpacked(workspace: Workspace, folder: Path) -> Path:
    with tarfile.open(fileobj=io.BytesIO(workspace.archive), mode="r:") as tar:
        if hasattr(tarfile, "data_filter"):  # Debian's Python 3.11.2 has no filters yet
            tar.extraction_filter = tarfile.data_filter
        tar.extractall(folder)  # noqa: S202  (an archive of our own making)
    return folder


def git(folder: Path, *arguments: str) -> str:
    command = ["git", "-C", str(folder), *arguments]
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout


def packed(
    tree: Mapping[str, File],
    *,
    links: Mapping[str, str] | None = None,
    kind: bytes = tarfile.SYMTYPE,
) -> bytes:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w", errors="surrogateescape") as tar:
        for path, file in tree.items():
            member = tarfile.TarInfo(path)
            member.size, member.mode = len(file.data), 0o755 if file.executable else 0o644
            tar.addfile(member, io.BytesIO(file.data))
        for path, target in (links or {}).items():
            member = tarfile.TarInfo(path)
            member.type, member.linkname = kind, target
            tar.addfile(member)
    return buffer.getvalue()


def test_the_seeded_tree_is_fixture_plus_seed_without_ignored_files(workspace: Workspace) -> None:
    seeded = {**APPLICATION, "lib/sum.mjs": File(b"export const sum = (a, b) => a - b;\n")}

    assert dict(workspace.tree) == seeded
    assert workspace.digest == digest_tree(seeded)


def test_the_archive_holds_one_root_commit_and_no_other_object(
    workspace: Workspace, tmp_path: Path
) -> None:
    folder = unpacked(workspace, tmp_path / "out")
    objects = git(folder, "cat-file", "--batch-all-objects", "--batch-check").splitlines()
    reachable = git(folder, "rev-list", "--objects", "main").splitlines()

    assert git(folder, "rev-list", "--all", "--parents").split() == [
        git(folder, "rev-parse", "main").strip()
    ]
    assert {line.split()[0] for line in objects} == {line.split()[0] for line in reachable}
    assert sum(" commit " in line for line in objects) == 1
    assert git(folder, "remote") == git(folder, "reflog", "--all") == git(folder, "tag") == ""
    assert git(folder, "branch", "--show-current") == "main\n"
    assert git(folder, "fsck", "--full", "--strict", "--no-progress") == ""


def test_git_finds_the_unpacked_workspace_clean(workspace: Workspace, tmp_path: Path) -> None:
    folder = unpacked(workspace, tmp_path / "out")

    tracked = git(folder, "ls-files", "-z").split("\0")[:-1]

    assert sorted(tracked) == sorted(workspace.tree)
    assert git(folder, "diff", "HEAD", "--stat", "--", "picture.bin", "bin/run") == ""
    assert read_tree(folder) == dict(workspace.tree)


def test_hidden_files_never_enter_the_archive(workspace: Workspace, tmp_path: Path) -> None:
    folder = unpacked(workspace, tmp_path / "out")
    blobs = git(folder, "cat-file", "--batch-all-objects", "--batch-check").splitlines()
    names = {
        path: git(folder, "hash-object", "--no-filters", path).strip() for path in workspace.tree
    }
    files = sorted(p.relative_to(folder).as_posix() for p in folder.rglob("*") if p.is_file())
    own = [path for path in files if path.startswith(".git/")]

    assert [path for path in files if not path.startswith(".git/")] == sorted(workspace.tree)
    assert {Path(path).suffix or path for path in own} == {
        ".git/HEAD",
        ".git/config",
        ".git/index",
        ".git/refs/heads/main",
        ".pack",
        ".idx",
    }
    assert {b.split()[0] for b in blobs if " blob " in b} == set(names.values())
    assert SECRET not in workspace.archive


def test_seeding_twice_gives_the_same_bytes(scenario: Scenario) -> None:
    assert seed_workspace(scenario) == seed_workspace(scenario)


def test_a_seed_that_does_not_apply_names_its_file_and_gits_reason(scenario: Scenario) -> None:
    scenario.seed.write_bytes(SEED.replace(b"a + b", b"a * b"))

    with pytest.raises(
        ScenarioError, match=r"seed\.patch: does not apply: .*lib/sum\.mjs"
    ) as raised:
        seed_workspace(scenario)

    assert raised.value.next_step


def test_a_seed_without_a_diff_is_refused(scenario: Scenario) -> None:
    scenario.seed.write_bytes(b"nothing here\n")

    with pytest.raises(ScenarioError, match="does not apply"):
        seed_workspace(scenario)


def test_a_fixture_with_a_file_that_patches_cannot_carry_is_refused(scenario: Scenario) -> None:
    lay(scenario.fixture.root, {".testbed/x": File(b"")})

    with pytest.raises(ScenarioError, match=r"would lose .*a reserved name"):
        seed_workspace(scenario)


def test_an_untouched_workspace_is_an_empty_patch(workspace: Workspace) -> None:
    taken = take_patch(workspace, packed(workspace.tree), CARD)

    assert taken.diff == b""
    assert taken.patch.files == taken.dropped == ()
    assert apply_patch(workspace, taken.diff) == workspace.tree


ODD = {
    "lib/sum.mjs": File(
        b"export const sum = (a, b) => a + b;\r\n\r\n--- a/x\n+++ b/y\n@@ -1 +1 @@\n"
    ),
    "lib/unended.txt": File(b"still no newline"),
    "bin/run": File(b"#!/bin/sh\nexit 0\n"),
    "picture.bin": File(bytes(reversed(range(256)))),
    "empty": File(b""),
    "new.sh": File(b"true\n", executable=True),
    'odd/a "quoted"\tname\n': File(b"1\n"),
    "odd/back\\slash $(x) `y`": File(b"2\n"),
    "odd/grüße 雪": File(b"3\n"),
    "odd/ leading and trailing ": File(b"4\n"),
    "odd/-dash": File(b"5\n"),
    "odd/git~1": File(b"6\n"),
    "b/a b/x": File(b"7\n"),
    "package.json": File(b"{}\n"),
    "package-lock.json": File(b"{}\n"),
    ".gitattributes": File(b"* binary filter=evil\n"),
    ".gitignore": File(b"*\n"),
    "test/sum.test.mjs/now-a-folder": File(b"8\n"),
}


def test_any_change_survives_the_way_through_a_patch(workspace: Workspace) -> None:
    taken = take_patch(workspace, packed(ODD), CARD)

    assert dict(apply_patch(workspace, taken.diff)) == ODD
    assert taken.dropped == ()
    changed = {p for p in ODD.keys() | workspace.tree if ODD.get(p) != workspace.tree.get(p)}
    assert set(taken.patch.files) == changed
    assert taken.patch.tampered == ("test/sum.test.mjs", "test/sum.test.mjs/now-a-folder")


@given(before=ANY_BYTES, after=ANY_BYTES, name=st.sampled_from(["a.ts", "b/a.mjs", "a.png", "a"]))
@example(before=b"", after=PNG, name="a.png")
@example(before=PNG, after=b"", name="a.ts")
@example(before=PNG, after=PNG[:9] + b"\0" + PNG[9:], name="a.ts")
@example(before=b"a\n", after=b"a\nb\0c\nd", name="a.ts")
@settings(max_examples=40)
def test_a_file_of_any_bytes_survives_the_way_through_a_patch(
    before: bytes, after: bytes, name: str
) -> None:
    start = Workspace(tree={name: File(before)}, archive=b"", digest="")

    diff = diff_trees(start.tree, {name: File(after)})

    assert apply_patch(start, diff) == {name: File(after)}


def test_lines_are_counted_as_git_counts_them(workspace: Workspace) -> None:
    after = {
        **workspace.tree,
        "lib/unended.txt": File(b"no newline\nbut more"),
        "n": File(b"1\n2\n"),
    }
    after.pop("test/sum.test.mjs")

    patch = take_patch(workspace, packed(after), CARD).patch

    assert patch.files == ("lib/unended.txt", "n", "test/sum.test.mjs")
    assert (patch.added, patch.deleted) == (4, 2)
    assert patch.tampered == ("test/sum.test.mjs",)


def test_the_digest_is_that_of_the_diff(workspace: Workspace) -> None:
    first = take_patch(workspace, packed({**workspace.tree, "n": File(b"1")}), CARD)
    again = take_patch(workspace, packed({"n": File(b"1"), **workspace.tree}), CARD)

    assert first == again
    assert len(first.patch.digest) == 64


def test_what_no_patch_can_carry_is_left_out_and_listed(workspace: Workspace) -> None:
    bad = {
        "../escape": File(b""),
        "/etc/passwd": File(b""),
        "sub/../../up": File(b""),
        "sub/.git/config": File(b"[core]\n"),
        ".git/hooks/pre-commit": File(b""),
        ".testbed/checks/unit/x": File(b""),
        "huge": File(bytes((4 << 20) + 1)),
        "bytes-\udcff": File(b""),
        "node_modules/x/y.js": File(b""),
        "a.log": File(b""),
    }
    after = packed({**workspace.tree, **bad}, links={"lib/link": "/etc/passwd", "dir": "lib"})

    taken = take_patch(workspace, after, CARD)

    assert taken.diff == b""
    assert set(taken.dropped) == {
        "../escape: outside the workspace",
        "/etc/passwd: outside the workspace",
        "../up: outside the workspace",
        "sub/.git/config: a reserved name",
        ".git/hooks/pre-commit: a reserved name",
        ".testbed/checks/unit/x: a reserved name",
        "huge: larger than 4 MiB",
        "bytes-\\xff: not a UTF-8 name",
        "lib/link: not a regular file",
        "dir: not a regular file",
    }


def test_a_file_replaced_by_a_link_is_deleted(workspace: Workspace) -> None:
    after = {path: file for path, file in workspace.tree.items() if path != "lib/sum.mjs"}

    taken = take_patch(workspace, packed(after, links={"lib/sum.mjs": "../test/x"}), CARD)

    assert taken.patch.files == ("lib/sum.mjs",)
    assert taken.dropped == ("lib/sum.mjs: not a regular file",)


def test_a_hard_link_is_a_copy(workspace: Workspace) -> None:
    links = {"copy": "lib/sum.mjs", "stray": "/etc/passwd"}

    taken = take_patch(workspace, packed(workspace.tree, links=links, kind=tarfile.LNKTYPE), CARD)

    assert apply_patch(workspace, taken.diff)["copy"] == workspace.tree["lib/sum.mjs"]
    assert taken.dropped == ("stray: a link to nothing packed",)


def test_a_file_below_a_file_is_left_out(workspace: Workspace) -> None:
    taken = take_patch(workspace, packed({**workspace.tree, "bin/run/x": File(b"")}), CARD)

    assert taken.dropped == ("bin/run/x: below a file",)


@pytest.mark.parametrize("broken", [b"", b"no tar", b"\x1f\x8b\x08" + bytes(600), bytes(300)])
def test_a_broken_tar_is_a_patch_error(workspace: Workspace, broken: bytes) -> None:
    with pytest.raises(PatchError, match="cannot become a patch"):
        take_patch(workspace, broken, CARD)


def test_a_tar_that_ends_early_is_a_patch_error(workspace: Workspace) -> None:
    whole = packed(workspace.tree)

    with pytest.raises(PatchError, match="cannot become a patch"):
        take_patch(workspace, whole[: len(whole) // 3], CARD)


def test_a_workspace_beyond_the_bounds_is_a_patch_error(workspace: Workspace) -> None:
    full = {f"f{number}": File(bytes(4 << 20)) for number in range(17)}

    with pytest.raises(PatchError, match="larger than a patch may be"):
        take_patch(workspace, packed(full), CARD)


def test_a_diff_that_does_not_apply_is_an_error_naming_its_source(workspace: Workspace) -> None:
    with pytest.raises(PatchError, match=r"wrong/guess\.patch: does not apply: .*patch does not"):
        apply_patch(workspace, SEED, source="wrong/guess.patch")


@pytest.mark.parametrize(
    "path", ["../escape", "/etc/escape", ".git/hooks/post-checkout", "lib/../../escape"]
)
def test_a_diff_cannot_write_outside_the_tree(workspace: Workspace, path: str) -> None:
    diff = f"diff --git a/{path} b/{path}\nnew file mode 100644\n--- /dev/null\n+++ b/{path}\n"

    with pytest.raises(PatchError):
        apply_patch(workspace, f"{diff}@@ -0,0 +1 @@\n+x\n".encode())


def test_a_diff_cannot_write_through_a_link(workspace: Workspace, tmp_path: Path) -> None:
    diff = (
        f"diff --git a/out b/out\nnew file mode 120000\n--- /dev/null\n+++ b/out\n@@ -0,0 +1 @@\n"
        f"+{tmp_path}\n\\ No newline at end of file\n"
        "diff --git a/out/x b/out/x\nnew file mode 100644\n--- /dev/null\n+++ b/out/x\n"
        "@@ -0,0 +1 @@\n+x\n"
    )

    with pytest.raises(PatchError):
        apply_patch(workspace, diff.encode())
    assert not (tmp_path / "x").exists()


def test_a_diff_cannot_put_a_file_where_a_folder_is(workspace: Workspace) -> None:
    diff = b"diff --git a/bin b/bin\nnew file mode 100644\n--- /dev/null\n+++ b/bin\n"

    with pytest.raises(PatchError, match="cannot be"):
        apply_patch(workspace, diff + b"@@ -0,0 +1 @@\n+x\n")


def test_a_diff_cannot_create_a_file_that_exists(workspace: Workspace) -> None:
    diff = b"diff --git a/bin/run b/bin/run\nnew file mode 100644\n--- /dev/null\n+++ b/bin/run\n"

    with pytest.raises(PatchError, match="already exists"):
        apply_patch(workspace, diff + b"@@ -0,0 +1 @@\n+x\n")


def test_a_diff_that_renames_and_copies_applies(workspace: Workspace) -> None:
    diff = (
        b"diff --git a/bin/run b/bin/walk\nsimilarity index 100%\n"
        b"rename from bin/run\nrename to bin/walk\n"
        b"diff --git a/picture.bin b/copy.bin\nsimilarity index 100%\n"
        b"copy from picture.bin\ncopy to copy.bin\n"
    )

    patched = apply_patch(workspace, diff)

    assert patched["bin/walk"] == workspace.tree["bin/run"]
    assert patched["copy.bin"] == workspace.tree["picture.bin"]
    assert "bin/run" not in patched
    assert len(patched) == len(workspace.tree) + 1


def test_the_users_own_git_settings_have_no_say(
    workspace: Workspace, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    expected = diff_trees(workspace.tree, ODD)
    (tmp_path / ".gitconfig").write_text(
        "[diff]\n\tnoprefix = true\n\trenames = copies\n\texternal = false\n"
        "[core]\n\tautocrlf = true\n[apply]\n\twhitespace = error\n"
    )
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("GIT_DIR", str(tmp_path / "elsewhere"))
    monkeypatch.setenv("GIT_EXTERNAL_DIFF", "false")
    monkeypatch.setenv("GIT_INDEX_FILE", str(tmp_path / "index"))

    assert diff_trees(workspace.tree, ODD) == expected
    assert dict(apply_patch(workspace, expected)) == ODD


def test_what_lies_on_top_wins_over_files_and_folders_in_its_way() -> None:
    base = {"a": File(b"1"), "b/c": File(b"2"), "d": File(b"3")}
    top = {"a/x": File(b"4"), "b": File(b"5")}

    assert overlay(base, top) == {"a/x": File(b"4"), "b": File(b"5"), "d": File(b"3")}
