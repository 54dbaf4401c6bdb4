"""The real suite in the real sandbox: the fixture's own commands, and the proofs of fairness."""

from __future__ import annotations

import asyncio
import json
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from runner.sandbox.base import SandboxSpec
from runner.scene import build_images, warm_all
from runner.workspace import seed_workspace
from testbed.scenario import load_suite
from testbed.tree import matches, read_tree

if TYPE_CHECKING:
    from collections.abc import Mapping

    from runner.sandbox.base import ExecResult
    from runner.sandbox.docker import DockerEngine

ROOT = Path(__file__).parents[2]
CACHE = ROOT / ".cache"
SCENARIOS = sorted(path.parent.name for path in ROOT.glob("scenarios/*/seed.patch"))
BUILT = sorted(path.parents[1].name for path in ROOT.glob("scenarios/*/checks/app"))
UNBUILT = sorted({*SCENARIOS} - {*BUILT})
COMMANDS = ("npm test", "npm run typecheck", "npm run lint", "npm run build")

pytestmark = pytest.mark.fixture


async def run_all(
    engine: DockerEngine,
    scenario_id: str,
    commands: tuple[str, ...],
    environment: Mapping[str, str],
) -> dict[str, ExecResult]:
    """Run commands as an agent would on the tree that it would find, the compiler warmed up."""
    (scenario,) = load_suite(ROOT, recorded=False).pick((scenario_id,)).scenarios
    fixture = scenario.fixture
    images = await build_images([scenario], engine=engine, cache=CACHE, progress=print)
    warmth = await warm_all([scenario], images, engine=engine, cache=CACHE, progress=print)
    spec = SandboxSpec(
        run_id="test-fixture",
        name=f"commands-{scenario_id}",
        image=images[fixture.id],
        environment={**fixture.card.environment, **environment},
    )
    async with await engine.start(spec) as sandbox:
        await sandbox.unpack(seed_workspace(scenario).archive)
        await warmth[fixture.id].lay("app", sandbox)
        return {
            line: await sandbox.run(["bash", "-c", line], timeout_s=240, merge=True)
            for line in commands
        }


def failures(results: Mapping[str, ExecResult]) -> dict[str, str]:
    return {line: r.stdout.decode()[-2000:] for line, r in results.items() if r.exit_code != 0}


@pytest.mark.timeout(900)
def test_a_seeded_tree_looks_healthy_to_whoever_works_on_it(docker_engine: DockerEngine) -> None:
    # One tree shows that the fixture's own configuration agrees with the grading kit's; by that,
    # `verify` type-checks, lints and tests every seeded tree, and builds those with such checks.
    results = asyncio.run(run_all(docker_engine, BUILT[0], COMMANDS, {}))

    assert failures(results) == {}


@pytest.mark.timeout(600)
@pytest.mark.parametrize("scenario", UNBUILT)
def test_a_seeded_tree_that_no_proof_builds_can_be_built(
    docker_engine: DockerEngine, scenario: str
) -> None:
    quick = {"QUICK_BUILD": "1", "TURBO_ENGINE_READ_ONLY": "1"}
    results = asyncio.run(run_all(docker_engine, scenario, ("npm run build",), quick))

    assert failures(results) == {}


@pytest.mark.docker
@pytest.mark.timeout(3600)
@pytest.mark.usefixtures("docker_engine")
def test_right_patches_pass_and_nothing_and_wrong_ones_fail() -> None:
    proven = subprocess.run(
        [sys.executable, "-m", "testbed", "verify", "--quick", "--engine", "docker", "--json"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )

    assert proven.stdout, proven.stderr
    proofs = json.loads(proven.stdout)
    broken = {f"{p['scenario']} {p['patch']}": p["fault"] for p in proofs if not p["holds"]}
    assert broken == {}
    assert proven.returncode == 0, proven.stderr
    assert {(p["scenario"], p["patch"]) for p in proofs} >= {
        (scenario.id, candidate.name)
        for scenario in load_suite(ROOT).scenarios
        for candidate in scenario.candidates()
    }


@pytest.mark.bubblewrap
@pytest.mark.timeout(900)
@pytest.mark.usefixtures("local_engine")
def test_without_docker_the_same_patches_get_the_same_verdicts(tmp_path: Path) -> None:
    # Scenarios differ in their checks, sandboxes in what a kind of check meets: each kind once.
    part = [BUILT[0], UNBUILT[0]]
    players = ("-m", "scripted/oracle", "-m", "scripted/noop")
    picked = [word for scenario in part for word in ("-s", scenario)]
    ran = subprocess.run(
        [
            *(sys.executable, "-m", "testbed", "run", *players, *picked),
            *("-n", "1", "--engine", "local", "--runs", str(tmp_path)),
        ],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )

    assert ran.returncode == 0, ran.stderr
    assert "apt-get install docker.io" in ran.stderr
    (journal,) = tmp_path.glob("*/trials.jsonl")
    trials = [json.loads(line) for line in journal.read_text().splitlines()]
    verdicts = {(t["scenario"], t["model"]): t["verdict"] for t in trials}
    assert verdicts == {
        **{(scenario, "scripted/oracle"): "pass" for scenario in part},
        **{(scenario, "scripted/noop"): "fail" for scenario in part},
    }


def test_the_application_is_of_readable_size_and_carries_no_stray_files() -> None:
    (fixture,) = {s.fixture.id: s.fixture for s in load_suite(ROOT).scenarios}.values()
    tree = read_tree(fixture.root, fixture.card.ignored)

    sources = [path for path in tree if matches(path, ("**/*.ts", "**/*.tsx"))]
    assert len(sources) > 60
    assert max(tree[path].data.count(b"\n") for path in sources) < 400
    assert not [path for path in tree if path.endswith((".db", ".log", ".map"))]
