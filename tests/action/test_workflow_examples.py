"""What stands around a comparison: Pages with history, and the daily look at the providers."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import pytest
from ruamel.yaml import YAML

from tests.action.conftest import COMMIT, ROOT

if TYPE_CHECKING:
    from pathlib import Path

    from tests.action.conftest import Team

PUBLISH = f"""\
on: workflow_dispatch
permissions: {{}}
jobs:
  publish:
    permissions: {{actions: read, contents: read, id-token: write, pages: write}}
    uses: your-org/testbed/.github/workflows/publish.yml@{COMMIT}
    with: {{run-id: now}}
  after:
    needs: publish
    runs-on: ubuntu-latest
    steps:
      - env:
          PLACE: ${{{{ needs.publish.outputs.page-url }}}}
        run: echo "published at $PLACE"
"""
GH = """\
#!/bin/sh
echo "gh $*" >>"{told}"
case "$1 $2" in
  "run list")
    case "$*" in
      *'startswith("pull_request") | not'*) ;;
      *) echo 10 ;;
    esac
    echo 11; echo 12; echo 13 ;;
  "run download")
    for last; do :; done
    case "$3" in
      11) mkdir -p "$last" && cp -r "{earlier}" "$last/testbed-before-results" ;;
      13)
        mkdir -p "$last/testbed-torn-results/torn"
        echo {{ >"$last/testbed-torn-results/torn/run.json" ;;
      *) exit 1 ;;
    esac ;;
  "issue create")
    cat body.md >>"{told}" ;;
esac
"""
CARD = "models/kimi-k9.toml"
MONTH = datetime.now(UTC).strftime("%Y-%m")


def gh(team: Team, earlier: Path) -> tuple[Path, Path]:
    """Write a stand-in of the platform's program; return its folder and what it is told."""
    told = team.folder.parent / "gh.txt"
    team.write("../bin/gh", GH.format(told=told, earlier=earlier))
    script = team.folder.parent / "bin" / "gh"
    script.chmod(0o755)
    return script.parent, told


@pytest.mark.docker
@pytest.mark.usefixtures("docker_engine")
def test_pages_show_this_run_beside_the_earlier_ones(team: Team) -> None:
    for player in ("noop", "oracle"):
        made = team.testbed("run", "-m", f"scripted/{player}", "-n", "1")
        assert made.returncode == 0, made.stderr
    before, now = sorted((team.folder / "runs").glob("*/"))
    earlier = team.folder.parent / "earlier"
    shutil.move(before, earlier / before.name)
    artifacts = team.folder.parent / "artifacts" / "testbed-now-results"
    shutil.move(now, artifacts / now.name)
    shutil.rmtree(team.folder / "runs")
    team.write(".github/workflows/team.yml", PUBLISH)
    programs, told = gh(team, earlier)

    ran = team.act(
        "workflow_dispatch",
        {"repository": {"default_branch": "main"}},
        PATH=f"{programs}:{team.tool.path}:{os.environ['PATH']}",
    )

    assert ran.code == 0, ran.log
    assert "published at https://team.example/" in ran.log
    page = (ran.artifacts / "github-pages" / "index.html").read_text()
    assert "scripted/noop" in page
    assert "scripted/oracle" in page
    assert "--branch main" in told.read_text()
    assert "run download 10 " not in told.read_text()
    assert "run download 13 " in told.read_text()


def script_of(job: str, name: str) -> str:
    workflow: dict[str, Any] = YAML(typ="safe").load(
        ROOT / "docs" / "examples" / "watch-models.yml"
    )
    (step,) = [one for one in workflow["jobs"][job]["steps"] if one.get("name") == name]
    script: str = step["run"]
    return script


def bash(script: str, folder: Path, **environment: str) -> str:
    """Run a step's script as the platform does; return what it wrote to its outputs."""
    told = folder / "told.txt"
    told.unlink(missing_ok=True)
    told.touch()
    subprocess.run(
        ["bash", "-e", "-c", script],
        cwd=folder,
        env={"PATH": os.environ["PATH"], "GITHUB_OUTPUT": str(told), **environment},
        check=True,
        capture_output=True,
        timeout=60,
    )
    return told.read_text()


@pytest.mark.parametrize(
    ("budget", "spent", "card", "left"),
    [
        ("20", "", CARD, "20.00"),
        ("20", f"{MONTH} 5.5\n1999-01 100\n", CARD, "14.50"),
        ("20", f"{MONTH} 20\n", CARD, None),
        ("20", f"{MONTH} 25\n", CARD, None),
        ("", "", CARD, None),
        ("20", "", "models/another.toml", None),
    ],
)
def test_a_new_model_is_compared_when_it_has_a_card_and_budget_is_left(
    tmp_path: Path, budget: str, spent: str, card: str, left: str | None
) -> None:
    (tmp_path / "models").mkdir()
    (tmp_path / card).touch()
    (tmp_path / "new.txt").write_text("kimi-$(touch PWNED)\nmoonshot/kimi-k9\nkimi-k10\n")
    if spent:
        (tmp_path / "models.spent.txt").write_text(spent)

    chosen = bash(script_of("look", "Choose what to compare"), tmp_path, BUDGET=budget)

    assert chosen == (f"card={CARD}\nleft={left}\n" if left else "")
    assert not (tmp_path / "PWNED").exists()


def test_new_models_open_an_issue_that_nobody_is_mentioned_in(team: Team) -> None:
    programs, told = gh(team, team.folder)

    bash(
        script_of("tell", "Open an issue"),
        team.folder,
        PATH=f"{programs}:{os.environ['PATH']}",
        GITHUB_REPOSITORY="team/app",
        NEW='["kimi-k9","@everybody"]',
        CARD="",
    )

    said = told.read_text()
    assert "gh issue create --repo team/app" in said
    assert re.search(r'```\n\["kimi-k9","@everybody"\]\n```', said)
    assert "None was compared" in said


@pytest.mark.parametrize(
    ("run", "cost", "spent"),
    [("20261123-1", "2.25", " 2.25"), ("20261123-1", "", " 14.50"), ("", "", None)],
)
def test_what_may_be_spent_is_reserved_and_then_what_was_spent_stands_in_its_place(
    team: Team, run: str, cost: str, spent: str | None
) -> None:
    file = team.folder / "models.spent.txt"
    before = f"{MONTH} 1.00\n"
    file.write_text(before)
    reserve = script_of("reserve", "Commit what may be spent").partition("git add")[0]
    remember = script_of("remember", "Commit what was seen and spent").partition("git add")[0]

    bash(reserve, team.folder, LEFT="14.50")
    reserved = file.read_text()
    bash(remember, team.folder, RUN=run, LEFT="14.50", COST=cost, RESERVED="success")

    assert reserved == f"{before}{MONTH} 14.50\n"
    assert file.read_text() == (f"{before}{MONTH}{spent}\n" if spent else before)


def test_without_a_comparison_no_money_is_remembered(team: Team) -> None:
    file = team.folder / "models.spent.txt"
    file.write_text(f"{MONTH} 1.00\n")
    remember = script_of("remember", "Commit what was seen and spent").partition("git add")[0]

    bash(remember, team.folder, RUN="", LEFT="", COST="", RESERVED="skipped")

    assert file.read_text() == f"{MONTH} 1.00\n"
