"""Measures the sandboxes against the Docker CLI and SDK, interleaved, and prints the ratios.

Run as `python -m bench.sandbox` from the root of the repository. Every figure is a median; every
budget is a ratio of two medians of the same run, as absolute times drift with the machine.
"""

from __future__ import annotations

import asyncio
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING

from bench.figures import Figure, show
from runner.sandbox.base import Dependencies, SandboxSpec
from runner.sandbox.docker import DockerEngine
from runner.sandbox.local import LocalEngine

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from docker import APIClient

    from runner.sandbox.base import Engine, Sandbox

    Step = Callable[[], Awaitable[object]]

FILES = 500
PAGE = b"const line = 'nothing to see';\n" * 132
SEARCH = "needle_in_page"


async def timed(step: Step) -> float:
    """Return how long one step takes, in milliseconds."""
    began = time.perf_counter()
    await step()
    return (time.perf_counter() - began) * 1000


async def medians(often: dict[str, Step], rare: dict[str, Step], rounds: int) -> dict[str, float]:
    """Run all steps in turn, the slow ones every eighth round; return each one's median."""
    times: dict[str, list[float]] = {name: [] for name in (*often, *rare)}
    for number in range(rounds):
        for name, step in (often | (rare if number % 8 == 0 else {})).items():
            times[name].append(await timed(step))
            await asyncio.sleep(0.01)  # a model thinks between calls
    return {name: statistics.median(values) for name, values in times.items()}


async def command(*argv: str, data: bytes | None = None) -> bytes:
    """Run a command of the host's."""
    process = await asyncio.create_subprocess_exec(
        *argv, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL
    )
    out, _ = await process.communicate(data)
    return out


async def fill(box: Sandbox) -> None:
    """Lay out the files that are read and searched."""
    for number in range(FILES):
        text = PAGE + (SEARCH.encode() + b"\n" if number % 100 == 0 else b"")
        await box.write(f"src/{number % 20}/{number}.ts", text)


async def calls(docker: DockerEngine, image: str, rounds: int) -> dict[str, float]:
    """Time single calls: the CLI, the SDK, our toolbox in Docker and over a host's pipe."""
    run = f"bench-{time.time_ns()}"
    local = LocalEngine()
    pipe_spec = SandboxSpec(run_id=run, name="pipe", image=await prepared(local))
    ours = await docker.start(SandboxSpec(run_id=run, name="ours", image=image))
    async with ours, await local.start(pipe_spec) as pipe:
        await fill(ours)
        await fill(pipe)
        api = docker._api  # noqa: SLF001  (the same connection for the peers)
        (container,) = api.containers(filters={"label": f"testbed.run={run}"})
        often = own("ours", ours) | own("pipe", pipe)
        return await medians(often, peers(api, container["Id"]), rounds)


def own(who: str, box: Sandbox) -> dict[str, Step]:
    """List our calls on one sandbox."""
    return {
        f"{who} true": lambda: box.run(["sh", "-c", "true"], timeout_s=10),
        f"{who} read": lambda: box.read("src/0/0.ts"),
        f"{who} write": lambda: box.write("written", PAGE),
        f"{who} search": lambda: box.search(SEARCH),
    }


def peers(api: APIClient, container: str) -> dict[str, Step]:
    """List the same calls by the Docker CLI and by the SDK."""

    def exec_run(*argv: str) -> None:
        made = api.exec_create(container, list(argv))
        api.exec_start(made["Id"])

    def sdk(*argv: str) -> Step:
        return lambda: asyncio.to_thread(exec_run, *argv)

    def cli(*argv: str, data: bytes | None = None) -> Step:
        return lambda: command("docker", "exec", "-i", container, *argv, data=data)

    grep = ("grep", "-rn", SEARCH, "/ws/app")
    return {
        "cli true": cli("sh", "-c", "true"),
        "cli read": cli("cat", "/ws/app/src/0/0.ts"),
        "cli write": cli("sh", "-c", "cat > /ws/app/written", data=PAGE),
        "cli search": cli(*grep),
        "sdk true": sdk("sh", "-c", "true"),
        "sdk read": sdk("cat", "/ws/app/src/0/0.ts"),
        "sdk search": sdk(*grep),
    }


async def life(engine: Engine, image: str) -> tuple[float, float]:
    """Time one sandbox from nothing to its first answer, and from its end until it is gone."""
    began = time.perf_counter()
    box = await engine.start(SandboxSpec(run_id="bench", name="life", image=image))
    await box.run(["true"], timeout_s=10)
    ready = time.perf_counter()
    await box.close()
    return (ready - began) * 1000, (time.perf_counter() - ready) * 1000


async def cli_life(image: str) -> tuple[float, float]:
    """Time the same by the Docker CLI as people use it: `run -d`, first `exec`, `rm -f`."""
    began = time.perf_counter()
    name = (await command("docker", "run", "-d", image, "sleep", "600")).decode().strip()
    await command("docker", "exec", name, "true")
    ready = time.perf_counter()
    await command("docker", "rm", "-f", name)
    return (ready - began) * 1000, (time.perf_counter() - ready) * 1000


async def lives(docker: DockerEngine, image: str, rounds: int) -> dict[str, float]:
    """Time starts and ends, ours and the CLI's in turn."""
    local = LocalEngine()
    local_image = await prepared(local)
    times: dict[str, list[tuple[float, float]]] = {"ours": [], "cli": [], "local": []}
    for _ in range(rounds):
        times["cli"].append(await cli_life(image))
        times["ours"].append(await life(docker, image))
        times["local"].append(await life(local, local_image))
    return {
        f"{who} {what}": statistics.median(pair[index] for pair in pairs)
        for who, pairs in times.items()
        for index, what in enumerate(("start", "gone"))
    }


async def prepared(engine: Engine) -> str:
    """Prepare an image without packages."""
    empty = Path(tempfile.gettempdir()) / "testbed-bench-empty"
    empty.mkdir(mode=0o755, exist_ok=True)
    dependencies = Dependencies(node_modules=str(empty), digest="none")
    return await engine.prepare(dependencies, tell)


def tell(message: str) -> None:
    """Say what takes its time."""
    sys.stderr.write(f"{message}\n")


def judged(ms: dict[str, float]) -> list[Figure]:
    """Hold the medians against the budgets."""

    def faster(name: str, slow: str, fast: str, budget: float) -> Figure:
        return Figure(name, ms[slow] / ms[fast], "x", at_least=budget)

    def part(name: str, ours: str, other: str, budget: float) -> Figure:
        return Figure(name, ms[ours] / ms[other], "x", at_most=budget)

    return [
        faster("read 4 KB: CLI / ours", "cli read", "ours read", 50),
        faster("write 4 KB: CLI / ours", "cli write", "ours write", 50),
        part("read 4 KB: ours / host pipe", "ours read", "pipe read", 3),
        part("write 4 KB: ours / host pipe", "ours write", "pipe write", 3),
        faster("true in a shell: CLI / ours", "cli true", "ours true", 40),
        Figure("true in a shell: SDK / ours", ms["sdk true"] / ms["ours true"], "x"),
        faster("search 500 files: CLI grep / ours", "cli search", "ours search", 8),
        part("start to first answer: ours / CLI", "ours start", "cli start", 0.5),
        part("kill to gone: ours / CLI", "ours gone", "cli gone", 0.7),
    ]


async def measure(rounds: int = 80) -> tuple[dict[str, float], list[Figure]]:
    """Return all medians in milliseconds, and the figures that have a budget."""
    docker = DockerEngine()
    image = await prepared(docker)
    ms = await calls(docker, image, rounds)
    ms |= await lives(docker, image, max(3, rounds // 8))
    docker.close()
    return ms, judged(ms)


def main() -> bool:
    """Print the medians and the ratios; return whether every budget is held."""
    ms, figures = asyncio.run(measure())
    show("Sandbox calls, medians", [Figure(name, value, "ms") for name, value in ms.items()])
    return show("Sandbox calls, ratios", figures)


if __name__ == "__main__":
    sys.exit(not main())
