"""Tool-call deltas -> slots: by index, id and name together, never by one of them alone."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

_KNOWN = frozenset({"index", "id", "type", "function"})


@dataclass(slots=True)
class Slot:
    """One tool call while its pieces come in."""

    id: str = ""
    name: str = ""
    arguments: str = ""
    extra: dict[str, Any] = field(default_factory=dict)
    """Keys of the provider's own; they go back with the history as they came."""


class CallSlots:
    """The tool calls of one reply, in the order in which they began."""

    def __init__(self) -> None:
        self.slots: list[Slot] = []
        self._by_index: dict[int, Slot] = {}

    def add(self, delta: Mapping[str, Any]) -> bool:
        """Take one delta; say whether it held a piece of a name or of arguments."""
        function = delta.get("function")
        function = function if isinstance(function, Mapping) else {}
        call_id, name = _text(delta.get("id")), _text(function.get("name"))
        arguments = _arguments(function.get("arguments"))
        index = delta.get("index")
        extra = {key: value for key, value in delta.items() if key not in _KNOWN}
        if not (call_id or name or arguments or extra):
            return False
        slot = self._slot(index if isinstance(index, int) else None, call_id)
        if _begins_another(slot, call_id, name, arguments):
            slot = self._open()
        if isinstance(index, int):
            self._by_index[index] = slot
        slot.id = slot.id or call_id
        slot.name = slot.name or name
        slot.arguments += arguments
        slot.extra.update(extra)
        return bool(name or arguments)

    def close(self) -> tuple[Slot, ...]:
        """Return the slots; their texts can be encoded whatever the chunks held."""
        for slot in self.slots:
            slot.id, slot.name = whole_text(slot.id), whole_text(slot.name)
            slot.arguments = whole_text(slot.arguments)
        return tuple(self.slots)

    def _slot(self, index: int | None, call_id: str) -> Slot:
        """Return the slot that a delta seems to continue, or a new one."""
        if index is not None:
            return self._by_index.get(index) or self._open()
        same_id = [slot for slot in self.slots if call_id and slot.id == call_id]
        return (same_id or self.slots or [self._open()])[-1]

    def _open(self) -> Slot:
        self.slots.append(Slot())
        return self.slots[-1]


def whole_text(text: str) -> str:
    """Join surrogate pairs that were cut between chunks; replace those that stay alone."""
    if text.isascii():
        return text
    return text.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")


def _begins_another(slot: Slot, call_id: str, name: str, arguments: str) -> bool:
    """Decide whether a delta cannot belong to the slot that its index or position names."""
    if not name or not slot.name:
        # Some servers draw a fresh id for every delta of one call: only a name begins a call.
        return False
    if call_id and slot.id and call_id != slot.id:
        return True
    # Nothing but the name tells them apart. Servers that repeat it in every delta do so while
    # the call is unfinished, or with nothing to add.
    return name != slot.name or (bool(arguments) and _finished(slot.arguments))


def _finished(arguments: str) -> bool:
    try:
        json.loads(arguments)
    except (ValueError, RecursionError):
        return False
    return True


def _text(value: object) -> str:
    return value if isinstance(value, str) else ""


def _arguments(value: object) -> str:
    """Return arguments as text; some bridges send the object itself."""
    if isinstance(value, Mapping | list):
        return json.dumps(value, ensure_ascii=False)
    return _text(value)
