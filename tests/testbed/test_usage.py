from __future__ import annotations

import pytest

from testbed.records import Usage


def test_a_cache_class_that_is_not_reported_is_inside_the_fresh_input() -> None:
    assert Usage(fresh_input=100, output=7).read == 100
    assert Usage(fresh_input=100, cache_read=40, cache_write=2, output=7).read == 142
    assert Usage(fresh_input=100, cache_read=40, cache_write=2, output=7).total == 149


@pytest.mark.parametrize("usage", [Usage(cache_read=40, output=7), Usage(fresh_input=100), Usage()])
def test_a_total_with_an_unknown_part_is_unknown(usage: Usage) -> None:
    assert usage.total is None


def test_a_sum_reads_as_much_as_its_parts_when_only_one_tells_its_cache_apart() -> None:
    told = Usage(fresh_input=20, cache_read=80, cache_write=5, output=7, reasoning=3)
    untold = Usage(fresh_input=100, cache_write=1, output=2, reasoning=0)

    for added in (told + untold, untold + told):
        assert added == Usage(
            fresh_input=200, cache_read=None, cache_write=6, output=9, reasoning=3
        )
        assert added.read == 206


def test_classes_that_both_tell_apart_stay_apart() -> None:
    one = Usage(fresh_input=20, cache_read=80, cache_write=5, output=7, reasoning=3)

    assert one + one == Usage(
        fresh_input=40, cache_read=160, cache_write=10, output=14, reasoning=6
    )
    assert (one + Usage(output=1)).fresh_input is None
