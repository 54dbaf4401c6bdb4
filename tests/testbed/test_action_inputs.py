"""The action's inputs: read strictly, every fault told at once."""

from __future__ import annotations

import pytest

from testbed.action_inputs import InputsRefused, read_inputs

GOOD = {"INPUT_CANDIDATE": "moonshot/kimi-k3", "INPUT_BASELINE": "scripted/oracle"}


def test_two_models_are_enough() -> None:
    found = read_inputs(GOOD)

    assert (found.candidate, found.baseline, found.suite) == (*GOOD.values(), ".")
    assert (found.repeats, found.shards, found.jobs, found.margin) == (3, 1, None, None)
    assert (found.fail_on, found.comment, found.max_cost_usd) == ("regression", True, None)


def test_every_input_is_read() -> None:
    found = read_inputs(
        {
            "INPUT_CANDIDATE": "cards/new.toml",
            "INPUT_BASELINE": "cards/old.toml",
            "INPUT_SUITE": "eval/suite",
            "INPUT_SCENARIOS": "minus, plus\n\nminus,",
            "INPUT_REPEATS": " 5 ",
            "INPUT_JOBS": "2",
            "INPUT_MAX_COST_USD": "12.50",
            "INPUT_FAIL_ON": "inconclusive",
            "INPUT_MARGIN": "0.05",
            "INPUT_BASELINE_RESULTS": "earlier/results",
            "INPUT_COMMENT": "false",
            "INPUT_SHARDS": "4",
        }
    )

    assert found.scenarios == ("minus", "plus")
    assert (found.repeats, found.jobs, found.shards) == (5, 2, 4)
    assert (found.max_cost_usd, found.margin, found.comment) == (12.5, 0.05, False)
    assert found.baseline_results == "earlier/results"


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("CANDIDATE", ""),
        ("CANDIDATE", "$(id)"),
        ("CANDIDATE", "a/../b"),
        ("CANDIDATE", "../card.toml"),
        ("CANDIDATE", "--help"),
        ("BASELINE", "a\n::error::b"),
        ("BASELINE", "mödel"),
        ("SUITE", "-o"),
        ("SUITE", "a/../../etc"),
        ("SUITE", "a;b"),
        ("SCENARIOS", "minus,../x"),
        ("SCENARIOS", "Minus"),
        ("REPEATS", "0"),
        ("REPEATS", "101"),
        ("REPEATS", "٣"),
        ("JOBS", "1e1"),
        ("MAX_COST_USD", "0"),
        ("MAX_COST_USD", "-1"),
        ("MAX_COST_USD", "inf"),
        ("MAX_COST_USD", "1_000"),
        ("FAIL_ON", "always"),
        ("MARGIN", "10"),
        ("MARGIN", "nan"),
        ("BASELINE_RESULTS", "`x`"),
        ("COMMENT", "yes"),
        ("SHARDS", "257"),
    ],
)
def test_anything_else_is_refused_in_one_line_that_names_the_input(name: str, value: str) -> None:
    with pytest.raises(InputsRefused) as refused:
        read_inputs(GOOD | {f"INPUT_{name}": value})

    (line,) = refused.value.faults
    assert line.startswith(f"INPUT_{name} ")
    assert line.isascii()
    assert line.isprintable()


def test_all_faults_are_told_at_once() -> None:
    with pytest.raises(InputsRefused) as refused:
        read_inputs({"INPUT_REPEATS": "many", "INPUT_MARGIN": "x" * 500})

    assert [line.split()[0] for line in refused.value.faults] == [
        "INPUT_CANDIDATE",
        "INPUT_BASELINE",
        "INPUT_REPEATS",
        "INPUT_MARGIN",
    ]
    assert max(map(len, refused.value.faults)) < 200


def test_a_model_is_compared_with_itself_only_across_time() -> None:
    same = {"INPUT_CANDIDATE": "scripted/oracle", "INPUT_BASELINE": "scripted/oracle"}

    with pytest.raises(InputsRefused, match="the same model"):
        read_inputs(same)
    assert read_inputs(same | {"INPUT_BASELINE_RESULTS": "earlier"}).baseline_results == "earlier"
