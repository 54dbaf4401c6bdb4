"""Scenarios are strict, and say which file and key is wrong."""

from __future__ import annotations

import shutil
from typing import TYPE_CHECKING

import pytest

from testbed.errors import ScenarioError
from testbed.scenario import load_suite

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

FIXTURE = """
schema_version = 1
id = "app"
title = "App"
language = "typescript"
lockfile = "package-lock.json"
protected = ["**/*.test.ts"]
ignored = ["node_modules/**"]
[commands]
test = "npm test"
[[steps]]
id = "unit"
argv = ["node", "run.mjs"]
junit = ".testbed/out/unit.xml"
timeout_seconds = 10
[typecheck]
argv = ["true"]
timeout_seconds = 10
[lint]
argv = ["true"]
timeout_seconds = 10
"""
SCENARIO = """
schema_version = 1
id = "fix-it"
title = "Fix it"
kind = "bug"
fixture = "app"
difficulty = "easy"
seeded_files = ["lib/a.ts"]
"""
WRONG = "Reason: only hides it\nCaught-by: lib/a.test.ts::a > works\ndiff --git a/a b/a\n"


@pytest.fixture
def suite(tmp_path: Path) -> Path:
    files = {
        "fixtures/app.toml": FIXTURE,
        "fixtures/app/package-lock.json": "{}",
        "fixtures/app.grading/run.mjs": "",
        "scenarios/fix-it/scenario.toml": SCENARIO,
        "scenarios/fix-it/prompt.md": "Please fix it.\n",
        "scenarios/fix-it/seed.patch": "",
        "scenarios/fix-it/reference.patch": "",
        "scenarios/fix-it/wrong/hidden.patch": WRONG,
        "scenarios/fix-it/checks/fail_to_pass.txt": "lib/a.test.ts::a > works\n",
        "scenarios/fix-it/checks/pass_to_pass.txt": "lib/b.test.ts::b > works\n",
    }
    for name, text in files.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(text)
    return tmp_path


def test_a_whole_suite_loads(suite: Path) -> None:
    (scenario,) = load_suite(suite).scenarios

    assert scenario.id == "fix-it"
    assert scenario.prompt == "Please fix it."
    assert [c.name for c in scenario.candidates()] == ["reference", "wrong/hidden"]
    assert scenario.candidates()[1].caught_by == "lib/a.test.ts::a > works"
    assert [step.id for step in scenario.steps()] == ["unit"]


def _replace(name: str, old: str, new: str) -> Callable[[Path], None]:
    def change(root: Path) -> None:
        path = root / name
        path.write_text(path.read_text().replace(old, new))

    return change


def _remove(name: str) -> Callable[[Path], None]:
    def change(root: Path) -> None:
        path = root / name
        shutil.rmtree(path) if path.is_dir() else path.unlink()

    return change


CARD = "scenarios/fix-it/scenario.toml"


@pytest.mark.parametrize(
    ("change", "file", "complaint"),
    [
        (_replace(CARD, '"bug"', '"bugg"'), CARD, "`kind`"),
        (_replace(CARD, '"fix-it"', '"other"'), CARD, "`id`"),
        (_replace(CARD, "difficulty", "hardness"), CARD, "`hardness`"),
        (_replace(CARD, 'seeded_files = ["lib/a.ts"]', ""), CARD, "seeded_files"),
        (_replace(CARD, "lib/a.ts", "../a.ts"), CARD, "`seeded_files.0`"),
        (_replace(CARD, '"app"', '"gone"'), "fixtures/gone.toml", "no such file"),
        (_replace("fixtures/app.toml", "argv = ", "args = "), "fixtures/app.toml", "argv"),
        (
            _replace("fixtures/app.toml", "ignored =", 'tests = ["**/*.test.ts"]\nignored ='),
            "fixtures/app.toml",
            "takes_files",
        ),
        (
            _replace("fixtures/app.toml", "[lint]", "[quality]\nargv = []\n[lint]"),
            "fixtures/app.toml",
            "`quality.argv`",
        ),
        (_remove("scenarios/fix-it/prompt.md"), "prompt.md", "cannot be read"),
        (_remove("scenarios/fix-it/reference.patch"), "reference.patch", "missing"),
        (_remove("scenarios/fix-it/seed.patch"), "seed.patch", "missing"),
        (_remove("fixtures/app.grading"), "app.grading", "missing"),
        (_remove("scenarios/fix-it/checks/fail_to_pass.txt"), "fail_to_pass.txt", "empty"),
        (
            _replace("scenarios/fix-it/checks/fail_to_pass.txt", "::", ":"),
            "fail_to_pass.txt:1",
            "no test id",
        ),
        (
            _replace(
                "scenarios/fix-it/checks/pass_to_pass.txt", "lib/b.test.ts::b", "lib/a.test.ts::a"
            ),
            "checks",
            "both manifests",
        ),
    ],
)
def test_a_wrong_suite_names_file_and_key(
    suite: Path, change: Callable[[Path], None], file: str, complaint: str
) -> None:
    change(suite)

    with pytest.raises(ScenarioError) as caught:
        load_suite(suite)

    assert file in str(caught.value)
    assert complaint in str(caught.value)
    assert caught.value.next_step


def test_a_wrong_patch_must_say_why_and_what_catches_it(suite: Path) -> None:
    _replace("scenarios/fix-it/wrong/hidden.patch", "Caught-by", "Caught")(suite)
    (scenario,) = load_suite(suite).scenarios

    with pytest.raises(ScenarioError, match=r"hidden\.patch: header `Caught-by:` is missing"):
        scenario.candidates()


def test_an_unknown_scenario_names_the_known_ones(suite: Path) -> None:
    with pytest.raises(ScenarioError, match=r"no scenario `nope`.*fix-it"):
        load_suite(suite).pick(("nope",))


def test_a_folder_without_scenarios_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ScenarioError, match="no scenario found"):
        load_suite(tmp_path)
