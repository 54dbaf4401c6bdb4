"""What a job ends with: the exit code of each outcome, as the steps of the action give it."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from tests.action.conftest import DEAF

if TYPE_CHECKING:
    from pathlib import Path

    from tests.action.conftest import Team

pytestmark = [pytest.mark.docker, pytest.mark.usefixtures("docker_engine")]


def outputs_of(path: Path) -> dict[str, str]:
    """Read a step's outputs: `name<<end`, the value, `end`."""
    found: dict[str, str] = {}
    lines = iter(path.read_text().splitlines()) if path.is_file() else iter(())
    for line in lines:
        name, _, end = line.partition("<<")
        found[name] = "\n".join(iter(lines.__next__, end))
    return found


def step(team: Team, command: str, **inputs: str) -> tuple[int, str, dict[str, str]]:
    """Run one step as the platform does; return code, what it printed and its outputs."""
    told = team.folder.parent / "outputs"
    told.unlink(missing_ok=True)
    environment = {f"INPUT_{name.upper()}": value for name, value in inputs.items()}
    done = team.testbed("action", *command.split(), GITHUB_OUTPUT=str(told), **environment)
    return done.returncode, done.stdout + done.stderr, outputs_of(told)


def reported(team: Team, *, fail_on: str) -> tuple[int, dict[str, str]]:
    plan = team.folder.parent / "plan" / "plan.json"
    kept: dict[str, Any] = json.loads(plan.read_text())
    kept["inputs"]["fail_on"] = fail_on
    plan.write_text(json.dumps(kept))
    code, said, outputs = step(team, "report --plan ../plan --shards ../shards -o ../out")
    assert len([line for line in said.splitlines() if line.startswith("::")]) <= 10
    return code, outputs


def test_too_few_scenarios_are_inconclusive_and_the_team_says_what_that_means(team: Team) -> None:
    (team.folder / "gate.toml").unlink()
    code, said, planned = step(
        team,
        "plan -o ../plan",
        candidate="scripted/oracle",
        baseline="scripted/noop",
        repeats="1",
    )
    assert (code, planned["shards"]) == (0, "[1]"), said
    code, said, _ = step(team, "shard --plan ../plan --number 1 -o ../shards/1")
    assert code == 0, said

    ends = {one: reported(team, fail_on=one)[0] for one in ("regression", "inconclusive", "never")}

    assert ends == {"regression": 0, "inconclusive": 4, "never": 0}
    assert reported(team, fail_on="never")[1]["verdict"] == "inconclusive"
    assert "Inconclusive" in (team.folder.parent / "out" / "comment.md").read_text()

    (team.folder.parent / "shards" / "1" / "more").symlink_to("/etc")

    assert reported(team, fail_on="never")[0] == 3
    assert "shard 1 is refused" in (team.folder.parent / "out" / "summary.md").read_text()
    assert "/etc" not in (team.folder.parent / "out" / "summary.md").read_text()


def test_trials_that_could_not_be_made_are_never_green(team: Team) -> None:
    team.write("cards/deaf.toml", DEAF)
    code, said, _ = step(
        team,
        "plan -o ../plan",
        candidate="cards/deaf.toml",
        baseline="scripted/oracle",
        repeats="1",
    )
    assert code == 0, said
    step(team, "shard --plan ../plan --number 1 -o ../shards/1")

    for fail_on in ("regression", "never"):
        code, outputs = reported(team, fail_on=fail_on)

        assert (code, outputs["verdict"]) == (3, "infrastructure")
        assert "infrastructure failed" in (team.folder.parent / "out" / "summary.md").read_text()
