"""The folder of a scenario that is to be written: every file is there and says what it is for."""

from __future__ import annotations

import json
import re
import shutil
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from testbed.errors import ScenarioError
from testbed.scenario import Kind, load_fixture
from testbed.tree import File, Tree, read_tree

if TYPE_CHECKING:
    from pathlib import Path

_ID: Final = re.compile(r"[a-z0-9][a-z0-9-]{0,62}")
_CARD: Final = """\
schema_version = 1
id = "{id}"
title = "{{{{ one line, as in an issue tracker }}}}"
kind = "{kind}"
fixture = "{fixture}"
difficulty = "medium"               # easy | medium | hard
# {seeded}
seeded_files = [{files}]

# Machine-checked. They make a model's adherence to the prompt, never its verdict: what the prompt
# does not say must not be held against anyone, and every right patch must keep to them.
[constraints]
# allowed_paths = ["lib/**"]        # wide enough for every right patch; leave out to allow all
forbidden_paths = ["package.json", "package-lock.json"]
required_paths = []
max_changed_lines = 150             # added plus deleted; about three times the reference
"""
_GAP: Final = '"{{ path/in/the/fixture }}"'
_SEEDED: Final = {
    Kind.BUG: "The files that the seed breaks: whoever fixes the cause touches one of them.",
    Kind.FEATURE: "The files that the seed takes parts from: whoever builds it anew touches one.",
    Kind.REFACTOR: "The files to be tidied up. The seed of a refactor may be empty.",
}
_PROMPT: Final = """\
# {{{{ the headline of the ticket }}}}

{opening}

{contract}

{{{{ every demand of a hidden check, in words: a check may ask for nothing that is not said here or
plain to see in the code. Name what checks hold on to: roles and accessible names, addresses,
exported functions and their results, texts. }}}}

Please leave unrelated code alone. No new dependencies: what you need is already installed. New
tests are welcome in files of their own; please leave the existing test files as they are.
"""
_OPENING: Final = {
    Kind.BUG: (
        "{{ the symptom as a user meets it, and how to make it happen. Never the file, the"
        " function or the cause: finding them is half of the task }}"
    ),
    Kind.FEATURE: "{{ who wants what, and why }}",
    Kind.REFACTOR: "{{ what is repeated or in the way, where, and what it has cost }}",
}
_CONTRACT: Final = {
    Kind.BUG: "What I expect:",
    Kind.FEATURE: "What it has to do:",
    Kind.REFACTOR: "Nothing that a user or a caller can observe may change:",
}


@dataclass(frozen=True, kw_only=True)
class Planted:
    """A bug that is seeded already."""

    files: tuple[str, ...]
    """Paths that the seed changes."""
    seed: bytes
    reference: bytes
    checks: Tree
    """Path below `checks/` -> file; empty takes the fixture's example."""
    note: str
    """What its author has to know; it stands in `scenario.toml`, which no model sees."""


def begin(
    root: Path, name: str, *, fixture: str, kind: Kind, planted: Planted | None = None
) -> Path:
    """Make `scenarios/<name>` below `root`, whole or not at all; return the folder.

    The files of `fixtures/<fixture>.example` become its first checks, unless it is planted with
    others. Raises `ScenarioError` for a name that is taken or cannot be one, and for a fixture
    that does not exist.
    """
    folder = root / "scenarios" / name
    if not _ID.fullmatch(name):
        raise ScenarioError(
            f"`{name}` cannot be the id of a scenario",
            next_step="Use up to 63 small letters, digits and dashes, e.g. `docx-upload`",
        )
    if folder.exists():
        raise ScenarioError(f"{folder} exists already", next_step="Choose another id")
    card = load_fixture(root / "fixtures", fixture).card
    text = _CARD.format(id=name, kind=kind, fixture=card.id, seeded=_SEEDED[kind], files=_GAP)
    if planted:
        named = ", ".join(json.dumps(path) for path in planted.files)
        text = f"{_comment(planted.note)}{text.replace(_GAP, named)}"
    prompt = _PROMPT.format(opening=_OPENING[kind], contract=_CONTRACT[kind])
    checks = (planted and planted.checks) or read_tree(root / "fixtures" / f"{fixture}.example")
    files = {
        "scenario.toml": File(text.encode()),
        "prompt.md": File(prompt.encode()),
        "seed.patch": File(planted.seed if planted else b""),
        "reference.patch": File(planted.reference if planted else b""),
        **{f"checks/{path}": file for path, file in checks.items()},
    }
    _write_whole(folder, files, half=root / f".{name}.half")
    return folder


def _comment(note: str) -> str:
    return "".join(f"# {line}".rstrip() + "\n" for line in note.splitlines())


def _write_whole(folder: Path, files: Tree, *, half: Path) -> None:
    """Write a folder beside its place first: half a scenario would stop every other."""
    shutil.rmtree(half, ignore_errors=True)
    for path, file in files.items():
        (half / path).parent.mkdir(parents=True, exist_ok=True)
        (half / path).write_bytes(file.data)
    folder.parent.mkdir(exist_ok=True)
    half.rename(folder)
