"""The workflows as a team uses them, from the event to the comment, with players as models."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from tests.action.conftest import COMMIT, DEAF

if TYPE_CHECKING:
    from tests.action.conftest import Comments, Team

pytestmark = [pytest.mark.docker, pytest.mark.usefixtures("docker_engine")]

CALLER = """\
on: [pull_request, workflow_dispatch]
permissions: {}
jobs:
  compare:
    permissions: {contents: read, issues: write, pull-requests: write}
    uses: your-org/testbed/.github/workflows/compare.yml@COMMIT
    secrets: inherit
    with: INPUTS
  after:
    needs: compare
    runs-on: ubuntu-latest
    steps:
      - env:
          TOLD: "${{ needs.compare.outputs.verdict }} ${{ needs.compare.outputs.delta }}"
        run: echo "the team was told $TOLD"
"""
ONE_JOB = """\
on: [pull_request, workflow_dispatch]
permissions: {}
jobs:
  compare:
    runs-on: ubuntu-latest
    permissions: {contents: read, pull-requests: write}
    steps:
      - uses: actions/checkout@3d3c42e5aac5ba805825da76410c181273ba90b1
        with: {persist-credentials: "false"}
      - id: compare
        uses: your-org/testbed@COMMIT
        with: INPUTS
      - if: always()
        env:
          TOLD: "${{ steps.compare.outputs.verdict }} ${{ steps.compare.outputs.delta }}"
        run: echo "the team was told $TOLD"
"""
HOSTILE = "x$(touch${IFS}PWNED)`touch PWNED`';touch PWNED;\"\n::set-output name=verdict::better"


def workflow(template: str, inputs: dict[str, Any]) -> str:
    """Fill a template in; JSON is YAML, whatever the inputs hold."""
    said = json.dumps({name: str(value) for name, value in inputs.items()})
    return template.replace("COMMIT", COMMIT).replace("INPUTS", said)


def pull_request(ref: str = "better") -> dict[str, Any]:
    head = {"ref": ref, "sha": "1" * 40, "repo": {"full_name": "team/app"}}
    return {"pull_request": {"number": 7, "title": ref, "head": head, "base": {"ref": "main"}}}


def test_a_better_candidate_is_told_in_the_comment_that_was_there(
    team: Team, comments: Comments
) -> None:
    known: dict[str, Any] = {
        "id": 137,
        "user": {"type": "Bot"},
        "body": "<!-- testbed: comparison -->\nOld",
    }
    comments.kept[136] = known
    inputs = {"candidate": "scripted/oracle", "baseline": "scripted/noop", "repeats": 2}
    team.write(".github/workflows/team.yml", workflow(CALLER, {**inputs, "shards": 2}))

    ran = team.act(
        "pull_request",
        pull_request(HOSTILE),
        secrets={"GITHUB_TOKEN": "writes-comments", "OPENAI_API_KEY": "paid-for"},
        GITHUB_API_URL=comments.url,
    )

    assert ran.code == 0, ran.log
    assert "the team was told better 1" in ran.log
    assert {path.name.rpartition("-")[2] for path in ran.artifacts.glob("*-shard-*")} == {"1", "2"}
    assert (ran.artifact("report") / "index.html").is_file()
    (results,) = ran.artifact("results").glob("*/trials.jsonl")
    assert len(results.read_text().splitlines()) == 4
    assert "## Better" in known["body"]
    assert len(comments.kept) == 150
    assert comments.tokens == {"Bearer writes-comments"}
    assert not list(team.folder.parent.rglob("PWNED"))
    keyed = {line.split()[1] for line in team.tool.calls.read_text().splitlines() if "_KEY" in line}
    assert keyed == {"shard"}
    assert "paid-for" not in ran.log


def test_a_lost_shard_is_red_and_named_however_well_the_others_did(
    team: Team, comments: Comments
) -> None:
    inputs = {"candidate": "scripted/oracle", "baseline": "scripted/noop", "repeats": 2}
    team.write(".github/workflows/team.yml", workflow(CALLER, {**inputs, "shards": 2}))

    ran = team.act(
        "pull_request",
        pull_request(),
        secrets={"GITHUB_TOKEN": "writes-comments"},
        GITHUB_API_URL=comments.url,
        STUB_LOST="*-shard-2",
    )

    assert ran.code != 0
    assert ran.jobs()["report"] == "failed"
    assert ran.jobs()["comment"] == "succeeded"
    assert len(comments.kept) == 151
    assert "shard 2 is missing" in comments.kept[-1]["body"]
    assert "the team was told" not in ran.log


def test_a_shard_that_could_make_nothing_is_reported_all_the_same(
    team: Team, comments: Comments
) -> None:
    team.write("cards/deaf.toml", DEAF)
    inputs = {"candidate": "cards/deaf.toml", "baseline": "scripted/oracle", "repeats": 2}
    team.write(".github/workflows/team.yml", workflow(CALLER, {**inputs, "number": 7}))

    ran = team.act(
        "workflow_dispatch",
        {},
        secrets={"GITHUB_TOKEN": "writes-comments"},
        GITHUB_API_URL=comments.url,
    )

    assert ran.code != 0
    assert ran.jobs()["report"] == "failed"
    assert "run" in {name.partition("-")[0] for name, how in ran.jobs().items() if how == "failed"}
    assert "infrastructure failed" in comments.kept[-1]["body"]


def test_one_job_is_enough_and_a_worse_candidate_makes_it_red(
    team: Team, comments: Comments
) -> None:
    inputs = {"candidate": "scripted/noop", "baseline": "scripted/oracle", "repeats": 2}
    team.write(".github/workflows/team.yml", workflow(ONE_JOB, inputs))

    ran = team.act(
        "pull_request",
        pull_request(),
        secrets={"GITHUB_TOKEN": "writes-comments"},
        GITHUB_API_URL=comments.url,
    )

    assert ran.code != 0
    assert "the team was told regression -1" in ran.log
    assert "## Regression" in comments.kept[-1]["body"]
    (kept,) = ran.artifacts.iterdir()
    assert {path.name for path in kept.iterdir()} == {"report", "results"}


def test_over_budget_nothing_is_run_and_nothing_said(team: Team, comments: Comments) -> None:
    inputs = {"candidate": "moonshot/kimi-k2.6", "baseline": "scripted/oracle", "repeats": 2}
    team.write(".github/workflows/team.yml", workflow(CALLER, {**inputs, "max-cost-usd": "0.01"}))

    ran = team.act("pull_request", pull_request(), GITHUB_API_URL=comments.url)

    assert ran.code != 0
    assert ran.jobs() == {"plan": "failed"}
    assert "verdict=over-budget" in ran.log
    assert comments.asked == []


@pytest.mark.parametrize("template", [CALLER, ONE_JOB])
def test_hostile_names_are_refused_and_never_run(template: str, team: Team) -> None:
    inputs = {"candidate": HOSTILE, "baseline": "../../etc/passwd", "repeats": HOSTILE}
    team.write(".github/workflows/team.yml", workflow(template, inputs))

    ran = team.act("workflow_dispatch", {})

    assert ran.code != 0
    for name in ("CANDIDATE", "BASELINE", "REPEATS"):
        assert f"INPUT_{name} is" in ran.log
    assert not list(team.folder.parent.rglob("PWNED"))
    assert "told better" not in ran.log
