"""The messages of one conversation: what the model said, and what it was told."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from runner.agent.prompts import NUDGE, Task, opening
from testbed.records import Stage, ToolCall

if TYPE_CHECKING:
    from collections.abc import Sequence

    from runner.chat.base import ChatFailure, Message, Reply

_BROKEN: Final = "Your last reply was rejected, because its tool call was broken: "


class History:
    """An append-only conversation."""

    def __init__(self, task: Task) -> None:
        self.messages: list[Message] = opening(task)

    def add(self, reply: Reply, calls: Sequence[ToolCall]) -> None:
        """Append a reply and the results of its calls; a reply without calls gets a nudge."""
        # A message without content or calls is refused by most endpoints.
        if reply.message.get("content") or reply.message.get("tool_calls"):
            self.messages.append(reply.message)
        told = [] if calls else [NUDGE]
        for emitted, call in zip(reply.calls, calls, strict=True):
            if emitted.flaw == "leaked_text_call":
                # Text has no call id that a tool's message could answer.
                told.append(call.result)
            else:
                answer = {"role": "tool", "tool_call_id": call.id, "content": call.result}
                self.messages.append(answer)
        if told:
            self.messages.append({"role": "user", "content": "\n".join(told)})

    def reject(self, fault: ChatFailure, *, turn: int) -> ToolCall:
        """Tell the model of a call that its provider did not let through, and return it."""
        call = ToolCall(
            id=f"rejected_{turn}",
            name="",
            raw_arguments="",
            stage=Stage.EMITTED,
            cause="provider_rejected",
            result=_BROKEN + fault.detail,
        )
        self.messages.append({"role": "user", "content": call.result})
        return call
