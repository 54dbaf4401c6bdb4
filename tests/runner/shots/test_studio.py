"""Pictures of trials on a tiny page, from stored patches to files, on every engine."""

from __future__ import annotations

import asyncio
import hashlib
import os
import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import pytest

from runner.scene import digest_scenario
from runner.shots.engines import _on_the_host
from runner.shots.png import read_png
from runner.shots.sitters import Order
from runner.shots.studio import Taken, take_shots
from runner.workspace import seed_workspace
from testbed.catalog import find_card
from testbed.cli import shots
from testbed.errors import RunError, SandboxUnavailable
from testbed.plan import PlannedScenario, PlannedTrial, RunConfig, RunLock
from testbed.records import Ending, Funnel, Patch, Trial, Verdict
from testbed.scenario import Suite, load_suite
from testbed.shots import NO_PATCH, Shots, read_shots
from testbed.store import Run

TINY = Path(__file__).parents[2] / "suites" / "tiny"
PAGE = Path(__file__).parent / "page"
RIGHT, NOTHING, BROKEN = "scripted/oracle", "scripted/noop", "scripted/sloppy"


@dataclass(frozen=True)
class Desk:
    """A suite with a face, and a run of it."""

    suite: Suite
    run: Run
    cache: Path

    def add(self, model: str, repeat: int, diff: bytes, *, patch: str = "") -> None:
        digest = patch or hashlib.sha256(diff).hexdigest()
        trial = Trial(
            model=model,
            scripted=True,
            scenario="minus",
            kind="bug",
            repeat=repeat,
            attempt=1,
            ending=Ending.FINISHED,
            verdict=Verdict.FAIL,
            started_at="2026-11-23T01:00:00+00:00",
            phases={},
            turns=1,
            requests=1,
            rate_limited=0,
            usage=None,
            cost_usd=None,
            funnel=Funnel(),
            latencies=(),
            patch=Patch(digest=digest, files=(), added=0, deleted=0),
        )
        with self.run.writing(self.lock()):
            path = self.run.paths.attempt(PlannedTrial(model, "minus", repeat), 1).patch
            path.parent.mkdir(parents=True)
            path.write_bytes(diff)
            self.run.add(trial)

    def lock(self) -> RunLock:
        (scenario,) = self.suite.scenarios
        return RunLock(
            testbed="0",
            engine="docker",
            images={},
            prompt="p",
            fixtures={},
            scenarios={"minus": digest_scenario(scenario, seed_workspace(scenario))},
            models={},
        )

    async def shoot(self, order: Order, engine: Literal["docker", "local"]) -> list[Taken]:
        return await take_shots(
            self.run,
            self.suite,
            order,
            engine=engine,
            cache=self.cache,
            jobs=2,
            progress=lambda _: None,
        )

    def shots(self, model: str, repeat: int = 1) -> Shots | None:
        return read_shots(self.run.paths.shots(PlannedTrial(model, "minus", repeat), 1))


@pytest.fixture
def desk(tmp_path: Path) -> Desk:
    shutil.copytree(TINY, tmp_path / "suite")
    shutil.copytree(PAGE, tmp_path / "suite" / "fixtures" / "tiny.shots")
    tour = tmp_path / "suite" / "fixtures" / "tiny.shots" / "tour.toml"
    tour.rename(tmp_path / "suite" / "scenarios" / "minus" / "tour.toml")
    config = RunConfig(
        run_id="a-run",
        created_at="2026-11-23T01:00:00+00:00",
        suite=str(tmp_path / "suite"),
        models=tuple(map(find_card, (RIGHT, NOTHING, BROKEN))),
        scenarios=(PlannedScenario(id="minus", title="Minus", kind="bug", difficulty="easy"),),
        repeats=2,
        engine="local",
    )
    run = Run.create(tmp_path / "runs", config)
    return Desk(load_suite(tmp_path / "suite"), run, tmp_path / "cache")


@pytest.fixture(
    params=[
        pytest.param("docker", marks=pytest.mark.docker),
        pytest.param("local", marks=pytest.mark.bubblewrap),
    ]
)
def engine(request: pytest.FixtureRequest) -> Literal["docker", "local"]:
    request.getfixturevalue(f"{request.param}_engine")
    if request.param == "docker":
        return "docker"
    try:
        _on_the_host()
    except SandboxUnavailable as none:
        if os.environ.get("TESTBED_REQUIRE_BROWSER") == "1":
            raise
        pytest.skip(str(none))
    return "local"


# The image with Chromium is built on first use, which takes a minute or two.
@pytest.mark.timeout(600)
async def test_what_models_built_is_photographed_once_per_tree(
    desk: Desk, engine: Literal["docker", "local"]
) -> None:
    (scenario,) = desk.suite.scenarios
    right = scenario.reference.read_bytes()
    desk.add(RIGHT, 1, right)
    desk.add(NOTHING, 1, b"")
    desk.add(BROKEN, 1, (scenario.root / "wrong" / "no-code.patch").read_bytes())

    taken = await desk.shoot(Order(), engine)

    assert len(taken) == 5
    seen = desk.shots(RIGHT)
    assert seen is not None
    assert seen.stopped is None, seen.stopped
    assert [p.caption for p in seen.pictures] == ["Adding", "Added, on a phone"]
    assert [p.file for p in seen.pictures] == ["01-adding.png", "02-added-on-a-phone.png"]
    assert [(p.width, p.height) for p in seen.pictures] == [(960, 600), (293, 585)]
    folder = desk.run.paths.shots(PlannedTrial(RIGHT, "minus", 1), 1)
    for picture in seen.pictures:
        read_png((folder / picture.file).read_bytes(), limit=120_000)
    assert seen.animation is not None
    assert (seen.animation.width, seen.animation.height) == (640, 400)
    assert seen.animation.size_bytes <= 600_000
    failed = [step.said for step in seen.steps if not step.passed]
    assert failed == ['click link "Nowhere"']

    reference = read_shots(desk.run.paths.baseline_shots("reference", "minus"))
    assert reference is not None
    assert [p.sha256 for p in reference.files] == [p.sha256 for p in seen.files]

    nothing = desk.shots(NOTHING)
    assert nothing is not None
    assert nothing.patch == NO_PATCH
    assert "The sum is 5" in (nothing.stopped or "")
    assert [p.failure for p in nothing.pictures] == [False, True]

    broken = desk.shots(BROKEN)
    assert broken is not None
    assert (broken.stopped or "").startswith("it does not build")
    assert broken.files == ()


async def test_pictures_that_are_up_to_date_are_not_taken_again(
    desk: Desk, engine: Literal["docker", "local"]
) -> None:
    desk.add(NOTHING, 1, b"")
    tour = desk.suite.scenarios[0].root / "tour.toml"
    tour.write_text('schema_version = 1\nsteps = [{ goto = "/" }, { shot = "The page" }]\n')
    await desk.shoot(Order(), engine)
    record = desk.run.paths.baseline_shots("seed", "minus") / "shots.json"
    before = record.stat().st_mtime_ns

    assert len(await desk.shoot(Order(), engine)) == 3
    assert record.stat().st_mtime_ns == before

    record.with_name("01-the-page.png").write_bytes(b"painted over")
    assert len(await desk.shoot(Order(), engine)) == 3
    assert record.stat().st_mtime_ns > before


def test_a_scenario_that_has_changed_since_is_not_shown(desk: Desk) -> None:
    desk.add(NOTHING, 1, b"")
    prompt = desk.suite.scenarios[0].root / "prompt.md"
    prompt.write_text("Something else.")
    changed = load_suite(desk.suite.root)

    with pytest.raises(RunError, match="`minus` has changed since a-run was made"):
        asyncio.run(Desk(changed, desk.run, desk.cache).shoot(Order(), "local"))


def test_a_patch_that_is_not_what_the_trial_left_is_not_shown(desk: Desk) -> None:
    desk.add(NOTHING, 1, b"", patch="0" * 64)

    with pytest.raises(RunError, match="is not what the trial left"):
        asyncio.run(desk.shoot(Order(), "local"))


def test_a_model_that_is_not_in_the_run_is_named(desk: Desk) -> None:
    with pytest.raises(RunError, match="no model `scripted/nobody` in a-run"):
        asyncio.run(desk.shoot(Order(models=("scripted/nobody",)), "local"))


def test_without_a_tour_there_is_nothing_to_be_seen(
    desk: Desk, capsys: pytest.CaptureFixture[str]
) -> None:
    (desk.suite.scenarios[0].root / "tour.toml").unlink()

    shots.command(str(desk.run.paths.folder), runs=desk.run.paths.folder.parent)
    assert "nothing to be seen" in capsys.readouterr().out
    shots.command(str(desk.run.paths.folder), runs=desk.run.paths.folder.parent, json=True)
    assert capsys.readouterr().out == "[]\n"
