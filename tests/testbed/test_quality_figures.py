"""Measures of a model's patches stand beside the reference solutions' own."""

from __future__ import annotations

import random
from typing import TYPE_CHECKING

import pytest

from testbed.findings import OwnTests, Quality
from testbed.metrics import run_figures
from testbed.quality_figures import MEASURES
from testbed.records import Patch, Trial, Verdict

if TYPE_CHECKING:
    from collections.abc import Callable

    from testbed.quality_figures import Beside
    from testbed.view import RunView

    Made = Callable[..., Trial]
    Shown = Callable[..., RunView]

PASS, FAIL, UNGRADED = Verdict.PASS, Verdict.FAIL, Verdict.UNGRADED


def longest(view: RunView) -> Beside:
    return run_figures(view).models[0].quality.measures["longest_function"]


def test_every_measure_of_quality_belongs_to_a_factor() -> None:
    assert sorted(MEASURES) == sorted(Quality.model_fields)


def test_means_are_over_valid_trials_with_a_patch(made: Made, shown: Shown) -> None:
    nothing = Patch(digest="e", files=(), added=0, deleted=0)
    trials = [
        made("a", 1, PASS, quality=Quality(longest_function=10)),
        made("a", 2, FAIL, quality=Quality(longest_function=20)),
        made("b", 1, PASS, quality=None),
        made("b", 2, PASS, quality=Quality(longest_function=900), patch=nothing),
        made("c", 1, UNGRADED, quality=Quality(longest_function=900)),
    ]
    found = longest(shown(*trials))

    assert (found.own.value, found.own.known, found.own.of) == (15, 2, 3)
    assert (found.reference.value, found.paired.value) == (None, None)
    assert run_figures(shown(*trials)).models[0].quality.patches == 3


def test_the_reference_weighs_each_scenario_as_the_model_does(made: Made, shown: Shown) -> None:
    trials = [
        made("a", 1, PASS, quality=Quality(longest_function=10)),
        made("a", 2, PASS, quality=Quality(longest_function=10)),
        made("b", 1, PASS, quality=Quality(longest_function=40)),
        made("b", 2, PASS, quality=None),
        made("c", 1, PASS, quality=Quality(longest_function=1000)),
    ]
    references = {"a": Quality(longest_function=8), "b": Quality(longest_function=20), "c": None}
    found = longest(shown(*trials, references=references))

    assert (found.paired.value, found.paired.known) == (20, 3)
    assert (found.reference.value, found.reference.known) == (12, 3)
    assert found.own.value == 265


def test_a_reference_without_the_measure_leaves_the_pair_out(made: Made, shown: Shown) -> None:
    trials = [made("a", 1, PASS, quality=Quality(longest_function=10))]
    found = longest(shown(*trials, references={"a": Quality(longest_function=None)}))

    assert (found.own.value, found.paired.value, found.reference.value) == (10, None, None)


@pytest.mark.parametrize("seed", range(20))
def test_a_model_that_leaves_the_references_equals_them(
    made: Made, shown: Shown, seed: int
) -> None:
    rng = random.Random(seed)  # noqa: S311  (data, no secret)
    references = {
        s: Quality(longest_function=rng.randrange(99), comment_share=rng.random())
        for s in "abc"
        if rng.random() < 0.8
    }
    trials = [
        made(s, r, rng.choice((PASS, FAIL)), quality=references.get(s, Quality(longest_function=1)))
        for s in "abc"
        for r in range(1, rng.randrange(1, 4))
    ]
    measures = run_figures(shown(*trials, references=references)).models[0].quality.measures

    for beside in measures.values():
        assert beside.paired == beside.reference
        assert beside.paired.known <= beside.own.known <= beside.own.of == len(trials)


def test_own_tests_are_added_up_over_trials_whose_tests_were_run(made: Made, shown: Shown) -> None:
    trials = [
        made("a", 1, PASS, own_tests=OwnTests(added=4, passing=3, proving=1)),
        made("a", 2, FAIL, own_tests=OwnTests(added=0, passing=0, proving=0)),
        made("b", 1, PASS, own_tests=None),
        made("c", 1, UNGRADED, own_tests=OwnTests(added=9, passing=9, proving=9)),
    ]
    tests = run_figures(shown(*trials)).models[0].own_tests

    assert (tests.trials_with, tests.trials) == (1, 3)
    assert (tests.added.value, tests.passing.value, tests.proving.value) == (4, 3, 1)
    assert tests.proving_share.rate == 0.25


def test_nobody_who_ran_no_tests_has_zero_of_them(made: Made, shown: Shown) -> None:
    tests = run_figures(shown(made("a", 1, PASS))).models[0].own_tests

    assert (tests.added.known_part, tests.proving_share.rate) == (None, None)
