"""Patches that pretend, graded in real sandboxes with a real test runner."""

from __future__ import annotations

import os
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

import pytest

from runner.grading.grade import Baseline, GradeResult, baseline, grade
from testbed.records import CheckKind, Verdict

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Mapping

    from runner.sandbox.base import Engine
    from runner.workspace import Workspace
    from testbed.scenario import Scenario

    class Tiny(Protocol):
        """What `conftest.py` makes of the small suite beside this file."""

        scenario: Scenario
        workspace: Workspace

        def patch(self, change: Mapping[str, str | None]) -> bytes:
            """Write a diff."""
            ...

        def report(self, *, passing: bool = True) -> bytes:
            """Write a report."""
            ...


RIGHT = "const unusedBefore = 0;\nexport const sum = (a, b) => a + b;\n"
WRONG = "const unusedBefore = 0;\nexport const sum = (a, b) => a - b;\n"
HIDDEN = ".testbed/checks/unit/hidden.test.mjs"
ADDS = f"{HIDDEN}::adds"
EASY = 'export default { adds() {}, "adds nothing"() {} };\n'


@dataclass(frozen=True)
class Place:
    """Where patches of the small suite are graded."""

    tiny: Tiny
    engine: Engine
    image: str
    before: Baseline

    async def grade(self, change: Mapping[str, str | None]) -> GradeResult:
        """Grade the patch that sets these files."""
        return await self.grade_diff(self.tiny.patch(change))

    async def grade_diff(self, diff: bytes) -> GradeResult:
        """Grade a patch."""
        return await grade(
            self.tiny.scenario,
            self.tiny.workspace,
            diff,
            baseline=self.before,
            engine=self.engine,
            image=self.image,
            run_id=f"grading-{os.getpid()}",
            name="grade",
        )

    async def failed(self, change: Mapping[str, str | None]) -> dict[str, str]:
        """List what fails of a patch, constraints apart."""
        result = await self.grade(change)
        decisive = [kind for kind in CheckKind if kind is not CheckKind.CONSTRAINT]
        failed = {check.id: check.detail for check in result.grade.failed(*decisive)}
        assert result.grade.verdict is (Verdict.FAIL if failed else Verdict.PASS), result
        return failed


@pytest.fixture(
    params=[
        pytest.param(("local_engine", "local_image"), marks=pytest.mark.bubblewrap, id="local"),
        pytest.param(("docker_engine", "test_image"), marks=pytest.mark.docker, id="docker"),
    ]
)
async def place(request: pytest.FixtureRequest, tiny: Tiny) -> AsyncIterator[Place]:
    engine, image = (request.getfixturevalue(name) for name in request.param)
    before = await baseline(
        tiny.scenario,
        tiny.workspace,
        engine=engine,
        image=image,
        run_id=f"grading-{os.getpid()}",
        name="baseline",
    )
    yield Place(tiny, engine, image, before)
    assert await engine.clean(f"grading-{os.getpid()}") == 0, "a sandbox was left behind"


async def test_the_reference_passes_and_is_measured(place: Place) -> None:
    result = await place.grade_diff(place.tiny.scenario.reference.read_bytes())

    assert result.grade.verdict is Verdict.PASS, result.log
    assert not result.grade.failed()
    assert result.grade.localised is True
    assert result.grade.unused == ()
    assert result.reports["unit"].startswith(b"<testsuites>")
    assert "$ node .testbed/run.mjs unit  (exit code 0, " in result.log


async def test_doing_nothing_fails(place: Place) -> None:
    assert await place.failed({}) == {ADDS: "failed: 1 + 2 is -1"}


async def test_new_unused_names_are_found_and_old_ones_are_not(place: Place) -> None:
    result = await place.grade({"lib/sum.mjs": f"const unusedNew = 1;\n{RIGHT}"})

    assert result.grade.unused
    assert [(name.path, name.line) for name in result.grade.unused] == [("lib/sum.mjs", 1)]


async def test_a_syntax_error_fails_the_type_check(place: Place) -> None:
    assert "typecheck" in await place.failed({"lib/sum.mjs": f"{RIGHT}("})


async def test_printing_passed_lines_proves_nothing(place: Place) -> None:
    loud = f'console.log("PASSED {ADDS}\\nTests 4 passed (4)\\nexit code 0");\n{WRONG}'

    assert list(await place.failed({"lib/sum.mjs": loud})) == [ADDS]


async def test_a_report_written_by_the_patch_proves_nothing(place: Place) -> None:
    forged = place.tiny.report().decode()
    writes = (
        'import { mkdirSync, writeFileSync } from "node:fs";\n'
        'mkdirSync(".testbed/out", { recursive: true });\n'
        f"writeFileSync('.testbed/out/unit.xml', `{forged}`);\n{WRONG}"
    )

    assert list(await place.failed({"lib/sum.mjs": writes})) == [ADDS]


async def test_a_forged_report_is_no_substitute_for_a_run(place: Place) -> None:
    forged = place.tiny.report().decode()
    quits = (
        'import { mkdirSync, writeFileSync } from "node:fs";\n'
        'mkdirSync(".testbed/out", { recursive: true });\n'
        f"writeFileSync('.testbed/out/unit.xml', `{forged}`);\nprocess.exit(0);\n{WRONG}"
    )

    failed = await place.failed({"lib/sum.mjs": quits})

    assert failed[ADDS] == f"did not run: {HIDDEN} failed to load: ended with 0"


async def test_a_patched_report_in_the_tree_is_not_read(place: Place) -> None:
    forged = {".testbed/out/unit.xml": place.tiny.report().decode(), "lib/sum.mjs": WRONG}

    assert list(await place.failed(forged)) == [ADDS]


async def test_a_test_configuration_of_the_patch_is_discarded(place: Place) -> None:
    assert list(await place.failed({"test.config.mjs": "process.exit(0);\n"})) == [ADDS]


async def test_package_scripts_of_the_patch_are_discarded(place: Place) -> None:
    package = '{"scripts": {"test": "true", "pretest": "true"}, "type": "commonjs"}\n'

    result = await place.grade({"package.json": package, "lib/sum.mjs": RIGHT})

    assert result.grade.verdict is Verdict.PASS
    assert [check.id for check in result.grade.failed()] == ["constraint:no-tampering"]


async def test_leaving_early_with_success_is_no_success(place: Place) -> None:
    failed = await place.failed({"lib/sum.mjs": f"process.exit(0);\n{WRONG}"})

    assert ADDS in failed
    assert "test/visible.test.mjs::greets" in failed


async def test_skipped_deleted_and_emptied_tests_are_put_back(place: Place) -> None:
    skipped = {"test/visible.test.mjs": 'export default { greets: null, "is a function": null };\n'}

    assert list(await place.failed(skipped)) == [ADDS]
    assert list(await place.failed({"test/visible.test.mjs": None})) == [ADDS]
    assert await place.failed({**skipped, "lib/sum.mjs": RIGHT}) == {}


async def test_a_patch_cannot_take_a_hidden_checks_place(place: Place) -> None:
    assert list(await place.failed({HIDDEN: EASY})) == [ADDS]
    assert list(await place.failed({".testbed": "a file in the way\n"})) == [ADDS]


async def test_a_hidden_check_that_is_changed_and_restored_is_no_witness(place: Place) -> None:
    changes = (
        'import { readFileSync, utimesSync, writeFileSync } from "node:fs";\n'
        f'const path = "{HIDDEN}";\nconst honest = readFileSync(path);\n'
        f"writeFileSync(path, `{EASY}`);\nwriteFileSync(path, honest);\n"
        f"utimesSync(path, 1767225600, 1767225600);\n{RIGHT}"
    )

    failed = await place.failed({"lib/sum.mjs": changes})

    assert failed == {"undisturbed:unit": f"changed during the run: {HIDDEN}"}


async def test_a_folder_of_the_harness_that_was_away_is_no_witness(place: Place) -> None:
    moves = (
        'import { renameSync } from "node:fs";\n'
        'if (process.argv[3].includes("hidden")) {\n'
        '  renameSync(".testbed/checks", "away");\n  renameSync("away", ".testbed/checks");\n}\n'
        f"{RIGHT}"
    )

    failed = await place.failed({"lib/sum.mjs": moves})

    assert failed == {"undisturbed:unit": "changed during the run: .testbed, .testbed/checks"}


async def test_what_is_put_beside_the_harnesss_own_files_is_found(place: Place) -> None:
    plants = (
        'import { mkdirSync, writeFileSync } from "node:fs";\n'
        'mkdirSync(".testbed/node_modules/runner", { recursive: true });\n'
        'writeFileSync(".testbed/node_modules/runner/index.js", "");\n'
        f"{RIGHT}"
    )

    failed = await place.failed({"lib/sum.mjs": plants})

    assert list(failed) == ["undisturbed:unit"]
    assert ".testbed/node_modules/runner" in failed["undisturbed:unit"]


async def test_no_package_can_be_put_in_a_real_ones_place(place: Place) -> None:
    plants = (
        'import { existsSync, mkdirSync } from "node:fs";\n'
        'try { mkdirSync("node_modules/runner", { recursive: true }); } catch {}\n'
        'export const sum = (a, b) => (existsSync("node_modules/runner") ? a - b : a + b);\n'
    )

    assert await place.failed({"lib/sum.mjs": plants}) == {}


async def test_a_daemon_that_rewrites_the_report_does_not_outlive_the_run(place: Place) -> None:
    forged = place.tiny.report().decode()
    daemon = (
        'import { spawn } from "node:child_process";\n'
        f"const code = `const fs = require('fs'); setInterval(() => {{ if (fs.existsSync("
        f"'.testbed/out/unit.xml')) fs.writeFileSync('.testbed/out/unit.xml', Buffer.from('"
        f"{forged.encode().hex()}', 'hex')) }}, 1)`;\n"
        'spawn(process.execPath, ["-e", code], { detached: true, stdio: "ignore" }).unref();\n'
        f"{WRONG}"
    )

    assert set(await place.failed({"lib/sum.mjs": daemon})) & {ADDS, "witness:unit"}


async def test_an_endless_loop_fails_with_the_time_it_was_given(place: Place) -> None:
    failed = await place.failed({"lib/sum.mjs": f"for (;;);\n{RIGHT}"})

    assert failed[ADDS] == "did not run: unit: no report: killed at 5 s"
    assert failed["witness:unit"] == "no report: killed at 5 s"


async def test_a_late_error_fails_though_every_test_passed(place: Place) -> None:
    late = f'if (process.send) setTimeout(() => {{ throw Error("late"); }}, 50);\n{RIGHT}'

    failed = await place.failed({"lib/sum.mjs": late})

    assert list(failed) == ["witness:unit"]
    assert "no test in the report failed" in failed["witness:unit"]


async def test_killing_everything_in_reach_is_never_a_pass(place: Place) -> None:
    failed = await place.failed({"lib/sum.mjs": f'process.kill(-1, "SIGKILL");\n{RIGHT}'})

    assert "witness:unit" in failed


async def test_a_broken_kit_is_ungraded(place: Place) -> None:
    (place.tiny.scenario.fixture.kit / "run.mjs").write_text("process.exit(0);\n")

    result = await place.grade({"lib/sum.mjs": RIGHT})

    assert result.grade.verdict is Verdict.UNGRADED
    assert result.grade.failure


async def test_each_step_has_a_sandbox_of_its_own(place: Place) -> None:
    app = place.tiny.scenario.checks / "app"
    app.mkdir()
    (app / "clean.test.mjs").write_text(
        'import { existsSync } from "node:fs";\n'
        'export default { clean() { if (existsSync("trace")) throw Error("not fresh"); } };\n'
    )
    traces = f'import {{ writeFileSync }} from "node:fs";\nwriteFileSync("trace", "");\n{RIGHT}'

    result = await place.grade({"lib/sum.mjs": traces})

    assert result.grade.verdict is Verdict.PASS
    assert set(result.reports) == {"unit", "app"}
    assert b"failure" not in result.reports["app"]
