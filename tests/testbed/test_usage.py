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
