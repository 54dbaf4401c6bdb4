"""How the trials of a run are dealt out to shards, and its money with them."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from testbed.catalog import find_card
from testbed.errors import RunError, UsageError
from testbed.plan import Part, PlannedScenario, RunConfig
from testbed.shards import fitting_shards, open_part, parse_part, part_of

if TYPE_CHECKING:
    from pathlib import Path

MODELS = ("scripted/oracle", "scripted/noop")
CARDS = tuple(find_card(name) for name in MODELS)


def config(*, scenarios: int = 3, repeats: int = 2, limit: float | None = None) -> RunConfig:
    return RunConfig(
        run_id="r",
        created_at="2026-11-23T01:00:00+00:00",
        suite="suite",
        models=CARDS,
        scenarios=tuple(
            PlannedScenario(id=f"s{n}", title="S", kind="bug", difficulty="easy")
            for n in range(scenarios)
        ),
        repeats=repeats,
        engine="auto",
        max_cost_usd=limit,
    )


@given(st.integers(1, 9), st.integers(1, 6), st.integers(1, 12))
def test_each_pair_of_scenario_and_repeat_is_in_one_shard_with_both_models(
    scenarios: int, repeats: int, of: int
) -> None:
    whole = config(scenarios=scenarios, repeats=repeats)
    dealt = [list(part_of(whole, Part(n, of)).trials()) for n in range(1, of + 1)]

    assert sorted(trial for part in dealt for trial in part) == sorted(whole.trials())
    for part in dealt:
        pairs = [(trial.scenario, trial.repeat) for trial in part]
        assert pairs[::2] == pairs[1::2]
        assert [trial.model for trial in part] == list(MODELS) * (len(part) // 2)
    sizes = [len(part) for part in dealt]
    assert max(sizes) - min(sizes) <= len(MODELS)


@given(st.integers(1, 9), st.integers(1, 6), st.integers(1, 12))
def test_the_cost_limit_is_split_in_proportion_to_the_trials(
    scenarios: int, repeats: int, of: int
) -> None:
    whole = config(scenarios=scenarios, repeats=repeats, limit=10.0)
    parts = [part_of(whole, Part(n, of)) for n in range(1, of + 1)]
    shares = [(part.max_cost_usd or 0.0, len(list(part.trials()))) for part in parts]

    assert sum(share for share, _ in shares) == pytest.approx(10.0)
    each = 10.0 / len(list(whole.trials()))
    assert all(share == pytest.approx(each * count) for share, count in shares)


def test_there_are_never_so_many_shards_that_one_could_not_pay_for_a_trial() -> None:
    whole = config(scenarios=4, repeats=2, limit=8.0)

    assert fitting_shards(whole, 8, dearest=1.0) == 8
    assert fitting_shards(whole, 8, dearest=2.0) == 4
    assert fitting_shards(whole, 8, dearest=2.1) == 2
    assert fitting_shards(whole, 3, dearest=2.0) == 3
    assert fitting_shards(whole, 8, dearest=7.0) == 1
    assert fitting_shards(config(scenarios=1, repeats=3), 8, dearest=0.0) == 3


def test_what_is_stored_is_the_whole_run_whatever_the_part(tmp_path: Path) -> None:
    whole = config()
    run = open_part(tmp_path, whole, Part(2, 3))

    assert len(run.missing()) == 4
    stored = (tmp_path / "r" / "run.json").read_text()
    assert "part" not in stored
    assert RunConfig.model_validate_json(stored) == whole
    assert open_part(tmp_path, whole, Part(1, 3)).config.part == Part(1, 3)


def test_a_folder_of_another_plan_is_refused(tmp_path: Path) -> None:
    open_part(tmp_path, config(), Part(1, 2))

    with pytest.raises(RunError, match="another plan"):
        open_part(tmp_path, config(repeats=5), Part(1, 2))


@pytest.mark.parametrize("said", ["", "2", "0/3", "4/3", "1/0", "1/2/3", "a/b", " 1/2", "\uff11/2"])
def test_a_part_is_which_of_how_many(said: str) -> None:
    assert parse_part("2/4") == Part(2, 4)
    with pytest.raises(UsageError, match="is no shard"):
        parse_part(said)
