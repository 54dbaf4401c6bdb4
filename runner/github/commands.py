"""What a job tells GitHub's runner: annotations, outputs, the summary, and silence for others."""

from __future__ import annotations

import json
import secrets
import sys
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Final, Literal

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

Level = Literal["error", "warning", "notice"]
MOST_SUMMARY: Final = 1_000_000
"""Bytes: the platform drops a step's summary of 1 MiB and more whole."""


def annotate(level: Level, text: str, *, title: str = "") -> None:
    """Say one thing on the job's page; foreign text cannot leave its line."""
    named = f" title={_escaped(title).replace(':', '%3A').replace(',', '%2C')}" if title else ""
    sys.stdout.write(f"::{level}{named}::{_escaped(text)}\n")
    sys.stdout.flush()


@contextmanager
def foreign_output() -> Iterator[None]:
    """Keep the runner from obeying what is printed meanwhile, on both streams.

    The markers go to stderr, where the foreign words go too: two streams keep no common order.
    """
    token = secrets.token_hex(16)
    sys.stdout.flush()
    _to_stderr(f"::stop-commands::{token}")
    try:
        yield
    finally:
        sys.stdout.flush()
        # A progress bar on a terminal leaves its line open, and a command must begin one.
        _to_stderr(f"\n::{token}::")


def write_outputs(found: Mapping[str, object], environ: Mapping[str, str]) -> None:
    """Append a step's outputs to the file that `GITHUB_OUTPUT` names; nothing where it is unset.

    Text is written as it is, `None` as nothing, anything else as JSON.
    """
    place = environ.get("GITHUB_OUTPUT", "")
    if not place:
        return
    with Path(place).open("a", encoding="utf-8") as file:
        for name, value in found.items():
            end = f"end-{secrets.token_hex(8)}"
            file.write(f"{name}<<{end}\n{_told(value)}\n{end}\n")


def append_summary(markdown: str, environ: Mapping[str, str]) -> None:
    """Append to the file that `GITHUB_STEP_SUMMARY` names; nothing where it is unset."""
    place = environ.get("GITHUB_STEP_SUMMARY", "")
    if not place:
        return
    path = Path(place)
    there = path.stat().st_size if path.is_file() else 0
    if there + len(markdown.encode()) < MOST_SUMMARY:
        with path.open("a", encoding="utf-8") as file:
            file.write(markdown)


def _told(value: object) -> str:
    if value is None:
        return ""
    return value if isinstance(value, str) else json.dumps(value)


def _escaped(text: str) -> str:
    return text.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def _to_stderr(line: str) -> None:
    sys.stderr.write(f"{line}\n")
    sys.stderr.flush()
