"""Review files: what a person fills in, written blinded and read back fault by fault."""

from __future__ import annotations

import hashlib
import random
import tomllib
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Final

from testbed.errors import UsageError
from testbed.marks import LEAST, MOST, Factor, Mark

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from pathlib import Path

    from runner.judging.docket import Exhibit
    from runner.judging.question import Rubric

NOT_MARKED: Final = 0
"""Stands in a template where a score goes."""
_HEAD: Final = ("run", "reviewer", "rubric", "blinded", "entry")
_FIELDS: Final = ("id", *Factor, "note")
_SCALE: Final = f"a whole number from {LEAST} to {MOST}"


def entry_id(run_id: str, exhibit: Exhibit) -> str:
    """Name a patch so that its name says nothing."""
    whole = "\0".join([run_id, *(str(part) for part in exhibit.key), exhibit.patch])
    return f"p-{hashlib.sha256(whole.encode()).hexdigest()[:10]}"


def write_template(
    run_id: str,
    exhibits: Sequence[Exhibit],
    rubric: Rubric,
    *,
    reviewer: str,
    show_models: bool = False,
) -> str:
    """Write the TOML file to fill in, its entries in an order of the reviewer's own."""
    order = random.Random(f"{run_id}\0{reviewer}").sample(exhibits, len(exhibits))  # noqa: S311
    opening = (
        f"Give each patch {_SCALE} per factor, in place of {NOT_MARKED}.\n"
        "An entry left at 0 throughout is not marked. Lines that begin with # are only read.\n\n"
        f"{rubric.text}"
    )
    head = (
        f"run = {_quoted(run_id)}\n"
        f"reviewer = {_quoted(reviewer)}\n"
        f"rubric = {_quoted(rubric.digest)}\n"
        f"blinded = {str(not show_models).lower()}\n"
    )
    entries = (_entry(run_id, exhibit, show_models=show_models) for exhibit in order)
    return "\n".join([_comment(opening), head, *entries])


def _entry(run_id: str, exhibit: Exhibit, *, show_models: bool) -> str:
    key = exhibit.key
    whose = f"\n\nWritten by {key.model}, repeat {key.repeat}" if show_models else ""
    shown = f"{'=' * 90}\nTHE TASK{whose}\n\n{exhibit.task}\n\nTHE PATCH\n\n{exhibit.diff}"
    blanks = "".join(f"{factor} = {NOT_MARKED}\n" for factor in Factor)
    name = _quoted(entry_id(run_id, exhibit))
    return f'{_comment(shown)}\n[[entry]]\nid = {name}\n{blanks}note = ""\n'


def _comment(text: str) -> str:
    """Write a text as comment lines; what a terminal or TOML would act on is shown escaped."""
    return "".join(f"# {_harmless(line)}".rstrip() + "\n" for line in text.split("\n"))


def _harmless(line: str) -> str:
    line = line.removesuffix("\r")
    return "".join(c if c.isprintable() or c == "\t" else f"\\u{{{ord(c):x}}}" for c in line)


def _quoted(text: str) -> str:
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'


def read_review(
    path: Path, run_id: str, exhibits: Sequence[Exhibit], *, reviewer: str
) -> tuple[Mark, ...]:
    """Return the marks of a filled-in file; raise `UsageError` with a line for every fault.

    Entries that are not marked are left out; a file without any mark is a fault.
    """
    data = _load(path)
    faults = [f"{path}: {fault}" for fault in _faults(data, run_id, exhibits, reviewer)]
    if faults:
        raise UsageError("\n".join(faults))
    known = {entry_id(run_id, exhibit): exhibit for exhibit in exhibits}
    filled = [entry for entry in data["entry"] if _is_marked(entry)]
    if not filled:
        raise UsageError(f"{path}: no entry is marked", next_step="Put scores in place of the 0s")
    return tuple(_mark(known[entry["id"]], entry, data) for entry in filled)


def _load(path: Path) -> dict[str, Any]:
    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise UsageError(f"{path}: no such file", next_step="Leave --file out to get one") from None
    except (OSError, UnicodeDecodeError) as fault:
        raise UsageError(f"{path}: cannot be read", next_step="Save it as UTF-8") from fault
    except tomllib.TOMLDecodeError as fault:
        raise UsageError(f"{path}: not TOML: {fault}", next_step="Mend that line") from fault


def _faults(
    data: Mapping[str, Any], run_id: str, exhibits: Sequence[Exhibit], reviewer: str
) -> Iterator[str]:
    for key in data.keys() - set(_HEAD):
        yield f"`{key}` is not known: remove it"
    for key, wanted in (("run", run_id), ("reviewer", reviewer)):
        if data.get(key) != wanted:
            yield f"`{key}` is {data.get(key)!r}, not {wanted!r}: give the file it belongs to"
    if not isinstance(data.get("rubric"), str) or not isinstance(data.get("blinded"), bool):
        yield "`rubric` or `blinded` is missing: put the lines of the template back"
    entries = data.get("entry")
    if not isinstance(entries, list) or not all(isinstance(one, dict) for one in entries):
        yield "there is no list of [[entry]]: put those of the template back"
        return
    yield from _entry_faults(entries, {entry_id(run_id, exhibit) for exhibit in exhibits})


def _entry_faults(entries: Sequence[Mapping[str, Any]], known: set[str]) -> Iterator[str]:
    seen: set[object] = set()
    for number, entry in enumerate(entries, 1):
        name = entry.get("id")
        label = f"entry {number} ({name})"
        if not isinstance(name, str) or name not in known:
            yield f"{label}: no patch to be marked has this `id`: take it from the template"
        elif name in seen:
            yield f"{label}: stands twice: remove one"
        seen.add(str(name))
        yield from (f"{label}: {fault}" for fault in _field_faults(entry))


def _field_faults(entry: Mapping[str, Any]) -> Iterator[str]:
    for key in entry.keys() - set(_FIELDS):
        yield f"`{key}` is not known: remove it"
    if not isinstance(entry.get("note", ""), str):
        yield "`note` is no text: put it in quotes"
    for factor in Factor:
        score = entry.get(factor, NOT_MARKED)
        if score == NOT_MARKED and type(score) is int:
            if _is_marked(entry):
                yield f"`{factor}` is not marked: give {_SCALE}, or 0 for all factors"
        elif type(score) is not int or not LEAST <= score <= MOST:
            yield f"`{factor}` is {score!r}: give {_SCALE}"


def _is_marked(entry: Mapping[str, Any]) -> bool:
    return any(entry.get(factor, NOT_MARKED) != NOT_MARKED for factor in Factor)


def _mark(exhibit: Exhibit, entry: Mapping[str, Any], data: Mapping[str, Any]) -> Mark:
    return Mark(
        **exhibit.key._asdict(),
        patch=exhibit.patch,
        by=f"human:{data['reviewer']}",
        scores={factor: entry[factor] for factor in Factor},
        note=entry.get("note", "").strip(),
        rubric=data["rubric"],
        blinded=data["blinded"],
        cost_usd=0.0,
        at=datetime.now(UTC).isoformat(timespec="seconds"),
    )
