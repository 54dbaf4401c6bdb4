"""What was found out once stays found out, whatever happens to the process."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from runner.certify.ledger import Ledger, Outcome, key_of, open_ledger
from testbed.errors import UsageError

if TYPE_CHECKING:
    from pathlib import Path


async def note(ledger: Ledger, key: str, made: list[str]) -> Outcome:
    """Ask for an outcome; note when it had to be made."""

    async def make() -> Outcome:
        made.append(key)
        return Outcome(key=key, what="reference", verdict="pass", seconds=len(made))

    return await ledger.once(key, make)


async def test_an_outcome_is_made_once_and_the_same_later(tmp_path: Path) -> None:
    path, made = tmp_path / "certificates/minus.jsonl", list[str]()
    with open_ledger(path) as ledger:
        first = await note(ledger, "a", made)
        assert await note(ledger, "a", made) == first
    with open_ledger(path) as ledger:
        await note(ledger, "b", made)
        assert await note(ledger, "a", made) == first

    assert made == ["a", "b"]
    assert len(path.read_text().splitlines()) == 2


async def test_what_fails_leaves_nothing_behind(tmp_path: Path) -> None:
    path, made = tmp_path / "minus.jsonl", list[str]()

    async def fail() -> Outcome:
        raise KeyboardInterrupt

    with open_ledger(path) as ledger, pytest.raises(KeyboardInterrupt):
        await ledger.once("a", fail)
    with open_ledger(path) as ledger:
        await note(ledger, "a", made)

    assert made == ["a"]


async def test_a_line_that_a_crash_tore_is_made_again(tmp_path: Path) -> None:
    path, made = tmp_path / "minus.jsonl", list[str]()
    with open_ledger(path) as ledger:
        await note(ledger, "a", made)
        await note(ledger, "b", made)
    path.write_bytes(path.read_bytes()[:-20])

    with open_ledger(path) as ledger:
        await note(ledger, "b", made)
        await note(ledger, "a", made)

    assert made == ["a", "b", "b"]
    with open_ledger(path) as ledger:
        await note(ledger, "b", made)
    assert made == ["a", "b", "b"]


def test_two_processes_do_not_write_one_ledger(tmp_path: Path) -> None:
    path = tmp_path / "minus.jsonl"
    with (
        open_ledger(path),
        pytest.raises(UsageError, match="minus is being certified by another process"),
        open_ledger(path),
    ):
        pass


def test_a_line_that_is_no_outcome_is_named(tmp_path: Path) -> None:
    path = tmp_path / "minus.jsonl"
    path.write_text('{"key": "a"}\n')

    with (
        pytest.raises(UsageError, match=r"minus\.jsonl:1: no outcome .* Remove the file"),
        open_ledger(path),
    ):
        pass


def test_a_key_depends_on_every_part_and_not_on_the_order_of_a_mapping() -> None:
    assert key_of("grading", {"a": 1, "b": 2}) == key_of("grading", {"b": 2, "a": 1})
    assert len({key_of("a", 1), key_of("a", 2), key_of("b", 1), key_of("a", [1])}) == 4
