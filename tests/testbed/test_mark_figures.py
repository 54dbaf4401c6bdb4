"""Marks stay opinions: averaged per rater, about the very patch that counts, paid for apart."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from testbed.marks import Factor, Mark
from testbed.metrics import run_figures
from testbed.records import Trial, Verdict
from testbed.view import ModelView

if TYPE_CHECKING:
    from collections.abc import Callable

    from testbed.view import RunView

    Made = Callable[..., Trial]
    Shown = Callable[..., RunView]

PASS, UNGRADED = Verdict.PASS, Verdict.UNGRADED


def a_mark(trial: Trial, score: int, **changes: Any) -> Mark:  # noqa: ANN401  (any field)
    fields: dict[str, Any] = {
        "model": trial.model,
        "scenario": trial.scenario,
        "repeat": trial.repeat,
        "attempt": trial.attempt,
        "patch": trial.patch.digest if trial.patch else "",
        "by": "judge:j",
        "scores": dict.fromkeys(Factor, score),
        "rubric": "r",
        "card": "c",
        "cost_usd": 0.5,
        "at": "2026-11-22T15:00:00+00:00",
    }
    return Mark(**(fields | changes))


def test_samples_of_a_patch_are_averaged_before_patches_are(made: Made, shown: Shown) -> None:
    one, other = made("a", 1, PASS), made("b", 1, PASS)
    marks = [a_mark(one, 1), a_mark(one, 3, sample=2), a_mark(other, 5)]
    rater = (
        run_figures(shown(one, other, made("c", 1, PASS), marks=marks)).models[0].raters["judge:j"]
    )

    assert rater.means == dict.fromkeys(map(str, Factor), 3.5)
    assert (rater.marked, rater.of, rater.marks) == (2, 3, 3)
    assert rater.blinded
    assert not rater.human


def test_people_and_judges_stand_apart(made: Made, shown: Shown) -> None:
    trial = made("a", 1, PASS)
    marks = [a_mark(trial, 2), a_mark(trial, 5, by="human:Ada", card=None, cost_usd=0.0)]
    figures = run_figures(shown(trial, marks=marks))
    raters = figures.models[0].raters

    assert list(raters) == ["human:Ada", "judge:j"]
    assert (raters["human:Ada"].human, raters["judge:j"].human) == (True, False)
    assert raters["human:Ada"].means["modularity"] == 5
    assert figures.agreement.raters["modularity"].pairs == 1
    assert figures.agreement.raters["modularity"].within_one == 0


def test_a_mark_of_another_patch_or_of_a_spoiled_try_is_no_mark(made: Made, shown: Shown) -> None:
    trial, spoiled = made("a", 1, PASS), made("a", 1, UNGRADED, attempt=2)
    marks = [a_mark(trial, 1, patch="another"), a_mark(spoiled, 1)]
    (model,) = run_figures(shown(trial, spoiled=[spoiled], marks=marks)).models

    assert model.raters == {}
    assert model.measures.cost.judges.value == 1.0


def test_marks_under_an_older_rubric_count_for_no_model(made: Made, shown: Shown) -> None:
    mine, theirs = made("a", 1, PASS), made("a", 1, PASS, model="n")
    marks = [a_mark(mine, 1), a_mark(theirs, 1), a_mark(mine, 5, rubric="newer")]
    models = (ModelView(name="m", scripted=False), ModelView(name="n", scripted=False))
    first, second = run_figures(shown(mine, theirs, models=models, marks=marks)).models

    assert first.raters["judge:j"].means["modularity"] == 5
    assert second.raters == {}


def test_every_question_to_a_judge_is_paid_apart_from_the_trials(made: Made, shown: Shown) -> None:
    trial = made("a", 1, PASS, cost_usd=2.0)
    marks = [
        a_mark(trial, 1),
        a_mark(trial, 4),
        a_mark(trial, 4, sample=2, scores=None, fault="no_reply: gone", cost_usd=None),
        a_mark(trial, 4, by="human:Ada", card=None, cost_usd=0.0),
    ]
    cost = run_figures(shown(trial, marks=marks)).models[0].measures.cost

    assert cost.all_tries.value == 2.0
    assert (cost.judges.value, cost.judges.known_part, cost.judges.of) == (None, 1.0, 3)
    assert (cost.with_judges.value, cost.with_judges.known_part) == (None, 3.0)


def test_marks_move_no_measured_figure(made: Made, shown: Shown) -> None:
    trial = made("a", 1, PASS, cost_usd=2.0)
    (marked,) = run_figures(shown(trial, marks=[a_mark(trial, 1)])).models
    (plain,) = run_figures(shown(trial)).models

    assert marked.quality == plain.quality
    assert marked.pass_1 == plain.pass_1
    assert marked.measures.cost.per_trial == plain.measures.cost.per_trial
