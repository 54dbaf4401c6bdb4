"""Where the harness's own names show in what a model may read."""

from __future__ import annotations

import re
from pathlib import PurePosixPath
from typing import TYPE_CHECKING, Final

from runner.grading.archive import KIT_FOLDER
from testbed.tree import read_tree

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from runner.authoring.material import Material
    from runner.grading.changes import Changes

_TODO: Final = "Say it without the harness's names"


def leaks(material: Material) -> Iterator[tuple[str, str, str]]:
    """Find hidden paths, hidden files and the grading kit in the prompt and on written lines."""
    secret = re.compile("|".join(_secrets(material)))
    for number, line in enumerate(material.scenario.prompt.splitlines(), 1):
        if found := secret.search(line):
            yield f"prompt.md:{number}", f"names `{found[0]}` of the harness", _TODO
    patches = {"seed.patch": material.seed, **{c.file: c.changes for c in material.candidates}}
    for file, changes in patches.items():
        for place, word in _in_patch(changes, secret):
            yield file, f"names `{word}` of the harness at {place}", _TODO


def named(prompt: str, words: Iterable[str]) -> Iterator[tuple[int, str]]:
    """Yield the line and the word wherever a prompt holds one of these names."""
    pattern = re.compile("|".join(map(_word, words)))
    for number, line in enumerate(prompt.splitlines(), 1):
        if pattern.pattern and (found := pattern.search(line)):
            yield number, found[0]


def _secrets(material: Material) -> Iterator[str]:
    """Yield patterns: the hidden folders, and file names that the fixture itself does not use."""
    kit = read_tree(material.scenario.fixture.kit)
    visible = {*material.seeded.items(), *material.pristine.items()}
    seen = {PurePosixPath(path).name for path, _ in visible}
    text = b"\n".join(file.data for _, file in visible)
    hidden = {PurePosixPath(path).name for path in (*material.checks, *kit)} - seen
    yield re.escape(KIT_FOLDER) + r"(?![\w-])"
    yield r"(?<![\w-])checks/"
    yield from map(_word, sorted(name for name in hidden if name.encode() not in text))
    modules = {PurePosixPath(path).stem for path in kit}
    yield rf"(?<![\w@./-])kit/(?:{'|'.join(sorted(map(re.escape, modules)))})(?![\w-])"


def _in_patch(changes: Changes, secret: re.Pattern[str]) -> Iterator[tuple[str, str]]:
    for path, change in changes.items():
        if path.startswith(f"{KIT_FOLDER}/"):
            yield path, KIT_FOLDER
        for number, line in change.added.items():
            if found := secret.search(line):
                yield f"{path}:{number}", found[0]


def _word(name: str) -> str:
    return rf"(?<![\w.-]){re.escape(name)}(?![\w-])"
