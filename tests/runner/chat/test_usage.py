from __future__ import annotations

from typing import Any

import pytest

from runner.chat.usage import read_usage
from testbed.records import Usage

CASES: dict[str, tuple[dict[str, Any], Usage]] = {
    "openai counts cache and reasoning inside": (
        {
            "prompt_tokens": 100,
            "completion_tokens": 50,
            "total_tokens": 150,
            "prompt_tokens_details": {"cached_tokens": 60},
            "completion_tokens_details": {"reasoning_tokens": 20},
        },
        Usage(fresh_input=40, cache_read=60, output=50, reasoning=20),
    ),
    "xai counts reasoning beside": (
        {
            "prompt_tokens": 100,
            "completion_tokens": 50,
            "total_tokens": 450,
            "prompt_tokens_details": {"cached_tokens": 0},
            "completion_tokens_details": {"reasoning_tokens": 300},
        },
        Usage(fresh_input=100, cache_read=0, output=350, reasoning=300),
    ),
    "more reasoning than completion stands beside it even without a total": (
        {
            "prompt_tokens": 100,
            "completion_tokens": 50,
            "completion_tokens_details": {"reasoning_tokens": 300},
        },
        Usage(fresh_input=100, output=350, reasoning=300),
    ),
    "moonshot puts cached_tokens at the top": (
        {"prompt_tokens": 10, "completion_tokens": 5, "total_tokens": 15, "cached_tokens": 4},
        Usage(fresh_input=6, cache_read=4, output=5),
    ),
    "deepseek tells hits and misses": (
        {
            "prompt_tokens": 10,
            "completion_tokens": 5,
            "total_tokens": 15,
            "prompt_cache_hit_tokens": 8,
            "prompt_cache_miss_tokens": 2,
        },
        Usage(fresh_input=2, cache_read=8, output=5),
    ),
    "anthropic counts the cache beside the input": (
        {
            "input_tokens": 10,
            "output_tokens": 5,
            "cache_read_input_tokens": 1000,
            "cache_creation_input_tokens": 200,
        },
        Usage(fresh_input=10, cache_read=1000, cache_write=200, output=5),
    ),
    "anthropic's cache stands beside a larger input too": (
        {"input_tokens": 1000, "output_tokens": 5, "cache_read_input_tokens": 10},
        Usage(fresh_input=1000, cache_read=10, output=5),
    ),
    "a gateway translates anthropic's cache into the prompt": (
        {
            "prompt_tokens": 1210,
            "completion_tokens": 5,
            "total_tokens": 1215,
            "cache_read_input_tokens": 1000,
            "cache_creation_input_tokens": 200,
        },
        Usage(fresh_input=10, cache_read=1000, cache_write=200, output=5),
    ),
    "what is not reported stays unknown": (
        {"prompt_tokens": 7, "completion_tokens": 0, "total_tokens": 7},
        Usage(fresh_input=7, output=0),
    ),
    "null details are not reported": (
        {"prompt_tokens": 7, "completion_tokens": 1, "prompt_tokens_details": None},
        Usage(fresh_input=7, output=1),
    ),
    "a reply without completion count has unknown output": (
        {"prompt_tokens": 7},
        Usage(fresh_input=7),
    ),
}


@pytest.mark.parametrize("case", CASES)
def test_usage_of_every_spelling_becomes_disjoint_classes(case: str) -> None:
    raw, expected = CASES[case]

    reading = read_usage(raw)

    assert reading.usage == expected
    assert reading.flag is None


def test_a_total_that_fits_neither_reading_leaves_the_output_unknown_and_says_so() -> None:
    reading = read_usage({"prompt_tokens": 10, "completion_tokens": 5, "total_tokens": 99})

    assert reading.usage == Usage(fresh_input=10)
    assert reading.flag == "usage does not add up: completion 5, total 99"


@pytest.mark.parametrize("raw", [None, {}, {"queue_time": 0.1}, {"prompt_tokens": "7"}])
def test_an_object_without_counts_is_no_usage(raw: dict[str, Any] | None) -> None:
    assert read_usage(raw).usage is None


@pytest.mark.parametrize(
    ("raw", "expected"),
    [
        (
            {"prompt_tokens": 20, "completion_tokens": 198, "total_tokens": 623},
            Usage(fresh_input=20, output=603, reasoning=405),
        ),
        (
            {"prompt_tokens": 20, "completion_tokens": 5, "total_tokens": 25},
            Usage(fresh_input=20, output=5, reasoning=0),
        ),
        ({"prompt_tokens": 20, "completion_tokens": 5}, Usage(fresh_input=20, output=5)),
        (
            {
                "prompt_tokens": 20,
                "completion_tokens": 5,
                "total_tokens": 25,
                "completion_tokens_details": {"reasoning_tokens": 3},
            },
            Usage(fresh_input=20, output=5, reasoning=3),
        ),
    ],
)
def test_what_only_the_total_holds_is_reasoning_where_a_card_says_so(
    raw: dict[str, Any], expected: Usage
) -> None:
    assert read_usage(raw, reasoning_in_total=True).usage == expected
