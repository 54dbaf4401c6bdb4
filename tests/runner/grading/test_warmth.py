"""Build caches save time, are made once, and never hold anything of a patch or a check."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from runner.grading.warmth import COLD, laid_fixture, warm_up
from runner.sandbox.base import SandboxSpec
from testbed.errors import EnvironmentFault
from testbed.scenario import Fixture, Warmup

if TYPE_CHECKING:
    from pathlib import Path

    from runner.sandbox.base import Engine
    from tests.runner.grading.conftest import Tiny

ENGINES = [
    pytest.param("docker", marks=pytest.mark.docker),
    pytest.param("local", marks=pytest.mark.bubblewrap),
]


def warmed(fixture: Fixture, script: str) -> Fixture:
    warmup = Warmup(argv=("bash", "-c", script), keep="cache", timeout_seconds=20)
    first, *rest = fixture.card.steps
    steps = (first.model_copy(update={"warmup": warmup}), *rest)
    return replace(fixture, card=fixture.card.model_copy(update={"steps": steps}))


def kept(cache: Path) -> list[Path]:
    return list(cache.rglob("*.zst"))


@pytest.fixture(params=ENGINES)
def place(request: pytest.FixtureRequest) -> tuple[Engine, str]:
    image = {"docker": "test_image", "local": "local_image"}[request.param]
    return request.getfixturevalue(f"{request.param}_engine"), request.getfixturevalue(image)


async def test_a_cache_is_made_once_and_laid_for_its_step_alone(
    tiny: Tiny, place: tuple[Engine, str], tmp_path: Path
) -> None:
    engine, image = place
    fixture = warmed(tiny.scenario.fixture, "mkdir -p cache && ls -a . .testbed > cache/seen")
    said: list[str] = []
    for _ in range(2):
        warmth = await warm_up(
            fixture, engine=engine, image=image, cache=tmp_path, run_id="t", progress=said.append
        )

    async with await engine.start(SandboxSpec(run_id="t", name="t", image=image)) as sandbox:
        await warmth.lay("app", sandbox)
        await COLD.lay("unit", sandbox)
        assert await sandbox.entries() == []
        await warmth.lay("unit", sandbox)
        seen = (await sandbox.read("cache/seen")).decode()

    assert said == ["warming the build cache of tiny for step `unit`"]
    assert "run.mjs" in seen
    assert "checks" not in seen


async def test_a_fixture_that_does_not_build_untouched_is_the_machines_fault(
    tiny: Tiny, place: tuple[Engine, str], tmp_path: Path
) -> None:
    engine, image = place
    fixture = warmed(tiny.scenario.fixture, "echo no compiler; exit 3")

    with pytest.raises(EnvironmentFault, match="ended with 3: no compiler"):
        await warm_up(
            fixture, engine=engine, image=image, cache=tmp_path, run_id="t", progress=print
        )

    assert kept(tmp_path) == []


def test_neither_seed_nor_check_is_in_what_caches_are_made_from(tiny: Tiny) -> None:
    laid = laid_fixture(tiny.scenario.fixture)

    assert laid["lib/sum.mjs"] != tiny.workspace.tree["lib/sum.mjs"]
    assert not [path for path in laid if path.startswith(".testbed/checks")]
