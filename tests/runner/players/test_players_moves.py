from __future__ import annotations

import json
import random
from typing import TYPE_CHECKING, Any

import pytest

from runner.players.moves import carry_out
from testbed.errors import ScenarioError
from testbed.tree import File

if TYPE_CHECKING:
    from collections.abc import Callable

    from testbed.tree import Tree

LINES = (
    "a\n",
    "a\n",
    "b\n",
    "}\n",
    "\n",
    "  a\n",
    "é 🙂 \u2028x\n",
    "c\r\n",
    "}\r\n",
    "\x0c\n",
    "\r",
)


def text(chance: random.Random, *, most: int = 30) -> str:
    lines = "".join(chance.choices(LINES, k=chance.randrange(most)))
    return lines + chance.choice(["", "", "a", "}", "no newline"])


def edited(chance: random.Random, before: str) -> str:
    lines = before.splitlines(keepends=True)
    for _ in range(chance.randrange(1, 5)):
        start = chance.randrange(len(lines) + 1)
        end = min(start + chance.randrange(4), len(lines))
        lines[start:end] = chance.choices(LINES, k=chance.randrange(4))
    after = "".join(lines)
    return chance.choice([after, after, after, after.rstrip("\n"), after + "\n", ""])


def two_trees(chance: random.Random) -> tuple[dict[str, File], dict[str, File]]:
    names = ["app/[id]/page.tsx", "a b's.ts", "-rf", "$HOME.ts", "ü.ts", "lib/x.ts", "lib/y.ts"]
    before: dict[str, File] = {}
    after: dict[str, File] = {}
    for name in names:
        old = File(text(chance).encode(), chance.random() < 0.2)
        changed = edited(chance, old.data.decode()).encode()
        new = File(changed, chance.random() < 0.2)
        fate = chance.randrange(6)
        if fate:
            before[name] = old
        if fate == 1:
            after[name] = old
        elif fate != 2:
            after[name] = new
    return before, after


def calls(before: Tree, after: Tree) -> list[tuple[str, dict[str, Any]]]:
    return [
        (call.name, json.loads(call.arguments))
        for answer in carry_out(before, after)
        for call in answer.calls
    ]


@pytest.mark.parametrize("seed", range(40))
def test_carrying_out_the_moves_turns_any_tree_into_the_other(
    seed: int, open_workspace: Callable[[Tree], Any]
) -> None:
    chance = random.Random(seed)  # noqa: S311  (repeatable trees, no secret)
    for _ in range(25):
        before, after = two_trees(chance)
        workspace = open_workspace(before).play(carry_out(before, after))
        assert workspace.files == after
        assert not workspace.faults
        assert not workspace.commands


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("x\n" * 50, "x\n" * 51),
        ("x\n" * 50, "x\n" * 25 + "y\n" + "x\n" * 25),
        ("x\n" * 50, "x\n" * 10 + "y\n" + "x\n" * 30 + "y\n" + "x\n" * 10),
        ("aaa", "aaaa"),
        ("a\nb", "a\nb\n"),
        ("a\r\nb\r\n", "a\nb\n"),
        ("a\n", ""),
        ("", "a\n"),
        ("\ufeffa\n", "\ufeffb\n"),
    ],
)
def test_lines_that_repeat_and_odd_endings_are_edited_exactly(
    before: str, after: str, open_workspace: Callable[[Tree], Any]
) -> None:
    old, new = {"f": File(before.encode())}, {"f": File(after.encode())}
    workspace = open_workspace(old).play(carry_out(old, new))
    assert workspace.files == new


def test_a_changed_file_is_read_and_then_edited_where_it_changes() -> None:
    lines = [f"line {number}\n" for number in range(100)]
    changed = [*lines[:10], "new\n", *lines[11:90], *lines[91:]]
    before, after = "".join(lines).encode(), "".join(changed).encode()
    assert calls({"f.ts": File(before)}, {"f.ts": File(after)}) == [
        ("read_file", {"path": "f.ts"}),
        (
            "edit_file",
            {
                "path": "f.ts",
                "old_text": "line 9\nline 10\nline 11\n",
                "new_text": "line 9\nnew\nline 11\n",
            },
        ),
        (
            "edit_file",
            {
                "path": "f.ts",
                "old_text": "line 89\nline 90\nline 91\n",
                "new_text": "line 89\nline 91\n",
            },
        ),
    ]


def test_names_are_quoted_for_the_shell() -> None:
    before = {"it's $(x).ts": File(b"a"), "-f": File(b"b")}
    assert calls(before, {}) == [("shell", {"command": "rm -- -f 'it'\"'\"'s $(x).ts'"})]


def test_nothing_to_change_takes_no_move() -> None:
    tree = {"a": File(b"\0binary"), "b": File(b"text")}
    assert carry_out(tree, tree) == ()


@pytest.mark.parametrize("data", [b"\xff\xfe", b"a\0b"])
@pytest.mark.parametrize("binary_first", [True, False])
def test_a_change_of_a_binary_file_is_refused_by_name(data: bytes, *, binary_first: bool) -> None:
    pair = (File(data), File(b"text"))
    before, after = pair if binary_first else pair[::-1]
    with pytest.raises(ScenarioError, match=r"logo\.png"):
        carry_out({"logo.png": before}, {"logo.png": after})


def test_a_binary_file_may_be_removed(open_workspace: Callable[[Tree], Any]) -> None:
    before = {"logo.png": File(b"\xff\0")}
    assert open_workspace(before).play(carry_out(before, {})).files == {}
