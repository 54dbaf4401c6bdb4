"""What a user is told to type does what was under way, and nothing else."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from testbed.catalog import find_card
from testbed.continuing import how_to_continue
from testbed.plan import Part, PlannedScenario, RunConfig
from testbed.shards import open_part
from testbed.store import Run

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture
def config() -> RunConfig:
    return RunConfig(
        run_id="r1",
        created_at="2026-01-01T00:00:00+00:00",
        suite="suite",
        models=(find_card("scripted/oracle"),),
        scenarios=(PlannedScenario(id="fix-it", title="Fix", kind="bug", difficulty="easy"),),
        repeats=4,
        engine="auto",
        max_cost_usd=40.0,
    )


def test_a_run_is_resumed_under_the_limit_that_is_in_force(
    config: RunConfig, tmp_path: Path
) -> None:
    run = Run.create(tmp_path, config)
    assert how_to_continue(run) == "`testbed run --resume r1`"

    run.config = config.model_copy(update={"max_cost_usd": 0.05})

    assert how_to_continue(run) == "`testbed run --resume r1 --max-cost-usd 0.05`"
    assert how_to_continue(run, "--force").endswith(" --max-cost-usd 0.05 --force`")


def test_a_part_is_never_resumed_as_the_whole_run(config: RunConfig, tmp_path: Path) -> None:
    run = open_part(tmp_path, config, Part(2, 4))

    assert how_to_continue(run) == "the same command"
    assert how_to_continue(run, "--force") == "the same command with --force"
