from __future__ import annotations

import random

import pytest

from testbed.sums import Mean, Share, Spread, Total, exact_sum


def test_a_sum_with_an_unknown_part_is_unknown_and_keeps_the_known_part() -> None:
    assert Total.over([1, None]) == Total(value=None, known_part=1, known=1, of=2)
    assert Total.over([]) == Total(value=None, known_part=None, known=0, of=0)
    assert Total.over([0.0]).value == 0


def test_counts_stay_whole_numbers() -> None:
    assert isinstance(exact_sum([1, 2]), int)
    assert exact_sum([0.1] * 10) == 1.0


def test_nothing_known_has_no_rate() -> None:
    assert Share.counted(0, 0).rate is None
    assert Share.over([None]) == Share(hits=0, known=0, of=1, rate=None)


@pytest.mark.parametrize("seed", range(20))
def test_no_figure_depends_on_the_order_of_its_parts(seed: int) -> None:
    rng = random.Random(seed)  # noqa: S311  (data, no secret)
    parts = [rng.choice((None, rng.uniform(-1, 1) * 10 ** rng.randrange(9))) for _ in range(40)]
    shuffled = rng.sample(parts, len(parts))

    for kind in (Total, Mean, Spread):
        assert kind.over(parts) == kind.over(shuffled)
