"""Whatever a model or a provider writes stays words: on every page, in every download."""

from __future__ import annotations

import csv
import io
import json
from typing import TYPE_CHECKING, Final

import pytest

from reports.site.build import SiteOptions, build_site
from testbed.marks import Factor, Mark, append_mark

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from testbed.store import Run
    from tests.reports.site.conftest import Maker
    from tests.reports.site.reading import Built

MARKUP: Final = (
    "\"'><img src=x onerror=alert(1)></script><script>alert(2)</script>"
    "<svg onload=alert(3)></svg><!-- {{ 7 * 7 }} <a href=javascript:alert(4)>"
)
STEERING: Final = "\x1b[31m\x9b31m\u202egnp.exe\u2066\u200b\ufeff\x00\x07"
HOSTILE: Final = f"{MARKUP}{STEERING}"
FORMULA: Final = '=HYPERLINK("https://evil.example";"x")'
LINE: Final = 10_000_000
FORBIDDEN: Final = ("<img src=x", "<script>alert", "<svg onload", "<a href=javascript", "\x1b")
HIDDEN: Final = ("\u202e", "\u2066", "\u200b", "\ufeff", "\x00", "\x07", "\x9b")
PAGE_BYTES: Final = 1_500_000


@pytest.fixture
def hostile(make_run: Maker) -> Run:
    """Write hostile text wherever a model, a provider, a test or a rater can write."""
    foreign = make_run.saying(
        text=f"{HOSTILE}\n{'x' * LINE}\n{HOSTILE}",
        name=f"{HOSTILE}{'n' * 10_000}",
        arguments=json.dumps({HOSTILE: HOSTILE, "path": "a" * 100_000}),
        diff=(
            f"diff --git a/{MARKUP} b/{MARKUP}\n--- a/{MARKUP}\n+++ b/{MARKUP}\n"
            f"@@ -1 +1,3 @@ {MARKUP}\n"
            f"-{HOSTILE}\n+{HOSTILE}\n+bad \udcff\udcfe bytes\n+{'y' * LINE}\n"
        ),
        file=f"{HOSTILE}{'f' * 5000}",
        test=f"{HOSTILE}::{HOSTILE}",
        output=f"{HOSTILE} \udcff\udcfe\n{'z' * LINE}",
        served=(HOSTILE, FORMULA, "s" * LINE),
        headers={HOSTILE: HOSTILE, "x-limit": "h" * 1_000_000},
    )
    results = {"m/one": {"alpha": "+-"}, "n/two": {"alpha": "-?"}}
    run = make_run("r1", results, foreign=foreign)
    for trial in run.view().trials[:2]:
        append_mark(run.paths.marks, _mark(trial.key))
    return run


def _mark(key: tuple[str, str, int]) -> Mark:
    return Mark(
        model=key[0],
        scenario=key[1],
        repeat=key[2],
        attempt=1,
        patch="p",
        by=f"human:{MARKUP}",
        scores=dict.fromkeys(Factor, 3),
        note=HOSTILE,
        rubric="r",
        at="2026-11-20T09:00:00+00:00",
    )


@pytest.mark.parametrize("single", [False, True], ids=["folder", "single file"])
def test_hostile_text_is_shown_and_is_never_markup_and_never_large(
    hostile: Run,
    tmp_path: Path,
    read_site: Callable[[Path], Built],
    single: bool,  # noqa: FBT001  (a parameter of the test)
) -> None:
    build_site([hostile], tmp_path / "s", options=SiteOptions(single_file=single))
    site = read_site(tmp_path / "s")

    for path in site.folder.rglob("*.html"):
        text = path.read_text(encoding="utf-8")
        assert not [one for one in (*FORBIDDEN, *HIDDEN) if one in text], path
        assert path.stat().st_size < PAGE_BYTES, path
    for name, page in site.pages.items():
        assert not {one for one in page.attributes if one.startswith("on")}, name
        assert "style" not in page.attributes, name
        assert not {"iframe", "object", "embed", "base"} & page.tags.keys(), name
        assert not [one for one in page.addresses if "javascript" in one or "//" in one], name
    assert site.faults() == set()
    assert sum(path.stat().st_size for path in site.folder.rglob("*")) < 4 * PAGE_BYTES


def test_no_cell_of_the_table_is_a_formula_or_steers_a_terminal(
    make_run: Maker, tmp_path: Path
) -> None:
    served = (FORMULA, "\t@SUM(A1)", "\uff1d1+1", "+1", "-1", "=cmd|' /C calc'!A0", HOSTILE)
    run = make_run("r1", {"m": {"alpha": "++"}, "n": {"alpha": "+-"}})
    for place, name in enumerate(served):
        trial = run.view().trials[0]
        run.add(trial.model_copy(update={"served_models": (name,)}))
        build_site([run], tmp_path / "s", options=SiteOptions(trials="none"))
        text = (tmp_path / "s" / "trials.csv").read_bytes().decode()
        cell = next(csv.DictReader(io.StringIO(text, newline="")))["served_models"]

        assert not cell.lstrip().startswith(("=", "+", "-", "@", "\uff1d")), place
        assert not [one for one in HIDDEN if one in text]
        assert "\x1b" not in text


def test_the_data_hold_foreign_text_escaped_and_cut(hostile: Run, tmp_path: Path) -> None:
    build_site([hostile], tmp_path / "s", options=SiteOptions(trials="none"))
    raw = (tmp_path / "s" / "data.json").read_bytes()
    served = json.loads(raw)["models"][0]["measures"]["served"]

    assert raw.isascii()
    assert b"\x1b" not in raw
    assert HOSTILE in served
    assert len(raw) < 1_000_000


def test_a_file_whose_name_is_no_utf_8_stops_nothing(
    make_run: Maker, tmp_path: Path, read_site: Callable[[Path], Built]
) -> None:
    run = make_run("r1", {"m": {"alpha": "+"}})
    (folder,) = run.paths.folder.glob("trials/m/alpha/1/1")
    with open(bytes(folder) + b"/\xff\xfe<img src=x>", "wb"):  # noqa: PTH123  (no text is its name)
        pass

    build_site([run], tmp_path / "s")

    assert read_site(tmp_path / "s").faults() == set()
