"""The toolbox's own walk and sinks, on the host: what no call from outside can time exactly."""

from __future__ import annotations

import os
import random
import re
import shutil
import threading
from contextlib import suppress
from typing import TYPE_CHECKING

import pytest

from runner.sandbox import toolbox

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture
def workspace(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    place = tmp_path / "app"
    place.mkdir()
    monkeypatch.setattr(toolbox, "WORKSPACE", str(place))
    return place


def test_a_link_swapped_in_between_check_and_use_never_leads_out(workspace: Path) -> None:
    outside = workspace.parent / "outside"
    outside.mkdir()
    (outside / "file").write_text("secret")
    (workspace / "real").mkdir()
    (workspace / "real" / "file").write_text("inside")
    stop = threading.Event()

    def swap() -> None:
        here, kept = workspace / "real", workspace / "kept"
        while not stop.is_set():
            shutil.rmtree(kept, ignore_errors=True)  # a write may have made a folder meanwhile
            for step in (
                lambda: here.rename(kept),
                lambda: here.symlink_to(outside),
                here.unlink,
                lambda: kept.rename(here),
            ):
                with suppress(OSError):
                    step()

    thread = threading.Thread(target=swap)
    thread.start()
    outcomes: set[bytes] = set()
    tries = 0
    try:
        while b"secret" not in outcomes and (
            tries < 3000 or not outcomes >= {b"inside", b"is_link"}
        ):
            tries += 1
            try:
                outcomes.add(toolbox.load("real/file", 100))
                toolbox.store("real/file", b"inside")
            except toolbox.Fault as fault:
                outcomes.add(fault.code.encode())
    finally:
        stop.set()
        thread.join()
    assert b"secret" not in outcomes
    assert (outside / "file").read_text() == "secret"
    assert [p.name for p in outside.iterdir()] == ["file"]


def test_the_walk_leaves_no_descriptor_open(workspace: Path) -> None:
    before = os.listdir("/proc/self/fd")  # noqa: PTH208  (names are enough)
    toolbox.store("a/b/c", b"x")
    toolbox.load("a/b/c", 10)
    toolbox.op_entries(".", 9, 100)
    toolbox.op_search("x", ".", None, 9)
    for path in ("a/b", "a/b/c/d", "none/x", "../x"):
        with pytest.raises(toolbox.Fault):
            toolbox.load(path, 10)
    assert len(os.listdir("/proc/self/fd")) == len(before)  # noqa: PTH208  (names are enough)
    assert workspace.is_dir()


@pytest.mark.parametrize("size", [0, 1, 9, 10, 11, 19, 20, 21, 22, 500])
def test_a_sink_keeps_head_and_tail_and_counts_the_rest(size: int) -> None:
    data = bytes(random.Random(size).randbytes(size))  # noqa: S311  (test data)
    for step in (1, 3, 7, 1000):
        sink = toolbox.Sink(10, 10)
        for at in range(0, size, step):
            sink.feed(data[at : at + step])
        kept = sink.result()
        if size <= 20:
            assert (kept, sink.cut) == (data, 0)
        else:
            mark = b"\n[... %d bytes cut ...]\n" % (size - 20)
            assert (kept, sink.cut) == (data[:10] + mark + data[-10:], size - 20)


@pytest.mark.parametrize(
    ("glob", "path", "matches"),
    [
        ("*.ts", "a.ts", True),
        ("*.ts", "b/a.ts", False),
        ("**/*.ts", "a.ts", True),
        ("**/*.ts", "b/c/a.ts", True),
        (".next/**", ".next", True),
        (".next/**", ".next/a/b", True),
        (".next/**", "x/.next", False),
        ("app/**/x", "app/x", True),
        ("app/**/x", "app/b/x", True),
        ("{a,b}/?.[jt]s", "b/x.js", True),
        ("{a,b}/?.[!jt]s", "b/x.js", False),
        ("a+b(c).txt", "a+b(c).txt", True),
    ],
)
def test_globs_cross_folders_only_by_two_stars(glob: str, path: str, *, matches: bool) -> None:
    assert bool(toolbox.glob_regex(glob).fullmatch(path)) is matches


@pytest.mark.parametrize(
    ("pattern", "literal"),
    [
        ("useState", "useState"),
        (r"use(State|Effect)Once", "Once"),
        (r"a?bcd+ef", "bc"),
        ("(?i)abc", ""),
        ("a|b", ""),
        (r"\d+", ""),
        (r"x\.y\(", "x.y("),
    ],
)
def test_only_text_that_every_match_contains_is_looked_for_first(
    pattern: str, literal: str
) -> None:
    assert toolbox.needed_literal(pattern) == literal


def test_the_search_by_literal_finds_what_the_plain_one_finds() -> None:
    pieces = ["foo", "bar", " ", "\n", "\r\n", "1", "foobar", "é"]
    source = random.Random(1)  # noqa: S311  (test data)
    for _ in range(300):
        text = "".join(source.choices(pieces, k=source.randrange(40)))
        rows = text.split("\n")[: -1 if text.endswith("\n") else None] if text else []
        for pattern in ("foo", "bar\\d?", "^foo", "1$", "^$", "o b", "é"):
            regex = re.compile(pattern)
            plain = [
                (n, r.rstrip("\r")) for n, r in enumerate(rows, 1) if regex.search(r.rstrip("\r"))
            ]
            literal = toolbox.needed_literal(pattern)
            assert list(toolbox.matching_lines(text, regex, literal)) == plain
