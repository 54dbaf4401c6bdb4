"""What a player is: a pure function from the conversation so far to its next answer."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from runner.chat.base import Message

if TYPE_CHECKING:
    from testbed.tree import Tree


@dataclass(frozen=True, slots=True)
class Call:
    """A tool call as it goes over the wire: `arguments` may be anything, even broken JSON."""

    name: str
    arguments: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Answer:
    """One reply of a player. Its calls are to be carried out in their order."""

    text: str = ""
    calls: tuple[Call, ...] = ()


Respond = Callable[[Sequence[Message]], Answer]
"""The conversation so far -> the next answer."""


@dataclass(frozen=True, kw_only=True)
class Performance:
    """What the stand-ins know about a scenario, and no model ever does."""

    seeded: Tree
    """The workspace as the conversation finds it."""
    reference: Tree
    """The same workspace after the reference solution."""
    test_command: str
    """The command line that runs the visible tests."""
    forbidden_path: str | None = None
    """A text file of both trees that the task says to leave alone, for `sloppy`."""


@dataclass(frozen=True, kw_only=True)
class Player:
    """A stand-in for a model: its name, and how it learns its part.

    `rehearse` is called once per trial; the function that it returns must be pure, so that
    one conversation can be resumed, repeated or answered twice with the same outcome.
    """

    name: str
    rehearse: Callable[[Performance], Respond]

    @property
    def model(self) -> str:
        """Name it as a served model: never a real model's name."""
        return f"scripted/{self.name}"


def call(name: str, **parameters: object) -> Call:
    """Write a well-formed call."""
    return Call(name, json.dumps(parameters, ensure_ascii=False))


def recite(answers: Sequence[Answer]) -> Respond:
    """Answer from a list by position.

    The position is the number of assistant messages in the conversation, nothing else: what
    the tools or the user said is not looked at, and an answer that the history does not keep
    is given again. Past the end the last answer repeats.
    """
    lines = tuple(answers)
    if not lines:
        raise ValueError("a script needs at least one answer")

    def respond(messages: Sequence[Message]) -> Answer:
        said: int = sum(message.get("role") == "assistant" for message in messages)
        return lines[min(said, len(lines) - 1)]

    return respond


def script(*answers: Answer) -> Player:
    """Make a player of answers given as data, whatever the performance."""
    respond = recite(answers)
    return Player(name="script", rehearse=lambda _: respond)
