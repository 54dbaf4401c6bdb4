"""What certificates say as a table: never better than it is, and the same in the documentation."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from reports.certificates import (
    cells,
    markdown_table,
    most_flakes,
    score,
    sentences,
    summary,
    survivors,
)
from reports.words import UNKNOWN
from testbed.briefs import CertificateBrief
from testbed.certified import Standing, certificate_path, standings
from testbed.scenario import load_suite
from testbed.store import write_record

if TYPE_CHECKING:
    from collections.abc import Callable

    from testbed.certificate import Certificate
    from testbed.scenario import Scenario

ROOT = Path(__file__).parents[2]
TINY = ROOT / "tests/suites/tiny"
BRIEF = CertificateBrief(
    state="fresh",
    accepted=3,
    rejected=11,
    gradings=40,
    flakes=1,
    most_flakes=0.1316,
    killed=848,
    mutants=1000,
    score=0.848,
)


def test_a_score_is_rounded_down_and_a_flake_rate_up() -> None:
    assert score(BRIEF) == "84 %"
    assert score(BRIEF.model_copy(update={"killed": 29, "mutants": 100})) == "29 %"
    assert score(BRIEF.model_copy(update={"killed": 1000})) == "100 %"
    assert most_flakes(BRIEF) == "14 %"


def test_what_is_not_known_is_a_dash_and_no_zero() -> None:
    bare = CertificateBrief(state="none")

    assert (score(bare), most_flakes(bare)) == (UNKNOWN, UNKNOWN)
    assert score(BRIEF.model_copy(update={"killed": 0, "mutants": 0})) == UNKNOWN
    assert "Not scored by mutants." in sentences(BRIEF.model_copy(update={"mutants": None}))


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({}, "score 84 %"),
        ({"killed": None, "mutants": None, "score": None}, "fresh"),
        ({"faults": ("19 gradings are fewer than 20",)}, "faults"),
        ({"state": "stale", "faults": ("stale: prompt.md has changed",)}, "stale"),
        ({"state": "none", "faults": ("not certified",)}, "none"),
    ],
)
def test_in_a_word_a_score_is_told_of_a_sound_certificate_alone(
    change: dict[str, object], said: str
) -> None:
    assert summary(BRIEF.model_copy(update=change)) == said


def test_a_certificate_is_a_row_of_the_table(
    certify: Callable[[Scenario], Certificate], tmp_path: Path
) -> None:
    root = Path(shutil.copytree(TINY, tmp_path / "suite"))
    (scenario,) = load_suite(root).scenarios
    bare = markdown_table(standings([scenario]))
    write_record(certificate_path(scenario), certify(scenario))
    found = standings([scenario])

    assert cells(found["minus"]) == ("2", "1", "0 of 20", "17 %", "12 of 13", "92 %")
    assert bare.splitlines()[2] == f"| `minus` |{f' {UNKNOWN} |' * 6}"
    assert markdown_table(found).splitlines()[2] == (
        "| `minus` | 2 | 1 | 0 of 20 | 17 % | 12 of 13 | 92 % |"
    )


def test_survivors_are_listed_in_a_line_each_but_for_those_that_are_explained(
    certify: Callable[[Scenario], Certificate], tmp_path: Path
) -> None:
    (scenario,) = load_suite(shutil.copytree(TINY, tmp_path / "suite")).scenarios
    made = certify(scenario)
    assert made.mutation
    (one,) = made.mutation.survivors
    long = one.model_copy(update={"before": f"if (a)\n  {80 * 'x'}", "after": ""})
    known = one.model_copy(update={"equivalent": "Both are whole."})
    mutation = made.mutation.model_copy(update={"survivors": (one, long, known)})
    changed = made.model_copy(update={"mutation": mutation})

    listed = survivors(Standing(certificate=changed, faults=(), state="fresh"))

    assert listed == [
        "lib/sum.mjs:2: `+` as `|` is not found: lib/sum.mjs:swap-arithmetic:1",
        f"lib/sum.mjs:2: `if (a) {53 * 'x'}…` as `` is not found: lib/sum.mjs:swap-arithmetic:1",
    ]
    assert survivors(Standing(certificate=None, faults=(), state="none")) == []


def test_the_documentation_holds_the_table_of_the_certificates() -> None:
    text = (ROOT / "docs/scenarios.md").read_text()
    table = markdown_table(standings(load_suite(ROOT).scenarios))

    assert table in text, "put there what `testbed certify --check --markdown` prints"
