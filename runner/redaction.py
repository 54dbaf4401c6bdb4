"""The keys of endpoints are taken out of everything before it is stored."""

from __future__ import annotations

import json
import os
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, TypeVar

from testbed.record import Record

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from testbed.catalog import ModelCard

R = TypeVar("R", bound=Record)

MARK: Final = "[key]"
"""Stands where a key stood."""
SHORTEST_SECRET: Final = 8
"""Keys below this length are placeholders of servers without keys."""


@dataclass(frozen=True)
class Redactor:
    """Takes keys out of what is kept. Without keys it returns everything as it is."""

    keys: tuple[str, ...] = ()
    """Longest first, so that no key is torn by one that it contains."""

    @classmethod
    def of(cls, keys: Iterable[str]) -> Redactor:
        """Make one for these keys; placeholders are no secrets."""
        secret = {key for key in keys if len(key) >= SHORTEST_SECRET}
        return cls(tuple(sorted(secret, key=lambda key: (-len(key), key))))

    @classmethod
    def for_cards(cls, cards: Iterable[ModelCard]) -> Redactor:
        """Make one for the keys that the environment holds for these models."""
        names = {card.key_variable for card in cards if card.key_variable}
        return cls.of(os.environ.get(name, "").strip() for name in names)

    def text(self, text: str) -> str:
        """Take the keys out of a text."""
        for key in self.keys:
            text = text.replace(key, MARK)
        return text

    def data(self, data: bytes) -> bytes:
        """Take the keys out of bytes, also where JSON or XML writes them otherwise."""
        for key in self.keys:
            for form in _forms(key):
                data = data.replace(form, MARK.encode())
        return data

    def value(self, value: Any) -> Any:  # noqa: ANN401 (any JSON value)
        """Take the keys out of every text of a JSON value."""
        if not self.keys:
            return value
        if isinstance(value, str):
            return self.text(value)
        if isinstance(value, dict):
            return {self._name(name): self.value(part) for name, part in value.items()}
        if isinstance(value, (list, tuple)):
            return [self.value(part) for part in value]
        return value

    def _name(self, name: str) -> str:
        # A placeholder such as `messages` must not break the fields of records and requests.
        return name if name.isidentifier() else self.text(name)

    def record(self, record: R) -> R:
        """Take the keys out of every text of a record."""
        if not self.keys:
            return record
        clean = self.value(record.model_dump(mode="json"))
        return type(record).model_validate_json(json.dumps(clean))

    def pieces(self, pieces: Sequence[tuple[float, bytes]]) -> Sequence[tuple[float, bytes]]:
        """Take the keys out of a body that came in pieces, also where it was cut inside one."""
        body = b"".join(piece for _, piece in pieces)
        if self.data(body) == body:
            return pieces
        clean = [(at, self.data(piece)) for at, piece in pieces]
        joined = b"".join(piece for _, piece in clean)
        rest = self.data(joined)
        return clean if rest == joined else [(pieces[-1][0], rest)]


NO_KEYS: Final = Redactor()


def _forms(key: str) -> Sequence[bytes]:
    """List how a key may be written: plain, in JSON, in JSON with escaped slashes, in XML."""
    quoted = json.dumps(key)[1:-1]
    markup = key.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
    forms = {key, quoted, quoted.replace("/", "\\/"), markup, markup.replace('"', "&quot;")}
    return [form.encode() for form in sorted(forms, key=len, reverse=True)]
