"""A workspace in memory that carries out tool calls, strictly."""

from __future__ import annotations

import json
import shlex
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

import jsonschema
import pytest

from runner.agent.schemas import PARAMETERS
from testbed.tree import File

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from runner.players.player import Answer, Call
    from testbed.tree import Tree


@dataclass(kw_only=True)
class Workspace:
    """Files, and what calls did to them."""

    files: dict[str, File]
    faults: list[str] = field(default_factory=list)
    """Why calls were refused."""
    commands: list[str] = field(default_factory=list)
    """Shell commands that are neither rm nor chmod."""
    finished: bool = False

    def play(self, answers: Iterable[Answer]) -> Workspace:
        """Carry out every call of every answer, in order."""
        for answer in answers:
            for call in answer.calls:
                self.act(call)
        return self

    def act(self, call: Call) -> None:
        """Carry out one call, or note why not."""
        try:
            arguments = json.loads(call.arguments)
        except ValueError:
            self.faults.append("invalid_json")
            return
        if call.name not in PARAMETERS:
            self.faults.append("unknown_tool")
            return
        validator = jsonschema.Draft202012Validator(PARAMETERS[call.name])
        if wrong := [str(error.validator) for error in validator.iter_errors(arguments)]:
            self.faults.extend(wrong)
            return
        getattr(self, f"_{call.name}")(**arguments)

    def _read_file(self, path: str) -> None:
        self._demand(path)

    def _write_file(self, path: str, content: str) -> None:
        old = self.files.get(path, File(b""))
        self.files[path] = replace(old, data=content.encode())

    def _edit_file(self, path: str, old_text: str, new_text: str) -> None:
        self._demand(path)
        text = self.files[path].data.decode()
        if old_text not in text:
            self.faults.append("old_text_not_found")
        elif text.find(old_text) != text.rfind(old_text) or old_text == new_text:
            raise AssertionError(f"{path}: {old_text!r} is not unique, or nothing changes")
        else:
            edited = text.replace(old_text, new_text).encode()
            self.files[path] = replace(self.files[path], data=edited)

    def _shell(self, command: str) -> None:
        match shlex.split(command):
            case ["rm", "--", *paths]:
                for path in paths:
                    del self.files[path]
            case ["chmod", mode, "--", path]:
                self.files[path] = replace(self.files[path], executable=mode == "+x")
            case _:
                self.commands.append(command)

    def _list_files(self, **_: object) -> None:
        pass

    def _search(self, **_: object) -> None:
        pass

    def _finish(self, summary: str) -> None:
        assert summary
        self.finished = True

    def _demand(self, path: str) -> None:
        assert path in self.files, f"{path} is not there"


@pytest.fixture
def open_workspace() -> Callable[[Tree], Workspace]:
    """Give a maker of workspaces that start as a tree."""
    return lambda tree: Workspace(files=dict(tree))
