"""What a player is: a pure function from the conversation so far to its next answer."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from runner.chat.base import Message
from testbed.records import Stage

if TYPE_CHECKING:
    from testbed.tree import Tree


@dataclass(frozen=True, slots=True)
class Call:
    """A tool call as it goes over the wire: `arguments` may be anything, even broken JSON.

    `stage` and `cause` never go over the wire: they say what must become of the call.
    """

    name: str
    arguments: str
    stage: Stage = Stage.EFFECTIVE
    cause: str | None = None

    def stopping(self, stage: Stage, cause: str) -> Call:
        """Say that the call goes no further than a stage, and why."""
        return Call(self.name, self.arguments, stage, cause)


@dataclass(frozen=True, kw_only=True, slots=True)
class Pace:
    """When the tokens of a streamed answer go out; the head of the response goes at once."""

    first_s: float
    """Seconds from the request to the first token."""
    gap_s: float = 0.0
    """Seconds from each token's event to the next one's."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Bill:
    """The tokens that an answer reports in place of what the server would count."""

    prompt: int
    """All input, cached tokens included."""
    cached: int = 0
    completion: int
    """All output, reasoning included."""
    reasoning: int = 0


@dataclass(frozen=True, kw_only=True, slots=True)
class Answer:
    """One reply of a player. Its calls are to be carried out in their order."""

    reasoning: str = ""
    text: str = ""
    calls: tuple[Call, ...] = ()
    leaks: int = 0
    """Calls that reasoning and text hold as text; never sent as such."""
    deltas: int = 4
    """A streamed text, or the arguments of a streamed call, come in at most this many."""
    cut: bool = False
    """Say that the reply ended at the limit of its length."""
    pace: Pace | None = None
    bill: Bill | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class Rejection:
    """An error response to one request, whatever was asked."""

    request: int
    """Which request of the trial it answers, from 1."""
    status: int
    code: str
    message: str
    headers: tuple[tuple[str, str], ...] = ()


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
    visible_tests: tuple[str, ...] = ()
    """Test files of both trees that must stay green."""
    report: str = ""
    """Where the first grading step writes its report."""
    repeat: int = 1
    """1-based repeat index of the trial."""


@dataclass(frozen=True, kw_only=True)
class Player:
    """A stand-in for a model: its name, and how it learns its part.

    `rehearse` is called once per trial; the function that it returns must be pure, so that
    one conversation can be resumed, repeated or answered twice with the same outcome.
    """

    name: str
    rehearse: Callable[[Performance], Respond]
    rejections: tuple[Rejection, ...] = ()
    """Error responses in place of answers; they alone depend on how many requests there were."""

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
