"""`testbed action shard` and `report`: what the shards left becomes one verdict, one exit code."""

from __future__ import annotations

import json
import shutil
from typing import TYPE_CHECKING

import pytest

from testbed.cli.action_report import make_report
from testbed.comparing.outcome import MARKER
from testbed.errors import RunError

if TYPE_CHECKING:
    from tests.cli.action.conftest import Place

pytestmark = pytest.mark.bubblewrap
ORACLE, NOOP = "scripted/oracle", "scripted/noop"
REPORT = ("action", "report", "--plan", "plan", "--shards", "shards", "-o", "answer")


def test_a_regression_is_exit_code_1_and_is_told_everywhere(job: Place) -> None:
    done = job.testbed(*REPORT, GITHUB_SERVER_URL="https://example.test", GITHUB_RUN_ID="5")
    answer = job.folder / "answer"
    outcome = json.loads((answer / "outcome.json").read_text())
    out = job.outputs

    assert (done.returncode, done.stderr) == (1, "")
    assert done.stdout.startswith("::error title=Regression on this suite::Worse: 95 %25 interval")
    assert outcome["verdict"] == out["verdict"] == "regression"
    assert (out["delta"], out["ci-low"], out["p-value"], out["cost-usd"]) == ("-1", "-1", "", "")
    assert float(out["ci-high"]) == pytest.approx(outcome["ci_high"], abs=1e-5)
    assert (job.folder / out["report-path"] / "index.html").is_file()
    assert job.summary == (answer / "summary.md").read_text()
    assert job.summary.startswith("## Regression on this suite: scripted/noop against")
    assert "<details><summary>Flips: 1 down, 0 up</summary>" in job.summary
    assert (answer / "comment.md").read_text().startswith(f"{MARKER}\n\n## Regression")
    assert {path.name for path in answer.iterdir()} == {
        *("outcome.json", "summary.md", "comment.md", "report", "results"),
    }


def test_the_merged_run_is_what_one_machine_would_have_left(job: Place) -> None:
    job.testbed(*REPORT)
    checked = job.testbed("verify-run", *map(str, (job.folder / "answer/results").iterdir()))

    assert checked.returncode == 0, checked.stderr
    assert "6 planned = 6 valid + 0 ungraded + 0 missing, in 6 complete tries" in checked.stdout
    again = job.testbed(*REPORT)
    assert again.returncode == 1, again.stdout


@pytest.mark.parametrize(
    ("fail_on", "code"), [("regression", 1), ("inconclusive", 1), ("never", 0)]
)
def test_a_regression_fails_the_job_unless_it_is_never_to_fail(
    job: Place, fail_on: str, code: int
) -> None:
    job.replan(inputs={"fail_on": fail_on})

    assert job.reported()[0] == code


def test_a_better_candidate_is_exit_code_0(job: Place) -> None:
    job.replan(candidate=ORACLE, baseline=NOOP)
    code, outcome = job.reported()

    assert (code, outcome["verdict"], outcome["delta"]) == (0, "better", 1.0)
    assert outcome["ci_low"] > 0


@pytest.mark.parametrize(
    ("fail_on", "code"), [("regression", 0), ("inconclusive", 4), ("never", 0)]
)
def test_what_stays_open_fails_the_job_only_on_request(job: Place, fail_on: str, code: int) -> None:
    job.replan(policy={"min_scenarios": 6}, inputs={"fail_on": fail_on})
    found, outcome = job.reported()

    assert (found, outcome["verdict"]) == (code, "inconclusive")
    assert any("the policy wants 6" in reason for reason in outcome["reasons"])


def test_a_missing_shard_is_named_and_never_green(job: Place) -> None:
    shutil.rmtree(job.shards / "testbed-2")
    lax = {"max_ungraded": 0.9}
    job.replan(candidate=ORACLE, baseline=NOOP, inputs={"fail_on": "never"}, policy=lax)
    code, outcome = job.reported()

    assert (code, outcome["verdict"]) == (3, "infrastructure")
    assert outcome["faults"][0] == "shard 2 is missing."
    assert "1 of 3 planned trials of scripted/noop have no verdict: " in outcome["faults"][1]
    assert (outcome["planned"], outcome["valid"]) == (6, 4)
    assert "## No result: infrastructure failed" in (job.folder / "answer/summary.md").read_text()


def test_without_any_shard_there_is_an_answer_all_the_same(job: Place) -> None:
    shutil.rmtree(job.shards)
    done = job.testbed(*REPORT)

    assert done.returncode == 3
    assert job.outputs["verdict"] == "infrastructure"
    assert (job.outputs["delta"], job.outputs["report-path"]) == ("", "")
    assert "shard 1 is missing" in job.summary


def test_a_shard_that_is_there_twice_is_refused(job: Place) -> None:
    shutil.copytree(job.shards / "testbed-2", job.shards / "copy")
    code, outcome = job.reported()

    assert (code, outcome["faults"][0]) == (3, "shard 2 is there twice.")


def test_a_single_shard_may_be_given_as_it_is(job: Place) -> None:
    shutil.rmtree(job.shards / "testbed-1")
    job.replan(inputs={"fail_on": "never"})
    code = make_report(job.plan, job.shards / "testbed-2", job.folder / "answer", {})

    outcome = json.loads((job.folder / "answer/outcome.json").read_text())
    assert code == 3
    assert outcome["faults"][0] == "shard 1 is missing."
    assert outcome["valid"] == 2


def test_an_answer_never_overwrites_what_is_not_its_own(job: Place) -> None:
    (job.folder / "answer").mkdir()
    (job.folder / "answer/thesis.txt").write_text("years of work")

    with pytest.raises(RunError, match=r"holds thesis\.txt"):
        job.reported()


def test_a_fault_of_the_tool_itself_is_no_regression(job: Place) -> None:
    (job.folder / "plan" / "baseline").mkdir()
    (job.folder / "answer").write_text("a file where a folder is to be")
    done = job.testbed(*REPORT)

    assert done.returncode == 3
    assert done.stdout == "::error::testbed failed: FileExistsError: please report it\n"
    first, *_, last = done.stderr.splitlines()
    assert last == f"::{first.removeprefix('::stop-commands::')}::"


def test_the_baseline_may_come_from_an_earlier_run(job: Place) -> None:
    merged = job.testbed("merge", "shards/testbed-1", "shards/testbed-2", "-o", "earlier")
    assert merged.returncode == 0, merged.stderr
    planned = job.testbed(
        *("action", "plan", "-o", "again"),
        INPUT_CANDIDATE=NOOP,
        INPUT_BASELINE=ORACLE,
        INPUT_REPEATS="2",
        INPUT_BASELINE_RESULTS="earlier",
    )
    assert planned.returncode == 0, planned.stdout
    shutil.rmtree(job.folder / "earlier")
    job.testbed("action", "shard", "--plan", "again", "--number", "1", "-o", "new/1")
    report = ("action", "report", "--plan", "again", "--shards", "new")
    done = job.testbed(*report, "-o", "second")

    assert done.returncode == 1, done.stdout + done.stderr
    assert job.outputs["verdict"] == "regression"
    assert (job.folder / "second/report/index.html").is_file()

    (lock,) = job.folder.glob("again/baseline/*/lock.json")
    lock.write_text(lock.read_text().replace('"engine": "local"', '"engine": "docker"'))
    refused = job.testbed(*report, "-o", "third")
    assert refused.returncode == 2
    assert "were made under other conditions: engine" in refused.stdout
    assert json.loads((job.folder / "third/outcome.json").read_text())["verdict"] == "refused"


def test_a_comment_is_refused_in_one_line_without_a_token(job: Place) -> None:
    (job.folder / "comment.md").write_text(f"{MARKER}\n")
    options = ("action", "comment", "--body", "comment.md", "--number", "7", "--repository")

    for repository, environment, words in (
        ("acme/app", {}, "::error::GITHUB_TOKEN is not set"),
        ("acme", {"GITHUB_TOKEN": "t"}, "::error::'acme' is no repository"),
    ):
        done = job.testbed(*options, repository, **environment)
        assert (done.returncode, done.stderr) == (2, "")
        assert done.stdout.startswith(words)
