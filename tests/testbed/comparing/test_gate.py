"""What the gate lets through, what it stops, and what it will not decide."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from testbed.comparing.comparison import (
    Comparison,
    Direction,
    FigurePair,
    Outcome,
    Ratio,
    ScenarioPair,
    Side,
)
from testbed.comparing.gate import Decision, GateOutcome, Policy, decide, load_policy
from testbed.comparing.paired import difference_over_suite, difference_over_tasks
from testbed.errors import UsageError
from testbed.figures import Counts
from testbed.metrics import run_figures
from testbed.stats import Tally
from testbed.view import ModelView, RunView

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

PASS, REGRESSION, INCONCLUSIVE = GateOutcome
BROAD = Policy(margin=0.3)


def a_side(model: str, *, planned: int, valid: int) -> Side:
    view = RunView(
        run_id="r",
        created="",
        models=(ModelView(name=model, scripted=False),),
        scenarios=(),
        repeats=1,
        trials=(),
    )
    counts = Counts(planned=planned, valid=valid, ungraded=planned - valid, not_run=0)
    (figures,) = run_figures(view).models
    return Side(model=model, scripted=False, runs=("r",), counts=counts, figures=figures)


def a_comparison(
    a: Sequence[int],
    b: Sequence[int],
    k: int = 6,
    *,
    lost: int = 0,
    figures: tuple[FigurePair, ...] = (),
) -> Comparison:
    """Make one from passes of k trials; `lost` of the candidate's have no verdict beside them."""
    left, right = ([Tally(passes=c, trials=k) for c in row] for row in (a, b))
    trials = k * len(a)
    return Comparison(
        a=a_side("old", planned=trials, valid=trials),
        b=a_side("new", planned=trials + lost, valid=trials),
        scenarios=tuple(
            ScenarioPair(scenario=f"s{i}", title="", kind="bug", a=x, b=y, planned=k, fisher_p=1.0)
            for i, (x, y) in enumerate(zip(left, right, strict=True))
        ),
        paired=len(a),
        rate_a=None,
        rate_b=None,
        tasks=difference_over_tasks(left, right),
        suite=difference_over_suite(left, right),
        sign_flip_p=None,
        mcnemar_p=None,
        bounds=None,
        holm_p=None,
        margin=0.1,
        outcome=Outcome.INCONCLUSIVE,
        up=(),
        down=(),
        kinds=(),
        figures=figures,
        detectable=None,
        settling=None,
        unlike=(),
    )


def money(
    name: str, *, a: float, b: float | None, ratio: float | None, known: int = 6
) -> FigurePair:
    return FigurePair(
        id=name,
        direction=Direction.LOWER,
        a=a,
        b=b,
        difference=None,
        ratio=Ratio(value=ratio, interval=None, known=known, of=6),
    )


def broken(decision: Decision, outcome: GateOutcome) -> list[str]:
    return [reason.text for reason in decision.reasons if reason.outcome is outcome]


SAME, LITTLE, MUCH, MORE = [4] * 6, [3] * 6, [1] * 6, [6] * 6


@pytest.mark.parametrize(
    ("b", "regression", "outcome", "code"),
    [
        (MORE, "worse", PASS, 0),
        (MORE, "not-shown", PASS, 0),
        (SAME, "worse", INCONCLUSIVE, 4),
        (SAME, "not-shown", REGRESSION, 1),
        (LITTLE, "worse", INCONCLUSIVE, 4),
        (LITTLE, "not-shown", REGRESSION, 1),
        (MUCH, "worse", REGRESSION, 1),
        (MUCH, "not-shown", REGRESSION, 1),
    ],
)
def test_the_suites_own_interval_decides(
    b: list[int], regression: str, outcome: GateOutcome, code: int
) -> None:
    """Six scenarios, six repeats: half the interval is 15 to 24 points."""
    policy = Policy.model_validate({"regression": regression})
    decision = decide(a_comparison(SAME, b), policy)

    assert (decision.outcome, decision.exit_code) == (outcome, code)
    assert len(decision.reasons) == 1


def test_a_wide_margin_turns_an_open_question_into_a_pass() -> None:
    assert decide(a_comparison(SAME, SAME), BROAD).outcome is PASS


def test_worse_but_within_the_margin_is_a_regression_only_where_worse_counts() -> None:
    found = a_comparison([58] * 6, [54] * 6, 60)

    assert decide(found, Policy(margin=0.2)).outcome is REGRESSION
    assert decide(found, Policy(margin=0.2, regression="not-shown")).outcome is PASS


def test_the_gate_asks_about_this_suite_and_not_about_other_tasks() -> None:
    """Scenarios that disagree widen the headline, not the gate."""
    found = a_comparison([20, 20, 20, 20, 20, 0], [0, 0, 20, 20, 20, 20], 20)

    assert found.tasks is not None
    assert found.tasks.interval is not None
    assert found.tasks.interval.low < -0.2 < 0 < found.tasks.interval.high
    assert decide(found, Policy()).outcome is REGRESSION


@pytest.mark.parametrize(
    ("found", "policy", "words"),
    [
        (a_comparison(MORE[:5], MORE[:5]), BROAD, "Scenarios compared: 5"),
        (a_comparison(MORE, MORE, 6), Policy(min_repeats=7), "at a scenario: 6,"),
        (a_comparison(MORE, MORE, lost=3), BROAD, "3 of 39 planned trials of new"),
        (a_comparison([], []), BROAD, "Scenarios compared: 0"),
    ],
)
def test_too_little_evidence_is_inconclusive_whatever_it_says(
    found: Comparison, policy: Policy, words: str
) -> None:
    decision = decide(found, policy)

    assert (decision.outcome, decision.exit_code) == (INCONCLUSIVE, 4)
    assert words in " ".join(broken(decision, INCONCLUSIVE))


def test_evidence_that_is_just_enough_decides() -> None:
    found = a_comparison(MORE, MORE, lost=1)

    assert decide(found, Policy(margin=0.2, min_repeats=6, max_ungraded=1 / 37)).outcome is PASS


@pytest.mark.parametrize(
    ("b", "ratio", "known", "outcome"),
    [
        (1.2, 1.2, 6, PASS),
        (1.3, 1.2001, 6, REGRESSION),
        (1.0, None, 0, INCONCLUSIVE),
        (1.0, 1.0, 5, INCONCLUSIVE),
        (0.0, None, 6, PASS),
    ],
)
def test_the_ceiling_of_the_cost_ratio_holds_for_what_was_spent(
    b: float, ratio: float | None, known: int, outcome: GateOutcome
) -> None:
    figure = money("cost_per_trial", a=1.0, b=b, ratio=ratio, known=known)
    found = a_comparison(MORE, MORE, figures=(figure,))

    assert decide(found, Policy(margin=0.2, max_cost_ratio=1.2)).outcome is outcome


@pytest.mark.parametrize(("b", "outcome"), [(0.5, PASS), (0.51, REGRESSION), (None, INCONCLUSIVE)])
def test_the_ceiling_of_the_cost_per_solved_task_is_in_dollars(
    b: float | None, outcome: GateOutcome
) -> None:
    figure = money("cost_per_solved", a=9.0, b=b, ratio=None)
    found = a_comparison(MORE, MORE, figures=(figure,))

    assert decide(found, Policy(margin=0.2, max_cost_per_solved_usd=0.5)).outcome is outcome


def test_a_cost_beyond_its_ceiling_outweighs_what_is_open() -> None:
    figure = money("cost_per_trial", a=1.0, b=3.0, ratio=3.0)
    decision = decide(a_comparison(SAME, SAME, figures=(figure,)), Policy(max_cost_ratio=2))

    assert decision.outcome is REGRESSION
    assert len(broken(decision, INCONCLUSIVE)) == 1


def test_a_protected_scenario_that_fisher_says_got_worse_stops_the_candidate() -> None:
    found = a_comparison([6, *[3] * 11], [1, *[4] * 11])
    decision = decide(found, Policy(margin=0.3, protected=("s0",)))

    assert decision.outcome is REGRESSION
    assert broken(decision, REGRESSION) == ["s0 got worse: 6/6 before, 1/6 now, p 0.015."]


def test_the_more_scenarios_are_protected_the_more_each_has_to_show() -> None:
    found = a_comparison([6, *[3] * 11], [1, *[4] * 11])
    many = Policy(margin=0.3, protected=tuple(f"s{i}" for i in range(12)))

    assert decide(found, many).outcome is PASS


def test_a_loss_that_so_few_trials_can_never_show_is_open() -> None:
    found = a_comparison([3] * 12, [0, *[3] * 11], 3)
    decision = decide(found, Policy(margin=0.3, protected=("s0",)))

    assert decision.outcome is INCONCLUSIVE
    assert "can never show" in broken(decision, INCONCLUSIVE)[0]


def test_a_protected_scenario_without_trials_is_open_and_an_unknown_one_refused() -> None:
    found = a_comparison(MORE, MORE)
    first, *rest = found.scenarios
    found = replace(found, scenarios=(replace(first, b=None), *rest))

    assert decide(found, Policy(margin=0.2, protected=("s0",))).outcome is INCONCLUSIVE
    with pytest.raises(UsageError, match="nowhere"):
        decide(found, Policy(protected=("nowhere",)))


def test_a_policy_is_read_from_toml(tmp_path: Path) -> None:
    path = tmp_path / "gate.toml"
    path.write_text('margin = 0.05\nregression = "not-shown"\nprotected = ["s1"]\n')

    assert load_policy(path) == Policy(margin=0.05, regression="not-shown", protected=("s1",))
    assert load_policy(None) == Policy()


@pytest.mark.parametrize(
    ("line", "key"),
    [
        ("margin = 2", "margin"),
        ("min_repeats = 1", "min_repeats"),
        ('regression = "never"', "regression"),
        ("max_cost_ratio = 0", "max_cost_ratio"),
        ("max_cost_ratio = inf", "max_cost_ratio"),
        ("strict = true", "strict"),
    ],
)
def test_a_policy_that_makes_no_sense_is_refused_by_its_key(
    tmp_path: Path, line: str, key: str
) -> None:
    path = tmp_path / "gate.toml"
    path.write_text(line)

    with pytest.raises(UsageError, match=f"gate.toml.*`{key}`"):
        load_policy(path)
