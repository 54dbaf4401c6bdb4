"""What is read of one trial: everything recorded, however damaged, hostile or large."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from testbed.briefs import Brief, Briefs
from testbed.catalog import ModelCard
from testbed.dossier import LOG_BYTES, OUTPUT_CHARS, PATCH_BYTES, Dossier, read_dossier
from testbed.errors import RunError
from testbed.plan import PlannedScenario, PlannedTrial, RunConfig, TrialLimits
from testbed.records import (
    Check,
    CheckKind,
    Ending,
    Exchange,
    Funnel,
    Grade,
    Stage,
    ToolCall,
    Trial,
    Turn,
    Verdict,
)
from testbed.store import Run, write_record

if TYPE_CHECKING:
    from pathlib import Path

    from testbed.store import TrialPaths

TEST = "checks/a.test.ts::pages > the first one"
LOADING = "checks/b.test.ts::never runs"
REPORT = f"""<?xml version="1.0"?>
<testsuites><testsuite name="unit">
<testcase classname="checks/a.test.ts" name="pages &gt; the first one">
<failure message="expected 1 to be 2">AssertionError: expected 1 to be 2

- Expected
+ Received
{"x" * (OUTPUT_CHARS + 5)}</failure></testcase>
<testcase classname="checks/a.test.ts" name="fine"/>
<testcase classname="checks/b.test.ts" name="checks/b.test.ts">
<error message="cannot load"/></testcase>
</testsuite></testsuites>
"""
BOMB = """<?xml version="1.0"?>
<!DOCTYPE lolz [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;&a;&a;&a;&a;&a;">]>
<testsuites><testsuite><testcase classname="checks/a.test.ts" name="pages &gt; the first one">
<failure>&b;</failure></testcase></testsuite></testsuites>
"""


def turn(index: int, text: str = "I look.") -> Turn:
    call = ToolCall(id="c", name="shell", raw_arguments="{}", stage=Stage.EFFECTIVE)
    return Turn(
        index=index,
        text=text,
        reasoning=None,
        finish_reason="tool_calls",
        tool_calls=(call,),
        model_s=1.5,
        tool_s=0.5,
    )


def trial_record(*, scripted: bool = False, scenario: str = "minus") -> Trial:
    return Trial(
        model="acme/coder-1",
        scripted=scripted,
        scenario=scenario,
        kind="bug",
        repeat=2,
        attempt=1,
        ending=Ending.FINISHED,
        verdict=Verdict.FAIL,
        started_at="2026-11-22T10:00:00+00:00",
        phases={},
        turns=1,
        requests=1,
        rate_limited=0,
        usage=None,
        cost_usd=None,
        funnel=Funnel(),
        latencies=(),
        patch=None,
    )


def grade(*failed: str) -> Grade:
    checks = [Check(id=i, kind=CheckKind.FAIL_TO_PASS, passed=False, detail="red") for i in failed]
    return Grade(verdict=Verdict.FAIL, checks=tuple(checks))


@pytest.fixture
def run(tmp_path: Path) -> Run:
    card = ModelCard(
        schema_version=1,
        id="acme/coder-1",
        title="Acme Coder, prices of 2026-09",
        provider="acme",
        model="coder-1",
        base_url="http://127.0.0.1:9/v1",
    )
    config = RunConfig(
        run_id="r1",
        created_at="2026-11-22T00:00:00+00:00",
        suite="/somewhere",
        models=(card,),
        scenarios=(PlannedScenario(id="minus", title="Minus", kind="bug", difficulty="easy"),),
        repeats=2,
        engine="local",
        limits=TrialLimits(max_turns=7, max_cost_usd=0.5),
    )
    return Run.create(tmp_path, config)


@pytest.fixture
def paths(run: Run) -> TrialPaths:
    found = run.paths.attempt(PlannedTrial("acme/coder-1", "minus", 2), 1)
    found.folder.mkdir(parents=True)
    return found


def read(run: Run) -> Dossier:
    return read_dossier(run, trial_record())


def test_a_try_that_left_nothing_is_an_empty_dossier(run: Run) -> None:
    found = read(run)

    assert (found.turns, found.files, found.outputs) == ((), (), {})
    assert (found.grade, found.patch, found.requests, found.brief) == (None, None, None, None)
    assert (found.log.text, found.title, found.card) == (
        "",
        "Minus",
        "Acme Coder, prices of 2026-09",
    )


def test_everything_that_was_recorded_is_read(run: Run, paths: TrialPaths) -> None:
    request = Exchange(turn=1, attempt=1, sent_at="2026-11-22T10:00:00.000000+00:00")
    paths.turns.write_text(turn(1).model_dump_json() + "\n")
    paths.requests.write_text(request.model_dump_json() + "\n")
    paths.patch.write_bytes(b"diff --git a/a b/a\n+caf\xe9\n")
    paths.log.write_text("graded\n")
    write_record(paths.grade, grade(TEST))

    found = read(run)

    assert (found.turns, found.requests, found.grade) == ((turn(1),), (request,), grade(TEST))
    assert found.patch is not None
    assert found.patch.text == "diff --git a/a b/a\n+caf\N{REPLACEMENT CHARACTER}\n"
    assert found.log.text == "graded\n"
    assert found.folder == "r1/trials/acme~coder-1/minus/2/1"
    assert found.files == ("grade.json", "log.txt", "patch.diff", "requests.jsonl", "turns.jsonl")


def test_a_line_that_a_crash_cut_short_is_dropped(run: Run, paths: TrialPaths) -> None:
    paths.turns.write_text(f"{turn(1).model_dump_json()}\n{turn(2).model_dump_json()[:40]}")

    assert read(run).turns == (turn(1),)


def test_a_damaged_line_is_named(run: Run, paths: TrialPaths) -> None:
    paths.turns.write_text(f"{turn(1).model_dump_json()}\n{{}}\n")

    with pytest.raises(RunError, match=r"turns\.jsonl:2"):
        read(run)


def test_a_long_patch_and_log_are_cut_and_the_cut_is_counted(run: Run, paths: TrialPaths) -> None:
    line = b"+" + b"y" * 99 + b"\n"
    paths.patch.write_bytes(line * (PATCH_BYTES // len(line) + 10))
    paths.log.write_bytes(b"z" * (LOG_BYTES + 3))

    found = read(run)

    assert found.patch is not None
    assert found.patch.text.endswith("y\n")
    assert len(found.patch.text) + found.patch.cut == paths.patch.stat().st_size
    assert (len(found.log.text), found.log.cut) == (LOG_BYTES, 3)


def test_a_failed_test_has_the_output_of_its_report(run: Run, paths: TrialPaths) -> None:
    write_record(paths.grade, grade(TEST, LOADING))
    paths.junit("unit").write_text(REPORT)

    found = read(run)

    assert found.output(TEST).startswith("AssertionError: expected 1 to be 2\n\n- Expected")
    assert "more characters]" in found.output(TEST)
    assert len(found.output(TEST)) < OUTPUT_CHARS + 40
    assert found.output(LOADING) == "cannot load"
    assert found.output("checks/c.test.ts::other") == ""


@pytest.mark.parametrize("report", [BOMB, "<testsuites><testcase", "", "\0\0", "<a>" * 90_000])
def test_a_report_that_is_no_plain_xml_says_nothing(
    run: Run, paths: TrialPaths, report: str
) -> None:
    write_record(paths.grade, grade(TEST))
    paths.junit("unit").write_text(report)

    assert read(run).output(TEST) == ""


def test_a_damaged_report_gives_what_stands_before_the_fault(run: Run, paths: TrialPaths) -> None:
    write_record(paths.grade, grade(TEST))
    whole, _, _ = REPORT.partition("</testcase>")
    paths.junit("unit").write_text(f"{whole}<oops")

    assert read(run).output(TEST).startswith("AssertionError")


def test_the_commands_do_the_same_again_whatever_the_names_hold(run: Run) -> None:
    commands = read_dossier(run, trial_record(scenario="a; rm -rf $HOME")).commands

    again, replay, regrade = commands.values()
    assert again == (
        "testbed run -m acme/coder-1 -s 'a; rm -rf $HOME' -n 1 --max-turns 7 "
        "--max-trial-cost-usd 0.5 --engine local"
    )
    assert replay == "testbed replay r1 --trial 'acme/coder-1/a; rm -rf $HOME/2'"
    assert regrade == "testbed grade r1"


def test_a_player_is_run_as_often_as_its_script_counts(run: Run) -> None:
    commands = read_dossier(run, trial_record(scripted=True)).commands

    assert " -n 2 " in commands["Make a trial like it"]


def test_the_brief_of_the_scenario_is_read_anew_when_it_changes(run: Run) -> None:
    for prompt in ("Please subtract.", "Please add again."):
        brief = Brief(
            prompt=prompt,
            seed="",
            seeded_files=(),
            constraints={},
            commands={},
            fail_to_pass=1,
            pass_to_pass=1,
        )
        write_record(run.paths.briefs, Briefs(scenarios={"minus": brief}))

        assert read(run).brief == brief
