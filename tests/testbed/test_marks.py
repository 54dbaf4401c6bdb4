"""Marks on disk, and what they amount to."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any

import pytest
from pydantic import ValidationError

from testbed.errors import RunError
from testbed.marks import (
    Factor,
    Mark,
    agreement,
    append_mark,
    counted_marks,
    marks_cost,
    mean_scores,
    rater_agreement,
    read_marks,
    sample_agreement,
)

if TYPE_CHECKING:
    from pathlib import Path

JUDGE, ANNA = "judge:acme/critic", "human:Anna"


def mark(*scores: int, **fields: Any) -> Mark:  # noqa: ANN401 (any field)
    """Make a mark with these scores, one for all factors or one each; none is no mark."""
    each = scores * 4 if len(scores) == 1 else scores
    known = {
        "model": "acme/a",
        "scenario": "minus",
        "repeat": 1,
        "attempt": 1,
        "patch": "p1",
        "by": JUDGE,
        "scores": dict(zip(Factor, each, strict=True)) if scores else None,
        "fault": None if scores else "invalid: no call",
        "rubric": "r1",
        "card": "c1",
        "cost_usd": 0.25,
        "at": "2026-11-22T10:00:00+00:00",
    }
    return Mark.model_validate(known | fields)


def test_marks_are_read_as_they_were_written(tmp_path: Path) -> None:
    path = tmp_path / "marks.jsonl"
    marks = (mark(1, 2, 3, 4), mark(), mark(5, by=ANNA, card=None, cost_usd=0.0))

    for one in marks:
        append_mark(path, one)

    assert read_marks(path) == marks
    assert read_marks(tmp_path / "none.jsonl") == ()


def test_a_torn_last_line_costs_that_line_alone(tmp_path: Path) -> None:
    path = tmp_path / "marks.jsonl"
    append_mark(path, mark(1))
    with path.open("ab") as file:
        file.write(mark(2).model_dump_json().encode()[:40])

    assert read_marks(path) == (mark(1),)
    append_mark(path, mark(3))
    assert read_marks(path) == (mark(1), mark(3))


def test_other_damage_names_file_and_line(tmp_path: Path) -> None:
    path = tmp_path / "marks.jsonl"
    append_mark(path, mark(1))
    append_mark(path, mark(2))
    path.write_bytes(path.read_bytes().replace(b'"modularity":1', b'"modularity":9'))

    with pytest.raises(RunError, match=r"marks\.jsonl:1: `scores\.modularity`"):
        read_marks(path)


def test_marks_of_several_writers_do_not_mix(tmp_path: Path) -> None:
    path = tmp_path / "marks.jsonl"
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda n: append_mark(path, mark(3, sample=n)), range(1, 41)))

    assert sorted(one.sample for one in read_marks(path)) == list(range(1, 41))


@pytest.mark.parametrize(
    "fields",
    [
        {"scores": {"modularity": 3}},
        {"scores": {**dict.fromkeys(Factor, 3), "modularity": 6}},
        {"scores": None},
        {"fault": "invalid: but there are scores"},
        {"by": "acme/critic"},
        {"sample": 0},
    ],
)
def test_half_a_mark_is_refused(fields: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        mark(3, **fields)


def test_the_latest_mark_of_a_rater_for_a_try_counts() -> None:
    marks = [
        mark(1, by=ANNA),
        mark(2, by=ANNA, scenario="other"),
        mark(5, by=ANNA),
        mark(3),
        mark(),
    ]

    assert set(scores(counted_marks(marks))) == {(ANNA, 5), (ANNA, 2), (JUDGE, 3)}


def test_marks_under_another_rubric_or_card_are_not_mixed_in() -> None:
    old = [mark(1, sample=n) for n in (1, 2, 3)]

    assert scores(counted_marks([*old, mark(5, rubric="r2")])) == [(JUDGE, 5)]
    assert scores(counted_marks([*old, mark(4, card="c2")])) == [(JUDGE, 4)]
    back = counted_marks([*old, mark(5, rubric="r2"), mark(2, sample=4)])
    assert scores(back) == [(JUDGE, 1), (JUDGE, 1), (JUDGE, 1), (JUDGE, 2)]


def scores(marks: tuple[Mark, ...]) -> list[tuple[str, int]]:
    return [(one.by, one.scores[Factor.MODULARITY]) for one in marks if one.scores]


def test_what_judges_cost_includes_what_came_to_nothing() -> None:
    assert marks_cost([mark(1), mark(), mark(2)]) == 0.75
    assert marks_cost([]) == 0
    assert marks_cost([mark(1), mark(2, cost_usd=None)]) is None


def test_a_try_counts_once_in_a_mean_whatever_its_samples() -> None:
    marks = [
        mark(1, sample=1),
        mark(2, sample=2),
        mark(5, repeat=2),
        mark(4, model="acme/b"),
        mark(),
        mark(3, 1, 1, 1, by=ANNA),
    ]

    means = mean_scores(marks)

    assert means[JUDGE]["acme/a"] == dict.fromkeys(Factor, 3.25)  # ((1 + 2) / 2 + 5) / 2
    assert means[JUDGE]["acme/b"][Factor.TESTABILITY] == 4
    assert means[ANNA]["acme/a"][Factor.MODULARITY] == 3


def test_agreement_is_what_was_worked_out_by_hand() -> None:
    # observed: 2 (1 + 0 + 4) / 6 = 5/3; the six values' squared differences sum to
    # 6 * 71 - 19^2 = 65 over 15 pairs: 13/3; alpha = 1 - 5/13
    found = agreement([(1, 2), (4, 4), (3, 5), (2,)])

    assert found.pairs == 3
    assert found.within_one == pytest.approx(2 / 3)
    assert found.alpha == pytest.approx(8 / 13)


def test_agreement_is_that_of_krippendorffs_own_example() -> None:
    # K. Krippendorff, Computing Krippendorff's Alpha-Reliability (2011), part D: 0.849
    observers = ("123321412...", "1233224125.3", ".3332342251.", "12332441251.")
    units = [[int(o[n]) for o in observers if o[n] != "."] for n in range(12)]

    assert agreement(units).alpha == pytest.approx(0.849, abs=5e-4)


def test_agreement_without_pairs_or_variation_is_unknown() -> None:
    alone, equal = agreement([(3,), (4,)]), agreement([(3, 3), (3, 3)])

    assert (alone.pairs, alone.within_one, alone.alpha) == (0, None, None)
    assert (equal.pairs, equal.within_one, equal.alpha) == (2, 1.0, None)


def test_samples_and_raters_are_compared_factor_by_factor() -> None:
    marks = [
        mark(1, 1, 3, 1, sample=1),
        mark(2, 1, 5, 1, sample=2),
        mark(4, repeat=2),
        mark(5, 1, 3, 1, by=ANNA),
    ]

    samples, raters = sample_agreement(marks), rater_agreement(marks)

    assert samples[JUDGE][Factor.MODULARITY].within_one == 1
    assert samples[JUDGE][Factor.MAINTAINABILITY].within_one == 0
    assert samples[ANNA][Factor.MODULARITY].pairs == 0
    assert raters[Factor.MODULARITY].pairs == 1
    assert raters[Factor.MODULARITY].within_one == 0  # 1.5 and 5
    assert raters[Factor.READABILITY].within_one == 1
