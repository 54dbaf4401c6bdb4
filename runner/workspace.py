"""A scenario's starting point as a one-commit repository, and the patch a trial leaves on it.

Host-side git sees only files that were checked here; no configuration or attribute of the
user's, or of the tree's, has a say in what a patch is.
"""

from __future__ import annotations

import hashlib
import os
import re
import tempfile
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING, Final

from runner.grading.archive import DATE, Unreadable, is_text, overlay, pack_tree, read_packed
from runner.grading.changes import read_changes
from runner.scratch import scratch_folder
from testbed.errors import EnvironmentFault, ScenarioError, UsageError
from testbed.records import Patch
from testbed.tree import File, Tree, digest_tree, matches, read_tree

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from testbed.scenario import Fixture, FixtureCard, Scenario

_SETTINGS: Final = """[core]
\trepositoryformatversion = 0
\tfilemode = true
\tbare = false
"""
_SCRATCH: Final = """\tprotectNTFS = false
\tprotectHFS = false
\tfsync = none
[fastimport]
\tunpackLimit = 1
[pack]
\tthreads = 1
"""
"""Any file name goes, and nothing has to survive a crash."""
_PLAIN: Final = re.compile(r"[ !#-\[\]-~]+")
_ATTRIBUTES: Final = (
    "* !text !eol !crlf !filter !ident !diff !merge !whitespace !working-tree-encoding\n"
    "*.[jt]s diff\n*.[jt]sx diff\n*.[cm][jt]s diff\n*.[cm][jt]sx diff\n"
)
"""None of the tree's own. Sources have lines whatever is in them: git takes a file for binary at
its first NUL, and nobody would see what a patch wrote there."""
_DIFF: Final = (
    *("-c", "core.quotePath=false", "diff-tree", "-r", "-p", "--binary", "--full-index"),
    *("--no-renames", "--no-color", "--no-ext-diff", "--no-textconv"),
    *("--diff-algorithm=myers", "-U3"),
)


class PatchError(UsageError):
    """A patch does not apply to the seeded tree, or a workspace cannot be made into one."""


@dataclass(frozen=True, kw_only=True)
class Workspace:
    """What every trial of one scenario starts from."""

    tree: Tree
    """Fixture and seed, nothing else."""
    archive: bytes
    """Uncompressed tar of the tree and of its `.git` with one root commit on `main`."""
    digest: str
    """sha256 of the tree (paths, executable bits, contents), the same on every machine."""


@dataclass(frozen=True, kw_only=True)
class PatchFile:
    """A trial's patch: the diff that is graded and what was measured on it."""

    diff: bytes
    """Applies to the seeded tree with `git apply`; empty when nothing changed."""
    patch: Patch
    dropped: tuple[str, ...]
    """`path: reason` for each member of the workspace that no patch can carry."""


def seed_workspace(scenario: Scenario) -> Workspace:
    """Plant the seed into the fixture; raise `ScenarioError` when it does not apply."""
    fixture = scenario.fixture
    try:
        tree = _apply(pristine_tree(fixture), scenario.seed.read_bytes(), str(scenario.seed))
    except PatchError as fault:
        raise ScenarioError(fault.what, next_step="Make the seed again from the fixture") from fault
    if lost := read_packed(pack_tree(tree), fixture.card.ignored)[1]:
        raise ScenarioError(
            f"{fixture.root}: an untouched workspace would lose {lost[0]}",
            next_step="Rename or shrink that file",
        )
    return make_workspace(tree)


def pristine_tree(fixture: Fixture) -> Tree:
    """Return the fixture before any seed."""
    return read_tree(fixture.root, fixture.card.ignored)


def make_workspace(tree: Tree) -> Workspace:
    """Make a tree into a repository of one commit."""
    return Workspace(
        tree=tree, archive=pack_tree({**tree, **one_commit(tree)}), digest=digest_tree(tree)
    )


def take_patch(workspace: Workspace, packed: bytes, card: FixtureCard) -> PatchFile:
    """Turn an untrusted tar of the workspace into a patch; nothing in it is believed.

    Links, devices, unusable names, files above 4 MiB, `.git` and ignored paths are left out.
    Raises `PatchError` when the tar is broken or holds more than a patch may.
    """
    try:
        after, dropped = read_packed(packed, card.ignored)
    except Unreadable as fault:
        raise PatchError(f"the workspace cannot become a patch: {fault}") from fault
    diff = diff_trees(workspace.tree, after)
    changes = read_changes(diff)
    patch = Patch(
        digest=hashlib.sha256(diff).hexdigest(),
        files=tuple(sorted(changes)),
        added=sum(len(change.added) for change in changes.values()),
        deleted=sum(len(change.deleted) for change in changes.values()),
        tampered=tuple(path for path in sorted(changes) if matches(path, card.protected)),
    )
    return PatchFile(diff=diff, patch=patch, dropped=tuple(dropped))


def apply_patch(workspace: Workspace, diff: bytes, *, source: str = "the patch") -> Tree:
    """Apply a diff to the seeded tree; raise `PatchError` naming `source` and git's reason."""
    return _apply(workspace.tree, diff, source)


def diff_trees(before: Tree, after: Tree) -> bytes:
    """Return the difference as git writes it: binary-safe, no renames, sorted by path."""
    paths = {path for path in before.keys() | after.keys() if before.get(path) != after.get(path)}
    if not paths:
        return b""
    stream = _commit("before", _only(before, paths)) + _commit("after", _only(after, paths))
    with scratch_folder() as folder:
        root = _repository(folder)
        _git(root, "fast-import", "--quiet", stdin=stream)
        return _git(root, *_DIFF, "refs/heads/before", "refs/heads/after")


def _only(tree: Tree, paths: Iterable[str]) -> dict[str, File]:
    return {path: tree[path] for path in paths if path in tree}


def _apply(tree: Tree, diff: bytes, source: str) -> Tree:
    if not diff.strip():
        return tree
    # Git needs the files that the diff names; names that it would quote are taken along.
    named = {p: f for p, f in tree.items() if not _PLAIN.fullmatch(p) or p.encode() in diff}
    with scratch_folder() as folder:
        root = _repository(folder)
        write_tree(root, named)
        try:
            _git(root, "apply", "--whitespace=nowarn", "-", stdin=diff)
        except _GitRefused as fault:
            raise PatchError(
                f"{source}: does not apply: {fault}",
                next_step="It must be a `git diff` against the seeded tree",
            ) from fault
        changed = read_tree(root)
    rest = {path: file for path, file in tree.items() if path not in named}
    patched = overlay(rest, changed)
    if not all(map(is_text, changed)) or len(patched) < len(rest) + len(changed):
        raise PatchError(
            f"{source}: names a file that cannot be",
            next_step="It must be a `git diff` against the seeded tree",
        )
    return patched


def write_tree(root: Path, tree: Tree) -> None:
    """Write the files of a tree below a folder, over those that are there."""
    for folder in sorted({str(PurePosixPath(path).parent) for path in tree}):
        (root / folder).mkdir(parents=True, exist_ok=True)
    for path, file in tree.items():
        target = root / path
        target.write_bytes(file.data)
        if file.executable:
            target.chmod(0o755)


def one_commit(tree: Tree) -> Mapping[str, File]:
    """Return the `.git` of a repository whose one commit is this tree."""
    with scratch_folder() as folder:
        root = _repository(folder)
        _git(root, "fast-import", "--quiet", stdin=_commit("main", tree))
        _git(root, "read-tree", "refs/heads/main")
        git = read_tree(root / ".git")
    wanted = ("HEAD", "index", "refs/heads/main", "objects/pack/*.pack", "objects/pack/*.idx")
    files = {f".git/{path}": File(f.data) for path, f in git.items() if matches(path, wanted)}
    return {**files, ".git/config": File(_SETTINGS.encode())}


def _commit(branch: str, tree: Tree) -> bytes:
    who = f"testbed <testbed@localhost> {DATE} +0000"
    message = "Initial commit\n"
    parts = [
        f"commit refs/heads/{branch}\nauthor {who}\ncommitter {who}\n".encode(),
        f"data {len(message)}\n{message}\n".encode(),
    ]
    for path in sorted(tree):
        name = path.replace("\\", r"\\").replace('"', r"\"").replace("\n", r"\n")
        mode, data = (100755 if tree[path].executable else 100644), tree[path].data
        parts += [f'M {mode} inline "{name}"\ndata {len(data)}\n'.encode(), data, b"\n"]
    return b"".join(parts)


def _repository(root: Path) -> Path:
    for folder in ("objects", "refs", "info"):
        (root / ".git" / folder).mkdir(parents=True)
    (root / ".git" / "HEAD").write_text("ref: refs/heads/main\n")
    (root / ".git" / "config").write_text(_SETTINGS + _SCRATCH)
    (root / ".git" / "info" / "attributes").write_text(_ATTRIBUTES)
    return root


class _GitRefused(Exception):
    """Git ended with an error; the message is its own."""


def _git(root: Path, *arguments: str, stdin: bytes = b"") -> bytes:
    try:
        from git import Git  # 80 ms, and it looks for git on PATH
    except ImportError as fault:
        raise EnvironmentFault("git was not found", next_step="Install git") from fault
    own = {
        "GIT_DIR": str(root / ".git"),
        "GIT_WORK_TREE": str(root),
        "GIT_INDEX_FILE": str(root / ".git" / "index"),
        "GIT_OBJECT_DIRECTORY": str(root / ".git" / "objects"),
        "GIT_ALTERNATE_OBJECT_DIRECTORIES": "",
        "GIT_CONFIG_GLOBAL": os.devnull,
        "GIT_CONFIG_NOSYSTEM": "1",
        "GIT_CONFIG_COUNT": "0",
        "GIT_CONFIG_PARAMETERS": "",
        "GIT_ATTR_NOSYSTEM": "1",
    }
    with tempfile.TemporaryFile() as stream:
        stream.write(stdin)
        stream.seek(0)
        status, output, complaint = Git(root).execute(
            ["git", *arguments],
            istream=stream,
            env=own,
            with_extended_output=True,
            with_exceptions=False,
            stdout_as_string=False,
            strip_newline_in_stdout=False,
        )
    if status:
        raise _GitRefused("; ".join(str(complaint).split("\n")[:3]))
    return bytes(output)
