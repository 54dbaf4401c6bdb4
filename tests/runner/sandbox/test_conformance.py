"""What every sandbox promises, whatever starts it."""

from __future__ import annotations

import io
import tarfile
from typing import TYPE_CHECKING

import pytest

from runner.sandbox.base import Entry, Match, ToolFault
from testbed.errors import SandboxLost

if TYPE_CHECKING:
    from runner.sandbox.base import Sandbox


def tar_of(*members: tuple[str, bytes | None, str, int]) -> bytes:
    """Make a tar of (name, data, link target, mode); folders have neither data nor target."""
    file = io.BytesIO()
    with tarfile.open(fileobj=file, mode="w") as tar:
        for name, data, target, mode in members:
            info = tarfile.TarInfo(name)
            info.mode = mode
            info.size = len(data or b"")
            info.linkname = target
            if data is None:
                info.type = tarfile.SYMTYPE if target else tarfile.DIRTYPE
            tar.addfile(info, io.BytesIO(data or b""))
    return file.getvalue()


def members_of(archive: bytes) -> dict[str, tarfile.TarInfo]:
    with tarfile.open(fileobj=io.BytesIO(archive)) as tar:
        return {member.name: member for member in tar}


async def fault_of(call: object) -> str:
    with pytest.raises(ToolFault) as caught:
        await call  # type: ignore[misc]  # any awaitable
    return caught.value.code


async def test_what_was_written_is_read_back_byte_for_byte(sandbox: Sandbox) -> None:
    data = bytes(range(256)) * 300
    await sandbox.write("deep/er/file.bin", data)
    assert await sandbox.read("/ws/app/deep/er/file.bin") == data
    await sandbox.write("deep/er/file.bin", b"")
    assert await sandbox.read("deep/./er/../er/file.bin") == b""


@pytest.mark.parametrize(
    ("path", "code"),
    [
        ("../x", "outside_workspace"),
        ("a/../../x", "outside_workspace"),
        ("/etc/passwd", "outside_workspace"),
        ("/ws/app/../node_modules/x", "outside_workspace"),
        ("/ws/application/x", "outside_workspace"),
        ("link/passwd", "is_link"),
        ("link", "is_link"),
        ("inner/file", "is_link"),
        ("dangling", "is_link"),
        ("folder", "is_directory"),
        (".", "is_directory"),
        ("folder/file/x", "not_a_directory"),
        ("a\0b", "bad_argument"),
    ],
)
async def test_no_path_leads_out_and_no_link_is_followed(
    sandbox: Sandbox, path: str, code: str
) -> None:
    await sandbox.unpack(
        tar_of(
            ("link", None, "/etc", 0o777),
            ("inner", None, "folder", 0o777),
            ("dangling", None, "nowhere", 0o777),
            ("folder/file", b"x", "", 0o644),
        )
    )
    assert await fault_of(sandbox.read(path)) == code
    assert await fault_of(sandbox.write(path, b"y")) == code
    assert await fault_of(sandbox.edit(path, "x", "y")) == code


async def test_a_missing_file_is_not_found_and_a_long_one_too_large(sandbox: Sandbox) -> None:
    assert await fault_of(sandbox.read("none")) == "not_found"
    assert await fault_of(sandbox.entries("none")) == "not_found"
    await sandbox.write("file", b"12345")
    assert await fault_of(sandbox.read("file", limit=4)) == "too_large"
    assert await sandbox.read("file", limit=5) == b"12345"


async def test_an_edit_needs_its_text_exactly_once(sandbox: Sandbox) -> None:
    await sandbox.write("a.ts", "eins\nzwei ü\ndrei\naaa\n".encode())
    assert await sandbox.edit("a.ts", "zwei ü\n", "zwei\n") == 2
    assert await sandbox.read("a.ts") == b"eins\nzwei\ndrei\naaa\n"
    assert await fault_of(sandbox.edit("a.ts", "fehlt", "x")) == "old_text_not_found"
    assert await fault_of(sandbox.edit("a.ts", "aa", "x")) == "old_text_not_unique"
    assert await fault_of(sandbox.edit("a.ts", "", "x")) == "bad_argument"
    await sandbox.write("b.bin", b"a\0b")
    assert await fault_of(sandbox.edit("b.bin", "a", "x")) == "not_text"


async def test_entries_are_sorted_and_folders_of_others_are_not_entered(sandbox: Sandbox) -> None:
    for path in ("b/two", "b/one", "a", ".git/x", "node_modules/y", ".next/z"):
        await sandbox.write(path, b"123")
    expected = [
        Entry(path=".git", kind="dir", size=0),
        Entry(path=".next", kind="dir", size=0),
        Entry(path="a", kind="file", size=3),
        Entry(path="b", kind="dir", size=0),
        Entry(path="b/one", kind="file", size=3),
        Entry(path="b/two", kind="file", size=3),
        Entry(path="node_modules", kind="dir", size=0),
    ]
    assert await sandbox.entries(depth=5) == expected
    assert await sandbox.entries(depth=5, limit=2) == expected[:2]
    assert [e.path for e in await sandbox.entries("b")] == ["b/one", "b/two"]
    assert [e.path for e in await sandbox.entries()] == [
        e.path for e in expected if "/" not in e.path
    ]


async def test_a_search_finds_lines_in_text_files_only(sandbox: Sandbox) -> None:
    await sandbox.write("app/a.ts", "const x = 1\r\nlet y = 22\n\nconst zé = 333".encode())
    await sandbox.write("app/b.md", b"const\n")
    await sandbox.write("app/c.bin", b"\0const\n")
    await sandbox.write("node_modules/d.ts", b"const\n")
    found = await sandbox.search(r"const \w+ = \d")
    assert found == [
        Match(path="app/a.ts", line=1, text="const x = 1"),
        Match(path="app/a.ts", line=4, text="const zé = 333"),
    ]
    assert [m.path for m in await sandbox.search("const", glob="*.md")] == ["app/b.md"]
    assert [m.line for m in await sandbox.search("const", glob="**/*.{ts,tsx}")] == [1, 4]
    assert [m.path for m in await sandbox.search("const", path="app/b.md")] == ["app/b.md"]
    assert [m.line for m in await sandbox.search("^$", path="app")] == [3]
    assert [m.line for m in await sandbox.search(r"(?i)CONST X|LET")] == [1, 2]
    assert len(await sandbox.search("const", limit=2)) == 2
    assert await fault_of(sandbox.search("(")) == "bad_pattern"
    assert await fault_of(sandbox.search("x", path="../..")) == "outside_workspace"


async def test_an_archive_keeps_exec_bits_and_links_and_replaces_files(sandbox: Sandbox) -> None:
    await sandbox.write("run.sh", b"old")
    archive = tar_of(
        ("run.sh", b"new", "", 0o755),
        ("docs", None, "", 0o755),
        ("docs/readme", b"text", "", 0o600),
        ("link", None, "docs/readme", 0o777),
    )
    await sandbox.unpack(archive)
    await sandbox.unpack(archive, path="copy")
    await sandbox.write("run.sh", b"newer")
    members = members_of(await sandbox.pack(exclude=["copy/**"]))
    assert set(members) == {"run.sh", "docs", "docs/readme", "link"}
    assert members["run.sh"].mode == 0o755
    assert members["docs/readme"].mode == 0o644
    assert members["link"].issym()
    assert members["link"].linkname == "docs/readme"
    assert await sandbox.read("copy/docs/readme") == b"text"


async def test_a_pack_leaves_out_git_and_what_is_excluded(sandbox: Sandbox) -> None:
    for path in (".git/HEAD", "sub/.git/HEAD", ".next/cache/x", "a.log", "src/b.log", "src/c"):
        await sandbox.write(path, b"x" * 1000)
    members = members_of(await sandbox.pack(exclude=[".next/**", "**/*.log"]))
    assert set(members) == {"src", "src/c", "sub"}
    assert await fault_of(sandbox.pack(limit=4000)) == "too_large"


@pytest.mark.parametrize(
    ("member", "code"),
    [
        (("../x", b"x", "", 0o644), "outside_workspace"),
        (("/etc/x", b"x", "", 0o644), "outside_workspace"),
        (("link/x", b"x", "", 0o644), "is_link"),
        (("file/x", b"x", "", 0o644), "not_a_directory"),
        (("folder", b"x", "", 0o644), "is_directory"),
    ],
)
async def test_an_archive_cannot_reach_out(
    sandbox: Sandbox, member: tuple[str, bytes | None, str, int], code: str
) -> None:
    await sandbox.unpack(
        tar_of(
            ("link", None, "/tmp", 0o777),  # noqa: S108  (a link's target)
            ("file", b"x", "", 0o644),
            ("folder", None, "", 0o755),
        )
    )
    assert await fault_of(sandbox.unpack(tar_of(member))) == code
    assert await fault_of(sandbox.unpack(tar_of(member), path="../..")) == "outside_workspace"


async def test_what_is_not_a_tar_is_refused(sandbox: Sandbox) -> None:
    assert await fault_of(sandbox.unpack(b"no tar" * 1000)) == "bad_argument"


async def test_a_full_disk_is_a_fault_and_keeps_the_old_file(sandbox: Sandbox) -> None:
    await sandbox.write("file", b"old")
    assert await fault_of(sandbox.write("file", b"x" * (33 << 20))) == "disk_full"
    assert await sandbox.read("file") == b"old"
    assert [e.path for e in await sandbox.entries()] == ["file"]


async def test_a_folder_that_stays_empty_is_there_and_takes_nothing(barred: Sandbox) -> None:
    (folder,) = await barred.entries()
    assert (folder.path, folder.kind) == ("node_modules", "dir")
    assert await fault_of(barred.write("node_modules/vitest/index.js", b"x")) == "denied"
    assert await fault_of(barred.write("node_modules/x.js", b"x")) == "denied"
    laid = tar_of(("node_modules/x.js", b"x", "", 0o644))
    assert await fault_of(barred.unpack(laid)) == "denied"
    await barred.write("lib/node_modules/x.js", b"x")
    assert [entry.path for entry in await barred.entries()] == ["lib", "node_modules"]


async def test_an_unknown_command_ends_with_127(sandbox: Sandbox) -> None:
    result = await sandbox.run(["no-such-program"], timeout_s=10)
    assert result.exit_code == 127
    assert b"not found" in result.stderr
    assert await fault_of(sandbox.run(["true"], timeout_s=10, cwd="none")) == "not_found"
    assert await fault_of(sandbox.run(["true"], timeout_s=10, cwd="..")) == "outside_workspace"


async def test_a_closed_sandbox_is_lost_and_may_be_closed_again(sandbox: Sandbox) -> None:
    await sandbox.close()
    await sandbox.close()
    with pytest.raises(SandboxLost):
        await sandbox.read("file")
