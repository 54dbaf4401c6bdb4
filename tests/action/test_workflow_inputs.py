"""The inputs of the action: its file, the workflow, the command line and the docs say the same."""

from __future__ import annotations

import re
from typing import Any

import pytest
from ruamel.yaml import YAML

from testbed.action_inputs import Inputs, read_inputs
from tests.action.conftest import ROOT

OF_THE_WORKFLOW = {"shards", "environment", "number"}
OF_THE_PLATFORM = {"github-token", "environment", "number"}
"""Inputs that the workflow files alone use."""


def read(name: str) -> dict[str, Any]:
    found: dict[str, Any] = YAML(typ="safe").load(ROOT / name)
    return found


@pytest.fixture(scope="module")
def action() -> dict[str, Any]:
    return read("action.yml")


@pytest.fixture(scope="module")
def called() -> dict[str, Any]:
    found = read(".github/workflows/compare.yml")
    call: dict[str, Any] = found["on"]["workflow_call"]
    return call


def documented(file: str = "docs/github-action.md", title: str = "Inputs") -> dict[str, str]:
    """Read the tables of inputs below a heading: name and default."""
    section = (ROOT / file).read_text().partition(f"## {title}")[2].partition("\n## ")[0]
    return dict(re.findall(r"^\| `([\w-]+)` \|\s*`?([^|`]*?)`?\s*\|", section, re.MULTILINE))


def plan_step(name: str) -> dict[str, str]:
    found = read(name)
    steps = found["runs"]["steps"] if "runs" in found else found["jobs"]["plan"]["steps"]
    (step,) = [step for step in steps if step.get("id") == "plan"]
    told: dict[str, str] = {n: v for n, v in step["env"].items() if n.startswith("INPUT_")}
    return told


def test_action_workflow_and_docs_have_the_same_inputs(
    action: dict[str, Any], called: dict[str, Any]
) -> None:
    assert set(called["inputs"]) == set(action["inputs"]) - {"github-token"} | OF_THE_WORKFLOW
    assert set(documented()) == set(action["inputs"]) | OF_THE_WORKFLOW


def test_the_readme_names_the_inputs_of_the_action_with_their_defaults(
    action: dict[str, Any],
) -> None:
    told = documented("README.md", "When a new model is released")

    assert told == {name: documented()[name] for name in action["inputs"]}


def test_the_command_line_reads_every_input_and_no_other(
    action: dict[str, Any], called: dict[str, Any]
) -> None:
    given = (set(action["inputs"]) | set(called["inputs"])) - OF_THE_PLATFORM

    assert {name.replace("-", "_") for name in given} == set(Inputs.model_fields)


@pytest.mark.parametrize("name", ["action.yml", ".github/workflows/compare.yml"])
def test_every_input_reaches_the_plan_under_its_own_name(name: str) -> None:
    given = plan_step(name)

    assert {n.removeprefix("INPUT_").lower() for n in given} == set(Inputs.model_fields)
    for variable, value in given.items():
        own = variable.removeprefix("INPUT_").lower().replace("_", "-")
        assert value == f"${{{{ inputs.{own} }}}}" or (name, own) == ("action.yml", "shards")


def test_defaults_are_the_same_everywhere(action: dict[str, Any], called: dict[str, Any]) -> None:
    told = documented()
    for name, said in action["inputs"].items():
        default = said.get("default", "")
        if name == "github-token":
            assert default == "${{ github.token }}"
            continue
        assert told[name] == default
        other = called["inputs"][name].get("default", "")
        assert default == (str(other).lower() if isinstance(other, bool) else other)
    for name in OF_THE_WORKFLOW:
        assert told[name] == called["inputs"][name]["default"]


def test_defaults_mean_what_the_command_line_takes_an_empty_input_for(
    action: dict[str, Any],
) -> None:
    needed = {"INPUT_CANDIDATE": "a", "INPUT_BASELINE": "b"}
    said = {
        f"INPUT_{name.upper().replace('-', '_')}": one["default"]
        for name, one in action["inputs"].items()
        if "default" in one
    }

    assert read_inputs(needed | said) == read_inputs(needed)


def test_outputs_of_the_action_are_those_of_the_report(
    action: dict[str, Any], called: dict[str, Any]
) -> None:
    from reports.github import outputs
    from testbed.comparing.outcome import ActionVerdict, Outcome

    outcome = Outcome(verdict=ActionVerdict.BETTER, exit_code=0)
    told = set(outputs(outcome, report=None, results=None))

    assert set(action["outputs"]) == told
    assert set(called["outputs"]) == told - {"report-path", "results-path"} | {"run-id"}
    words = set(re.findall(r"`([\w-]+)`", action["outputs"]["verdict"]["description"]))
    assert words == {verdict.value for verdict in ActionVerdict}


def test_examples_give_only_inputs_that_there_are(
    action: dict[str, Any], called: dict[str, Any]
) -> None:
    publish = read(".github/workflows/publish.yml")
    taken = {
        "your-org/testbed": set(action["inputs"]),
        "your-org/testbed/.github/workflows/compare.yml": set(called["inputs"]),
        "your-org/testbed/.github/workflows/publish.yml": set(
            publish["on"]["workflow_call"]["inputs"]
        ),
    }
    seen = set()
    for path in (ROOT / "docs" / "examples").glob("*.yml"):
        for job in read(str(path.relative_to(ROOT)))["jobs"].values():
            for one in (job, *job.get("steps", ())):
                name = one.get("uses", "").partition("@")[0]
                if name in taken:
                    seen.add(name)
                    assert set(one["with"]) <= taken[name], path
    assert seen == set(taken)
