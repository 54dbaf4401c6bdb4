"""Engines and images that tests of several packages share; absent ones skip with a reason."""

from __future__ import annotations

import asyncio
import os
import shutil
import signal
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from hypothesis import settings

from runner.sandbox.base import Dependencies, Limits, SandboxSpec
from runner.sandbox.docker import DockerEngine
from runner.sandbox.fake import FakeEngine
from runner.sandbox.local import LocalEngine
from testbed.certificate import Certificate, Graded, Mutation, Steadiness, Survivor
from testbed.certified import inputs_of
from testbed.errors import SandboxUnavailable

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Iterator

    from playwright.sync_api import Browser

    from runner.sandbox.base import Engine, Sandbox
    from testbed.scenario import Scenario


DOCKER = pytest.param("docker", marks=pytest.mark.docker)
LOCAL = pytest.param("local", marks=pytest.mark.bubblewrap)
CHROMIUM = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "chrome"))), None)
SMALL = Limits(
    memory_bytes=256 << 20, cpus=1.0, pids=64, disk_bytes=32 << 20, output_bytes=64 << 10
)


# The same examples in every run, however slow the machine: what is found is found here, not one
# day elsewhere.
settings.register_profile(
    "testbed", derandomize=True, deadline=None, database=None, max_examples=150
)
settings.load_profile("testbed")

if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    # A shell's background job begins with Ctrl-C ignored, and hands that on to what tests start.
    signal.signal(signal.SIGINT, signal.default_int_handler)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Begin with the longest: other files run beside it."""
    items.sort(key=lambda item: "tests/suite/" not in item.nodeid)


def absent(name: str, why: object) -> None:
    """Skip, or fail where the environment says that the engine must be there."""
    if os.environ.get(f"TESTBED_REQUIRE_{name}") == "1":
        pytest.fail(f"required, but: {why}")
    pytest.skip(str(why))


def _prepared(engine: Engine, tmp_path_factory: pytest.TempPathFactory) -> str:
    """Prepare an image without packages; the engine's own lock keeps parallel tests apart."""
    empty = tmp_path_factory.mktemp("no-packages")
    for folder in (empty, *empty.parents[:2]):  # pytest's own are for their owner alone
        folder.chmod(folder.stat().st_mode | 0o055)
    dependencies = Dependencies(node_modules=str(empty), digest="none")
    with ThreadPoolExecutor(1) as thread:  # a session's fixture must not touch a test's loop
        return thread.submit(
            lambda: asyncio.run(engine.prepare(dependencies, lambda _: None))
        ).result()


@pytest.fixture(scope="session")
def docker_engine() -> Iterator[DockerEngine]:
    try:
        engine = DockerEngine()
    except SandboxUnavailable as error:
        absent("DOCKER", error)
        raise
    yield engine
    engine.close()


@pytest.fixture(scope="session")
def local_engine() -> LocalEngine:
    try:
        return LocalEngine()
    except SandboxUnavailable as error:
        absent("BUBBLEWRAP", error)
        raise


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """Start a real Chromium, without a window; a session's would hold the tests' event loop."""
    from playwright.sync_api import sync_playwright

    if CHROMIUM is None:
        absent("BROWSER", SandboxUnavailable("no Chromium on PATH"))
    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(
            executable_path=CHROMIUM,
            args=["--no-sandbox", "--disable-gpu", "--disable-background-networking"],
        )
        yield chromium
        chromium.close()


@pytest.fixture(scope="session")
def test_image(docker_engine: DockerEngine, tmp_path_factory: pytest.TempPathFactory) -> str:
    """Return the Docker image with Node and the toolbox, but no packages."""
    return _prepared(docker_engine, tmp_path_factory)


@pytest.fixture(scope="session")
def local_image(local_engine: LocalEngine, tmp_path_factory: pytest.TempPathFactory) -> str:
    """Return the local engine's name for Node and the toolbox, but no packages."""
    return _prepared(local_engine, tmp_path_factory)


def _alive(pids: list[int]) -> list[int]:
    """Keep those that run; one that waits for this machine's init to reap it does not."""
    stats = {pid: Path(f"/proc/{pid}/stat") for pid in pids}
    return [p for p, s in stats.items() if s.exists() and ") Z " not in s.read_text()]


def family(pid: int) -> list[int]:
    """List the processes that descend from one, children before theirs."""
    members = [pid]
    for member in members:
        for thread in Path(f"/proc/{member}/task").glob("*"):
            with suppress(OSError):
                members += map(int, (thread / "children").read_text().split())
    return members[1:]


def _engine(kind: str, request: pytest.FixtureRequest) -> tuple[Engine, str]:
    if kind == "fake":
        return FakeEngine(), "fake-none"
    image = {"docker": "test_image", "local": "local_image"}[kind]
    return request.getfixturevalue(f"{kind}_engine"), request.getfixturevalue(image)


async def _started(
    request: pytest.FixtureRequest, empty: tuple[str, ...] = ()
) -> AsyncIterator[Sandbox]:
    engine, image = _engine(request.param, request)
    run = f"test-{os.getpid()}"
    spec = SandboxSpec(run_id=run, name="box", image=image, limits=SMALL, empty=empty)
    started = await engine.start(spec)
    processes = family(os.getpid())
    try:
        yield started
    finally:
        await asyncio.wait_for(started.close(), 30)
    assert await engine.clean(run) == 0, "the sandbox left something behind"
    assert not _alive(processes)


@pytest.fixture(params=[DOCKER, LOCAL, "fake"])
async def sandbox(request: pytest.FixtureRequest) -> AsyncIterator[Sandbox]:
    """Return a sandbox of any engine."""
    async for started in _started(request):
        yield started


@pytest.fixture(params=[DOCKER, LOCAL, "fake"])
async def barred(request: pytest.FixtureRequest) -> AsyncIterator[Sandbox]:
    """Return a sandbox of any engine whose `node_modules` stays empty."""
    async for started in _started(request, empty=("node_modules",)):
        yield started


@pytest.fixture(params=[DOCKER, LOCAL])
async def box(request: pytest.FixtureRequest) -> AsyncIterator[Sandbox]:
    """Return a sandbox that really runs commands."""
    async for started in _started(request):
        yield started


@pytest.fixture
def certify() -> Callable[[Scenario], Certificate]:
    """Return a maker of certificates without a fault, of a scenario's files as they are."""
    survivor = Survivor(
        id="lib/sum.mjs:swap-arithmetic:1",
        path="lib/sum.mjs",
        line=2,
        operator="swap-arithmetic",
        before="+",
        after="|",
        equivalent=None,
    )

    def make(scenario: Scenario) -> Certificate:
        return Certificate(
            scenario=scenario.id,
            engine="docker",
            seed=1,
            inputs=inputs_of(scenario),
            graded=(
                Graded(patch="nothing", verdict="fail", caught_by=None, fault=""),
                Graded(patch="reference", verdict="pass", caught_by=None, fault=""),
                Graded(patch="right/other-way-round", verdict="pass", caught_by=None, fault=""),
                Graded(patch="wrong/times", verdict="fail", caught_by="a::adds", fault=""),
            ),
            steadiness=Steadiness(
                patches=("nothing", "reference"),
                gradings=20,
                conditions={"plain": 20},
                flakes=(),
                low=0.0,
                high=0.1685,
            ),
            caches=None,
            mutation=Mutation(
                listed=14,
                limit=40,
                built_limit=15,
                invalid=1,
                killed=12,
                survivors=(survivor,),
                score=12 / 13,
                unmatched=(),
            ),
            trial_seconds=12.5,
            step_seconds={"unit": 2.5},
            control_failed=(),
        )

    return make
