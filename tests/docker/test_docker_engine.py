"""The Docker engine: hardening, labels, and that nothing outlives its owner."""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import sys
from typing import TYPE_CHECKING, Any

import pytest
from requests.exceptions import ConnectionError as RequestsConnectionError

from runner.sandbox.base import Dependencies, Limits, SandboxSpec
from runner.sandbox.docker import DockerEngine
from testbed.errors import SandboxLost, SandboxUnavailable

if TYPE_CHECKING:
    from collections.abc import Callable

    from docker import DockerClient

pytestmark = pytest.mark.docker

HARNESS = """
import asyncio, sys
from runner.sandbox.base import SandboxSpec
from runner.sandbox.docker import DockerEngine

async def main():
    engine = DockerEngine()
    box = await engine.start(SandboxSpec(run_id=sys.argv[2], name="box", image=sys.argv[1]))
    print("ready", flush=True)
    if sys.argv[3] == "busy":
        await box.run(["sleep", "600"], timeout_s=600)
    await asyncio.sleep(600)

asyncio.run(main())
"""


@pytest.fixture
def run_id(request: pytest.FixtureRequest) -> str:
    return f"test-{os.getpid()}-{abs(hash(request.node.nodeid)) % 10**6}"


@pytest.fixture
def client(docker_engine: DockerEngine) -> DockerClient:
    return docker_engine._client  # noqa: SLF001  (looks at what the engine made)


def containers(client: DockerClient, run_id: str) -> list[Any]:
    found: list[Any] = client.api.containers(all=True, filters={"label": f"testbed.run={run_id}"})
    return found


async def until(condition: Callable[[], bool]) -> None:
    async with asyncio.timeout(30):
        while not condition():  # noqa: ASYNC110  (the engine tells nobody)
            await asyncio.sleep(0.05)


@pytest.mark.parametrize("doing", ["idle", "busy"])
async def test_a_killed_harness_leaves_no_container(
    client: DockerClient, test_image: str, run_id: str, doing: str
) -> None:
    argv = [sys.executable, "-c", HARNESS, test_image, run_id, doing]
    with subprocess.Popen(argv, stdout=subprocess.PIPE) as harness:  # noqa: ASYNC220  (awaited below)
        assert harness.stdout
        try:
            line = await asyncio.to_thread(harness.stdout.readline)
            assert line == b"ready\n"
            assert len(containers(client, run_id)) == 1
        finally:
            harness.send_signal(signal.SIGKILL)
    await until(lambda: not containers(client, run_id))


async def test_a_container_is_hardened_limited_and_labelled(
    docker_engine: DockerEngine, client: DockerClient, test_image: str, run_id: str
) -> None:
    limits = Limits(memory_bytes=128 << 20, cpus=0.5, pids=40, disk_bytes=16 << 20)
    spec = SandboxSpec(run_id=run_id, name="box/1", image=test_image, limits=limits)
    async with await docker_engine.start(spec) as box:
        (found,) = containers(client, run_id)
        facts = client.api.inspect_container(found["Id"])
        host, config = facts["HostConfig"], facts["Config"]
        assert host["NetworkMode"] == "none"
        assert config["NetworkDisabled"]
        assert host["CapDrop"] == ["ALL"]
        assert not host["CapAdd"]
        assert host["SecurityOpt"] == ["no-new-privileges"]
        assert host["ReadonlyRootfs"]
        assert host["AutoRemove"]
        assert host["PidsLimit"] == 40
        assert host["NanoCpus"] == 500_000_000
        assert host["Memory"] == host["MemorySwap"]
        assert host["Memory"] > (128 + 16) << 20
        assert host["LogConfig"]["Type"] == "none"
        assert not host["Binds"]
        assert not host["Privileged"]
        assert config["User"] == "1000:1000"
        assert config["StdinOnce"]
        assert not config["Tty"]
        assert config["Labels"]["testbed.name"] == "box/1"
        assert config["Labels"]["testbed.owner"].startswith(f"{os.getpid()}:")
        assert [e.partition("=")[0] for e in config["Env"] or []] in ([], ["PATH"])
        size = await box.run(["df", "-B1", "--output=size", "/ws/app"], timeout_s=10)
        assert size.stdout.split()[-1] == str(16 << 20).encode()
    assert containers(client, run_id) == []


async def test_an_environment_reaches_commands_but_not_the_container(
    docker_engine: DockerEngine, test_image: str, run_id: str
) -> None:
    spec = SandboxSpec(run_id=run_id, name="box", image=test_image, environment={"CI": "1"})
    async with await docker_engine.start(spec) as box:
        result = await box.run(["sh", "-c", "echo $CI $EXTRA"], timeout_s=10, env={"EXTRA": "2"})
        assert result.stdout == b"1 2\n"


async def test_a_container_that_goes_away_is_lost_never_a_tool_result(
    docker_engine: DockerEngine, client: DockerClient, test_image: str, run_id: str
) -> None:
    box = await docker_engine.start(SandboxSpec(run_id=run_id, name="box", image=test_image))
    call = asyncio.create_task(box.run(["sleep", "600"], timeout_s=600))
    await asyncio.sleep(0.2)
    await asyncio.to_thread(client.api.kill, containers(client, run_id)[0]["Id"])
    with pytest.raises(SandboxLost) as caught:
        await call
    assert caught.value.next_step
    await until(lambda: not containers(client, run_id))


async def test_a_cancelled_start_or_call_leaves_no_container(
    docker_engine: DockerEngine, client: DockerClient, test_image: str, run_id: str
) -> None:
    spec = SandboxSpec(run_id=run_id, name="box", image=test_image)
    cancelled = 0
    while True:  # a little later each time, until a start is over before it is cancelled
        start = asyncio.create_task(docker_engine.start(spec))
        await asyncio.sleep(0.02 * cancelled)
        start.cancel()
        try:
            box = await start
        except asyncio.CancelledError:
            cancelled += 1
            assert containers(client, run_id) == []
        else:
            break
    assert cancelled
    call = asyncio.create_task(box.run(["sleep", "600"], timeout_s=600))
    await asyncio.sleep(0.1)
    call.cancel()
    with pytest.raises(asyncio.CancelledError):
        await call
    assert containers(client, run_id) == []


async def test_clean_removes_strays_of_dead_owners_and_of_a_named_run_only(
    docker_engine: DockerEngine, client: DockerClient, test_image: str, run_id: str
) -> None:
    def stray(run: str, owner: str) -> str:
        labels = {"testbed.run": run, "testbed.owner": owner}
        made: str = client.api.create_container(test_image, ["true"], labels=labels)["Id"]
        return made

    mine = docker_engine._owner  # noqa: SLF001  (what the engine writes on its containers)
    host = mine.rpartition(":")[2]
    dead = stray(run_id, f"1:1:{host}")
    elsewhere = stray(f"{run_id}-a", "1:1:another-host")
    alive = stray(f"{run_id}-b", mine)
    try:
        assert await docker_engine.clean() >= 1
        left = {c["Id"] for c in client.api.containers(all=True)}
        assert dead not in left
        assert {elsewhere, alive} <= left
    finally:
        assert await docker_engine.clean(f"{run_id}-a") == 1
        assert await docker_engine.clean(f"{run_id}-b") == 1


async def test_eight_sandboxes_start_at_once(
    docker_engine: DockerEngine, client: DockerClient, test_image: str, run_id: str
) -> None:
    specs = [SandboxSpec(run_id=run_id, name=f"box-{i}", image=test_image) for i in range(8)]
    boxes = await asyncio.gather(*map(docker_engine.start, specs))
    results = await asyncio.gather(*(box.run(["hostname"], timeout_s=30) for box in boxes))
    assert [r.stdout for r in results] == [b"sandbox\n"] * 8
    await asyncio.gather(*(box.close() for box in boxes))
    assert containers(client, run_id) == []


async def test_an_unknown_image_is_unavailable(docker_engine: DockerEngine, run_id: str) -> None:
    with pytest.raises(SandboxUnavailable, match="image"):
        await docker_engine.start(SandboxSpec(run_id=run_id, name="box", image="testbed-none:0"))


def test_an_engine_that_does_not_answer_is_unavailable(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DOCKER_HOST", "tcp://127.0.0.1:1")
    with pytest.raises(SandboxUnavailable) as caught:
        DockerEngine()
    assert caught.value.next_step


async def test_an_engine_that_stops_answering_loses_the_sandbox(
    docker_engine: DockerEngine, run_id: str, test_image: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refused(*_: object, **__: object) -> None:
        raise RequestsConnectionError("connection refused")

    monkeypatch.setattr(docker_engine._api, "create_container", refused)  # noqa: SLF001  (cut off)
    with pytest.raises(SandboxLost) as caught:
        await docker_engine.start(SandboxSpec(run_id=run_id, name="box", image=test_image))
    assert "docker info" in caught.value.next_step


async def test_an_image_is_built_once(docker_engine: DockerEngine, test_image: str) -> None:
    said: list[str] = []
    dependencies = Dependencies(node_modules="/nonexistent", digest="none")
    assert await docker_engine.prepare(dependencies, said.append) == test_image
    assert said == []
