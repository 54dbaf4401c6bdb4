"""The job's summary, the comment and the annotations: Markdown, escaped, short enough."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from reports.github import FIGURES, comment, outputs, remarks, summary
from reports.versus.rows import side_by_side
from testbed.comparing.outcome import MARKER, MOST_CHARACTERS, ActionVerdict, Outcome

if TYPE_CHECKING:
    from testbed.comparing.comparison import Comparison

LINK = "https://github.com/acme/app/actions/runs/5"


def outcome(verdict: ActionVerdict = ActionVerdict.BETTER, **fields: object) -> Outcome:
    known: dict[str, object] = {
        "exit_code": 0,
        "candidate": "moonbeam-3",
        "baseline": "moonbeam-2",
        "planned": 100,
        "valid": 100,
        "cost_usd": 12.5,
        "reasons": ("Not worse by more than 10 points: 95 % interval +12.1 to +39.9 points.",),
    }
    return Outcome.model_validate({"verdict": verdict, **known, **fields})


def test_the_verdict_comes_first_then_the_flips_then_the_tables(worked: Comparison) -> None:
    text = summary(outcome(), worked)
    lines = text.splitlines()

    assert lines[0] == "## Better on this suite: moonbeam-3 against moonbeam-2"
    assert lines[2] == "100 of 100 planned trials have a verdict; this run cost $12.50."
    assert "<details><summary>Flips: 2 down, 6 up</summary>" in lines
    assert "- endless-search: 5/5 before, 4/5 now, p 1" in lines
    assert text.index("Flips") < text.index("| figure |")
    assert text.count("<details>") == text.count("</details>")
    for at in (n for n, line in enumerate(lines) if line.startswith(("<details>", "</details>"))):
        assert lines[at + 1 : at + 2] in ([], [""])


def test_the_comment_is_marked_short_and_linked(worked: Comparison) -> None:
    text = comment(outcome(), worked, link=LINK)

    assert text.startswith(f"{MARKER}\n\n## Better on this suite")
    assert text.endswith(f"[Summary, scoreboard and every trial]({LINK})\n")
    cells = (r"48 %<br>\[25, 72\]", r"**74 %**<br>\[45, 91\]", "+26 points<br>+1 to +51")
    assert f"| pass@1 | {' | '.join(cells)} |" in text
    assert "Flips: 2 down" in text
    assert len(text) < 5000


def test_the_rows_of_the_comment_are_rows_of_the_whole_table(worked: Comparison) -> None:
    names = {row.name for row in side_by_side(worked).rows}

    assert names >= FIGURES - {"tool-call accuracy", "wall time per trial"}


@pytest.mark.parametrize("render", [summary, comment])
def test_hostile_names_are_words_and_nothing_else(render: object, hostile: Comparison) -> None:
    assert callable(render)
    found = outcome(
        ActionVerdict.INFRASTRUCTURE,
        candidate=hostile.b.model,
        baseline=hostile.a.model,
        faults=("shard 1: `</details>`\n## Better @everyone https://evil.test\x1b[31m",),
    )
    text = render(found, hostile)

    assert not re.search(r"(?<!\\)<(?!/?(details|summary|br)>|!-- testbed)", text)
    assert not re.search(r"^#+ Better", text, re.MULTILINE)
    assert not re.search(r"(?<!\\)\]\(", text)
    assert "\x1b" not in text
    assert "\u202e" not in text
    (quoted,) = re.findall(r"^- (`` .*@everyone.* ``)$", text, re.MULTILINE)
    assert quoted.count("`") == 4


def test_nothing_is_longer_than_the_platform_takes(worked: Comparison) -> None:
    many = [
        replace(pair, scenario=f"scenario-{number}-{'x' * 50}", title="t" * 100)
        for number in range(6000)
        for pair in worked.scenarios[:1]
    ]
    large = replace(
        worked, scenarios=tuple(many), down=tuple(pair.scenario for pair in many), up=()
    )
    faults = tuple(f"{number} " + "y" * 5000 for number in range(200))
    found = outcome(ActionVerdict.INFRASTRUCTURE, faults=faults)

    assert len(comment(found, large, link=LINK)) < MOST_CHARACTERS
    assert len(summary(found, large).encode()) < 1 << 20
    assert "too long for this page" in summary(found, large)
    assert "- and 5,900 more" in comment(found, large)
    assert len(remarks(found, large)) == 10


def test_infrastructure_is_never_told_as_a_success(worked: Comparison) -> None:
    found = outcome(ActionVerdict.INFRASTRUCTURE, faults=("shard 2 is missing.",), valid=90)
    first, second, *rest = remarks(found, worked)

    assert (first.level, first.title) == ("error", "No result: infrastructure failed")
    assert (second.level, second.text) == ("error", "shard 2 is missing.")
    assert [one.title for one in rest] == ["endless-search", "signup-validation"]
    assert summary(found, worked).startswith("## No result: infrastructure failed: moonbeam-3")
    assert "90 of 100 planned trials have a verdict" in comment(found, worked)


def test_what_was_not_compared_has_no_tables() -> None:
    found = outcome(ActionVerdict.REFUSED, planned=0, reasons=(), faults=("other conditions: x",))

    assert summary(found, None) == (
        "## No result: the earlier results do not fit: moonbeam-3 against moonbeam-2\n\n"
        "Infrastructure:\n\n- `` other conditions: x ``\n"
    )
    (first, _) = remarks(found, None)
    assert first.text == "Nothing was compared."


def test_outputs_that_are_unknown_are_empty() -> None:
    found = outcome(delta=0.1234567, ci_low=None, ci_high=0.0, cost_usd=None)

    assert outputs(found, report=None, results="results") == {
        "verdict": "better",
        "delta": "0.123457",
        "ci-low": "",
        "ci-high": "0",
        "p-value": "",
        "cost-usd": "",
        "report-path": "",
        "results-path": "results",
    }
