"""Two records of one thing, field by field."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from itertools import zip_longest
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator

    from testbed.record import Record

ABSENT: Final = "absent"
_SHOWN: Final = 100


@dataclass(frozen=True, kw_only=True)
class Difference:
    """One field that is not what it was."""

    field: str
    """Dotted path, e.g. `latencies.3.ttft_s`."""
    was: object
    now: object

    def __str__(self) -> str:
        return f"{self.field}: was {_shown(self.was)}, is {_shown(self.now)}"


def differences(
    was: Record, now: Record, *, prefix: str = "", but: Collection[str] = ()
) -> list[Difference]:
    """List the leaves that differ, to the last digit.

    `but` are dotted paths to be left out. Fields that did not exist yet when `was` was stored
    are left out as well.
    """
    unknown = type(was).model_fields.keys() - was.model_fields_set
    left, right = (record.model_dump(mode="json", exclude=unknown) for record in (was, now))
    found = compare(prefix, left, right)
    left_out = [f"{prefix}.{name}" if prefix else name for name in but]
    return [d for d in found if not any(f"{d.field}.".startswith(f"{n}.") for n in left_out)]


def compare(path: str, was: object, now: object) -> list[Difference]:
    """List the leaves of two JSON values that differ."""
    return list(_compare(path, was, now))


def _compare(path: str, was: Any, now: Any) -> Iterator[Difference]:  # noqa: ANN401  (JSON)
    if isinstance(was, Mapping) and isinstance(now, Mapping):
        for key in (*was, *(key for key in now if key not in was)):
            yield from _compare(_join(path, key), was.get(key, ABSENT), now.get(key, ABSENT))
    elif isinstance(was, list | tuple) and isinstance(now, list | tuple):
        for at, (left, right) in enumerate(zip_longest(was, now, fillvalue=ABSENT)):
            yield from _compare(_join(path, str(at)), left, right)
    elif was != now or isinstance(was, bool) != isinstance(now, bool):
        yield Difference(field=path, was=was, now=now)


def _join(path: str, key: str) -> str:
    return f"{path}.{key}" if path else key


def _shown(value: object) -> str:
    text = repr(value)
    return text if len(text) <= _SHOWN else f"{text[: _SHOWN - 1]}…"
