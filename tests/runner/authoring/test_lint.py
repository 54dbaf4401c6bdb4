"""Each fault that can be seen in a scenario's files is found, with its place and a remedy."""

from __future__ import annotations

import shutil
from typing import TYPE_CHECKING

import pytest

from runner.authoring.lint import lint
from testbed.certified import certificate_path
from testbed.errors import ScenarioError
from testbed.scenario import load_suite
from testbed.store import write_record

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from testbed.certificate import Certificate
    from testbed.scenario import Scenario

Change = "Callable[[Path], None]"
HEADER = "Reason: wrong\nCaught-by: {}\n\n"
RIGHT = """\
diff --git a/lib/sum.mjs b/lib/sum.mjs
--- a/lib/sum.mjs
+++ b/lib/sum.mjs
@@ -2 +2 @@
-export const sum = (a, b) => a - b;
+export const sum = (a, b) => {};
"""
GUARDED = """\
diff --git a/package.json b/package.json
--- a/package.json
+++ b/package.json
@@ -1 +1 @@
-{"scripts": {"test": "node run.mjs"}}
+{"scripts": {"test": "node runner.mjs"}}
"""


def found(root: Path, *ids: str) -> list[str]:
    return [str(finding) for finding in lint(root, ids)]


def write(name: str, text: str) -> Callable[[Path], None]:
    def change(minus: Path) -> None:
        (minus / name).parent.mkdir(parents=True, exist_ok=True)
        (minus / name).write_text(text)

    return change


def edit(name: str, old: str, new: str) -> Callable[[Path], None]:
    def change(minus: Path) -> None:
        text = (minus / name).read_text()
        assert old in text
        (minus / name).write_text(text.replace(old, new))

    return change


def remove(*names: str) -> Callable[[Path], None]:
    def change(minus: Path) -> None:
        for name in names:
            shutil.rmtree(minus / name) if (minus / name).is_dir() else (minus / name).unlink()

    return change


def test_a_sound_scenario_has_no_finding(root: Path) -> None:
    assert found(root) == []


@pytest.mark.parametrize(
    ("change", "place", "words"),
    [
        (edit("scenario.toml", '"Minus"', '"Minus."'), "scenario.toml", "is no title"),
        (write("prompt.md", "Mend {{ what }}\n"), "prompt.md:1", "still to be written"),
        (write("prompt.md", "Mend\n{{ what\nand why }}\n"), "prompt.md:2", "still to be written"),
        (write("notes.txt", "x"), "notes.txt", "no part of a scenario"),
        (write("wrong/times.patch.orig", "x"), "wrong/times.patch.orig", "no part"),
        (write("checks/build/a.test.mjs", "x"), "checks/build/a.test.mjs", "no part"),
        (write("seed.patch", ""), "seed.patch", "changes nothing. Plant the bug"),
        (write("seed.patch", "diff --git a/x b/x\n--- a/x\n"), "seed.patch", "does not apply"),
        (
            edit("scenario.toml", '["lib/sum.mjs"]', '["lib/sum.mjs", "lib/add.mjs"]'),
            "scenario.toml",
            "does not change `lib/add.mjs`. It changes lib/sum.mjs",
        ),
        (write("prompt.md", "Look\nat lib/sum.mjs.\n"), "prompt.md:2", "by `lib/sum.mjs`"),
        (write("prompt.md", "Look at `sum.mjs`!\n"), "prompt.md:1", "by `sum.mjs`"),
        (write("prompt.md", "Look at @/lib/sum!\n"), "prompt.md:1", "by `lib/sum`"),
        (write("prompt.md", "See .testbed for more\n"), "prompt.md:1", "names `.testbed`"),
        (write("prompt.md", "See checks/unit for more\n"), "prompt.md:1", "names `checks/`"),
        (write("prompt.md", "As hidden.test.mjs says\n"), "prompt.md:1", "`hidden.test.mjs`"),
        (write("prompt.md", "As lint.mjs says\n"), "prompt.md:1", "names `lint.mjs`"),
        (
            write("right/b.patch", RIGHT.format("b + a /* for hidden.test.mjs */")),
            "right/b.patch",
            "names `hidden.test.mjs` of the harness at lib/sum.mjs:2",
        ),
        (
            edit("seed.patch", "a - b;", "a - b; // .testbed"),
            "seed.patch",
            "names `.testbed` of the harness at lib/sum.mjs:2",
        ),
        (
            edit("checks/pass_to_pass.txt", "test/visible.test.mjs::greets", "test/gone.mjs::a"),
            "checks/pass_to_pass.txt:2",
            "`test/gone.mjs::a` is in no file",
        ),
        (
            edit("checks/fail_to_pass.txt", ".testbed/checks/unit/hidden", "test/visible"),
            "checks/fail_to_pass.txt:1",
            "red and gives the task away",
        ),
        (write("checks/fail_to_pass.txt", ""), "checks/fail_to_pass.txt", "names no test"),
        (
            edit(
                "checks/pass_to_pass.txt", "hidden.test.mjs::adds nothing", "hidden.test.mjs::adds"
            ),
            "checks",
            "is in both manifests",
        ),
        (write("checks/unit/b.test.mjs", "x"), "checks/unit/b.test.mjs", "no manifest names"),
        (remove("right/other-way-round.patch"), "right", "1 right patches"),
        (remove("wrong"), "wrong", "no wrong patch"),
        (write("right/b.patch", RIGHT.format("a + b")), "right/b.patch", "same as reference"),
        (
            write("wrong/b.patch", HEADER.format("typecheck") + RIGHT.format("b + a")),
            "wrong/b.patch",
            "leaves the same as right/other-way-round",
        ),
        (write("reference.patch", ""), "reference.patch", "leaves the same as the seeded tree"),
        (
            write("right/b.patch", RIGHT.format("a+b").replace("a - b", "a * b")),
            "right/b.patch",
            "does not apply",
        ),
        (write("right/b.patch", GUARDED), "right/b.patch", "the protected file package.json"),
        (
            write("wrong/b.patch", RIGHT.format("a % b")),
            "wrong/b.patch",
            "header `Reason:` is missing",
        ),
        (
            write("wrong/b.patch", HEADER.format("gone::a") + RIGHT.format("a % b")),
            "wrong/b.patch",
            "has `gone::a`. Name the check",
        ),
        (
            write("wrong/b.patch", HEADER.format("witness:app") + RIGHT.format("a % b")),
            "wrong/b.patch",
            "has `witness:app`",
        ),
        (write("certificate.json", "{"), "certificate.json", "cannot be read"),
        (
            write("equivalent.toml", 'schema_version = 1\n[mutants]\n"lib/a.ts:x:1" = ""\n'),
            "equivalent.toml",
            "`mutants.lib/a.ts:x:1`",
        ),
        (edit("scenario.toml", '"bug"', '"bugg"'), "", "`kind`"),
        (remove("prompt.md"), "", "prompt.md: cannot be read"),
    ],
)
def test_a_fault_is_found_with_its_place(
    root: Path, change: Callable[[Path], None], place: str, words: str
) -> None:
    change(root / "scenarios/minus")

    lines = found(root)

    start = f"minus/{place}: " if place else "minus: "
    assert [line for line in lines if line.startswith(start) and words in line], lines


@pytest.mark.parametrize(
    "change",
    [
        write("prompt.md", "`sum` gives checks and consumes sums. See test/visible.test.mjs.\n"),
        write("wrong/b.patch", HEADER.format("witness:unit") + RIGHT.format("a % b")),
        write("wrong/b.patch", HEADER.format("constraint:no-tampering") + GUARDED),
    ],
)
def test_what_only_looks_like_a_fault_is_none(root: Path, change: Callable[[Path], None]) -> None:
    change(root / "scenarios/minus")

    assert found(root) == []


def test_a_name_that_a_visible_file_bears_too_is_no_secret(root: Path) -> None:
    minus = root / "scenarios/minus"
    (minus / "checks/unit/hidden.test.mjs").rename(minus / "checks/unit/visible.test.mjs")
    for name in ("checks/fail_to_pass.txt", "checks/pass_to_pass.txt", "wrong/times.patch"):
        edit(name, "hidden.test.mjs", "visible.test.mjs")(minus)
    write("prompt.md", "Please leave visible.test.mjs as it is.\n")(minus)

    assert found(root) == []


def test_a_feature_may_name_its_files_and_a_refactor_needs_no_seed(root: Path) -> None:
    minus = root / "scenarios/minus"
    write("prompt.md", "Tidy up lib/sum.mjs.\n")(minus)
    edit("scenario.toml", '"bug"', '"feature"')(minus)
    assert found(root) == []

    edit("scenario.toml", '"feature"', '"refactor"')(minus)
    write("seed.patch", "")(minus)
    assert not [line for line in found(root) if "seed" in line.split(": ")[0]]


def test_two_scenarios_of_one_title_are_both_named(root: Path) -> None:
    twin = root / "scenarios/twin"
    shutil.copytree(root / "scenarios/minus", twin)
    edit("scenario.toml", '"minus"', '"twin"')(twin)

    titles = [line for line in found(root) if "`title`" in line]

    assert [line.split("/")[0] for line in titles] == ["minus", "twin"]


def test_a_scenario_that_cannot_be_loaded_stops_no_other(root: Path) -> None:
    write("prompt.md", "See .testbed\n")(root / "scenarios/minus")
    (root / "scenarios/empty").mkdir()

    lines = found(root)

    assert len(lines) == 2
    assert lines[0].startswith("empty: ")
    assert found(root, "empty") == lines[:1]


def test_an_unknown_id_names_the_known_ones(root: Path) -> None:
    with pytest.raises(ScenarioError, match=r"no scenario `nope`.*minus"):
        lint(root, ("nope",))


def test_a_stale_certificate_is_a_finding_and_a_fresh_one_is_none(
    root: Path, certify: Callable[[Scenario], Certificate]
) -> None:
    (scenario,) = load_suite(root).scenarios
    write_record(certificate_path(scenario), certify(scenario))
    fresh = found(root)
    (scenario.root / "tour.toml").write_text("")
    edit("reference.patch", "a + b", "b + a + 0")(scenario.root)

    assert fresh == []
    assert found(root) == [
        "minus/certificate.json: stale: reference.patch has changed. Run `testbed certify minus`"
    ]


def test_a_missing_certificate_is_a_finding_where_it_is_demanded(
    root: Path, certify: Callable[[Scenario], Certificate]
) -> None:
    missing = [str(finding) for finding in lint(root, ("minus",), certified=True)]
    (scenario,) = load_suite(root).scenarios
    write_record(certificate_path(scenario), certify(scenario))

    assert missing == ["minus/certificate.json: is missing. Run `testbed certify minus`"]
    assert lint(root, certified=True) == []
