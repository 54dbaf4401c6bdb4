"""The two prompts that every model gets, word for word the same."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from importlib import resources
from string import Template
from typing import TYPE_CHECKING, Final

from runner.agent.follow_up import WORDS
from runner.agent.schemas import TOOLS

if TYPE_CHECKING:
    from collections.abc import Mapping

    from runner.chat.base import Message

NUDGE: Final = (
    "Your reply called no tool. "
    "If the work is done, call `finish`; otherwise go on with a tool call."
)


@dataclass(frozen=True, kw_only=True)
class Task:
    """What the model is asked to do."""

    prompt: str
    """The ticket, whose first line is its heading."""
    commands: Mapping[str, str]
    """Purpose -> command line, e.g. `test` -> `npm test`."""


def opening(task: Task) -> list[Message]:
    """Return the messages that begin a conversation."""
    commands = "\n".join(f"- {name}: `{line}`" for name, line in task.commands.items())
    asked = Template(_text("task.md")).substitute(prompt=task.prompt.strip(), commands=commands)
    return [
        {"role": "system", "content": _text("system.md")},
        {"role": "user", "content": asked.strip()},
    ]


def prompts_digest(*, follow_ups: bool) -> str:
    """Digest everything that the harness itself says to a model (sha256)."""
    said = [_text("system.md"), _text("task.md"), NUDGE, json.dumps(TOOLS, sort_keys=True)]
    said += WORDS if follow_ups else ()
    return hashlib.sha256("\0".join(said).encode()).hexdigest()


def _text(name: str) -> str:
    folder = resources.files("runner.agent") / "prompts"
    return (folder / name).read_text(encoding="utf-8").strip()
