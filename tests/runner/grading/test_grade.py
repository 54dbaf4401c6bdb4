from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Protocol

import pytest

from runner.grading.grade import Baseline, GradeResult, baseline, grade, graded_tree
from runner.sandbox.base import ExecResult
from runner.sandbox.fake import FakeEngine
from runner.workspace import PatchError
from testbed.errors import EnvironmentFault, SandboxLost
from testbed.records import CheckKind, Origin, Verdict
from testbed.tree import File

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

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
CLEAN = b'{"diagnostics": []}'
NOTHING_FOUND = Baseline(typecheck="", findings=(), others=())


def said(exit_code: int | None = 0, stdout: bytes = b"") -> ExecResult:
    return ExecResult(
        exit_code=exit_code,
        stdout=stdout,
        stderr=b"",
        cut_bytes=0,
        timed_out=exit_code is None,
        seconds=0.0,
    )


@dataclass
class Stage:
    """A fake engine whose test runner follows a script, one line per run of a step."""

    script: list[tuple[int | None, bytes | None]]
    typecheck: ExecResult = field(default_factory=said)
    typechecks: dict[str, ExecResult] = field(default_factory=dict)
    """In sandboxes whose names end so, in place of `typecheck`."""
    lint: ExecResult = field(default_factory=lambda: said(0, CLEAN))
    files: ExecResult = field(default_factory=lambda: said(0, b"1 .testbed/run.mjs\0"))
    ran: list[str] = field(default_factory=list)
    lost: Callable[[int], bool] = lambda _: False

    def engine(self) -> FakeEngine:
        """Start the fake."""
        self.fake = FakeEngine({"node": self.node, "find": lambda _: self.files})
        return self.fake

    def node(self, argv: Sequence[str]) -> ExecResult:
        """Stand in for everything that runs on Node."""
        if argv[1] == "--check":
            name = self.fake.sandboxes[-1].spec.name.removeprefix("grade-minus-1-")
            return self.typechecks.get(name, self.typecheck)
        if argv[1] == ".testbed/lint.mjs":
            return self.lint
        sandbox = self.fake.sandboxes[-1]
        self.ran.append(sandbox.spec.name)
        if self.lost(len(self.ran)):
            raise SandboxLost("the sandbox went away")
        exit_code, report = self.script[len(self.ran) - 1]
        if report is not None:
            write = sandbox.write(".testbed/out/unit.xml", report)
            with pytest.raises(StopIteration):
                write.send(None)
        return said(exit_code, b"ran\n")


async def graded(tiny: Tiny, stage: Stage, before: Baseline = NOTHING_FOUND) -> GradeResult:
    return await grade(
        tiny.scenario,
        tiny.workspace,
        tiny.patch({"lib/sum.mjs": RIGHT}),
        baseline=before,
        engine=stage.engine(),
        image="fake-1",
        run_id="run",
        name="grade-minus-1",
    )


async def test_a_run_that_proves_itself_passes(tiny: Tiny) -> None:
    stage = Stage([(0, tiny.report())])

    result = await graded(tiny, stage)

    assert result.grade.verdict is Verdict.PASS
    assert not result.grade.failed()
    assert result.grade.localised
    assert result.grade.unused == ()
    assert result.reports == {"unit": tiny.report()}
    assert "$ node .testbed/run.mjs unit  (exit code 0" in result.log
    assert stage.ran == ["grade-minus-1-unit"]
    assert all(sandbox.closed for sandbox in stage.fake.sandboxes)


@pytest.mark.parametrize("exit_code", [0, 1, 127, -9, None])
async def test_a_missing_report_is_the_patchs_doing_when_the_seeded_tree_reports(
    tiny: Tiny, exit_code: int | None
) -> None:
    stage = Stage([(exit_code, None), (1, tiny.report(passing=False))])

    result = await graded(tiny, stage)

    assert result.grade.verdict is Verdict.FAIL
    assert stage.ran == ["grade-minus-1-unit", "grade-minus-1-control-unit"]
    assert tiny.scenario.fail_to_pass[0] in {check.id for check in result.grade.failed()}


@pytest.mark.parametrize("exit_code", [0, 1, 127, -9, None])
async def test_a_missing_report_is_ungraded_when_the_seeded_tree_gives_none_either(
    tiny: Tiny, exit_code: int | None
) -> None:
    result = await graded(tiny, Stage([(exit_code, None), (exit_code, b"<html>")]))

    assert result.grade.verdict is Verdict.UNGRADED
    assert result.grade.failure
    assert result.grade.failure.origin is Origin.GRADER
    assert "no report on the seeded tree either" in result.grade.failure.detail
    assert result.grade.checks == ()
    assert "$ node .testbed/run.mjs unit" in result.log


async def test_an_endless_loop_says_when_it_was_killed(tiny: Tiny) -> None:
    result = await graded(tiny, Stage([(None, b""), (1, tiny.report(passing=False))]))

    details = {check.id: check.detail for check in result.grade.failed()}
    assert details["witness:unit"] == "the report is empty: killed at 5 s"
    assert details[tiny.scenario.fail_to_pass[0]] == "did not run: unit: no report: killed at 5 s"


async def test_a_report_that_lies_there_before_the_run_is_no_report(tiny: Tiny) -> None:
    kit = tiny.scenario.fixture.kit / "out"
    kit.mkdir()
    (kit / "unit.xml").write_bytes(tiny.report())

    result = await graded(tiny, Stage([(0, None), (0, None)]))

    assert result.grade.verdict is Verdict.UNGRADED


async def test_a_sandbox_that_is_lost_with_every_tree_is_ungraded(tiny: Tiny) -> None:
    result = await graded(tiny, Stage([], lost=lambda _: True))

    assert result.grade.failure
    assert result.grade.failure.origin is Origin.SANDBOX


async def test_a_sandbox_that_is_lost_once_is_no_ones_fault(tiny: Tiny) -> None:
    red, green = tiny.report(passing=False), tiny.report()
    stage = Stage([(0, None), (1, red), (0, green)], lost=lambda run: run == 1)

    result = await graded(tiny, stage)

    assert result.grade.verdict is Verdict.PASS
    assert [name.rpartition("1-")[2] for name in stage.ran] == [
        "unit",
        "control-unit",
        "again-unit",
    ]


async def test_a_sandbox_that_is_lost_with_this_patch_only_fails(tiny: Tiny) -> None:
    red = tiny.report(passing=False)
    stage = Stage([(0, None), (1, red), (0, None)], lost=lambda run: run != 2)

    result = await graded(tiny, stage)

    assert result.grade.verdict is Verdict.FAIL
    assert "sandbox lost" in {c.id: c.detail for c in result.grade.failed()}["witness:unit"]


async def test_an_engine_that_starts_nothing_is_ungraded(tiny: Tiny) -> None:
    result = await grade(
        tiny.scenario,
        tiny.workspace,
        b"",
        baseline=NOTHING_FOUND,
        engine=FakeEngine(),
        image="not prepared",
        run_id="run",
        name="grade",
    )

    assert result.grade.failure
    assert result.grade.failure.origin is Origin.SANDBOX


async def test_a_kit_that_cannot_be_watched_is_ungraded(tiny: Tiny) -> None:
    result = await graded(tiny, Stage([(0, tiny.report())], files=said(127)))

    assert result.grade.failure
    assert result.grade.failure.origin is Origin.GRADER


async def test_the_type_check_counts_if_the_seeded_tree_passes_it(tiny: Tiny) -> None:
    stage = Stage([(0, tiny.report())], typecheck=said(2, b"lib/sum.mjs(1,1): error\nmore\n"))

    result = await graded(tiny, stage)

    assert result.grade.verdict is Verdict.FAIL
    assert [(c.id, c.detail) for c in result.grade.failed()] == [
        ("typecheck", "exit code 2: lib/sum.mjs(1,1): error")
    ]


async def test_the_type_check_does_not_count_if_the_seeded_tree_fails_it(tiny: Tiny) -> None:
    stage = Stage([(0, tiny.report())], typecheck=said(2))
    before = replace(NOTHING_FOUND, typecheck="exit code 2: error")

    result = await graded(tiny, stage, before)

    assert result.grade.verdict is Verdict.PASS
    check = next(c for c in result.grade.checks if c.kind is CheckKind.TYPECHECK)
    assert check.detail == "not counted, the seeded tree fails it: exit code 2: error"


CUT_SHORT = [said(None), said(-9), said(126), said(127)]


@pytest.mark.parametrize("cut_short", CUT_SHORT)
async def test_a_type_check_that_was_cut_short_is_made_again(
    tiny: Tiny, cut_short: ExecResult
) -> None:
    async def failed(again: ExecResult) -> list[str]:
        checks = {"control-types": said(), "again-types": again}
        stage = Stage([(0, tiny.report())], typecheck=cut_short, typechecks=checks)
        return [check.id for check in (await graded(tiny, stage)).grade.failed()]

    assert await failed(said()) == []
    assert await failed(said(2)) == ["typecheck"]
    assert await failed(cut_short) == ["typecheck"]


@pytest.mark.parametrize("cut_short", CUT_SHORT)
async def test_a_type_check_that_is_cut_short_on_the_seeded_tree_too_is_ungraded(
    tiny: Tiny, cut_short: ExecResult
) -> None:
    result = await graded(tiny, Stage([(0, tiny.report())], typecheck=cut_short))

    assert result.grade.verdict is Verdict.UNGRADED
    assert result.grade.failure
    assert result.grade.failure.origin is Origin.GRADER
    assert "type check does not end by itself on the seeded tree" in result.grade.failure.detail


async def test_a_type_check_that_does_not_count_is_not_made_again(tiny: Tiny) -> None:
    stage = Stage([(0, tiny.report())], typecheck=said(None))
    before = replace(NOTHING_FOUND, typecheck="exit code 2: error")

    assert (await graded(tiny, stage, before)).grade.verdict is Verdict.PASS
    assert not [box for box in stage.fake.sandboxes if box.spec.name.endswith("-types")]


@pytest.mark.parametrize("lint", [said(127), said(None), said(1, b"panicked"), said(0, b"")])
async def test_a_linter_that_cannot_run_leaves_the_count_unknown(
    tiny: Tiny, lint: ExecResult
) -> None:
    result = await graded(tiny, Stage([(0, tiny.report())], lint=lint))

    assert result.grade.verdict is Verdict.PASS
    assert result.grade.unused is None


async def test_a_violated_constraint_never_decides_the_verdict(tiny: Tiny) -> None:
    stage = Stage([(0, tiny.report())])
    patch = tiny.patch({"lib/sum.mjs": RIGHT, "package.json": '{"dependencies": {"x": "1"}}'})

    result = await grade(
        tiny.scenario,
        tiny.workspace,
        patch,
        baseline=NOTHING_FOUND,
        engine=stage.engine(),
        image="fake-1",
        run_id="run",
        name="grade",
    )

    assert result.grade.verdict is Verdict.PASS
    assert [check.id for check in result.grade.failed()] == [
        "constraint:no-new-dependency",
        "constraint:no-tampering",
    ]


async def test_a_diff_that_does_not_apply_is_a_usage_error(tiny: Tiny) -> None:
    with pytest.raises(PatchError, match="does not apply"):
        await grade(
            tiny.scenario,
            tiny.workspace,
            b"nonsense",
            baseline=NOTHING_FOUND,
            engine=FakeEngine(),
            image="fake-1",
            run_id="run",
            name="grade",
        )


async def test_the_baseline_is_what_the_seeded_tree_shows(tiny: Tiny) -> None:
    async def of(stage: Stage) -> Baseline:
        return await baseline(
            tiny.scenario,
            tiny.workspace,
            engine=stage.engine(),
            image="fake-1",
            run_id="run",
            name="baseline-minus",
        )

    assert await of(Stage([])) == NOTHING_FOUND
    assert await of(Stage([], typecheck=said(1, b"bad\n"))) == replace(
        NOTHING_FOUND, typecheck="exit code 1: bad"
    )
    assert (await of(Stage([], lint=said(127)))).findings is None
    for broken in (said(127), said(None), said(-11)):
        with pytest.raises(EnvironmentFault, match="the type check cannot run"):
            await of(Stage([], typecheck=broken))


def test_what_a_patch_did_to_the_harnesss_files_is_put_back(tiny: Tiny) -> None:
    seeded = {**tiny.workspace.tree, "lib/.gitignore": File(b"out\n")}
    text = File(b"hostile")
    patched = {
        "lib/sum.mjs": text,
        "lib/.gitignore": text,
        ".gitignore": text,
        "test": text,
        "test.config.mjs": text,
        "lib/new.test.mjs": text,
        "package.json/x": text,
        "lib/node_modules/assert/index.js": text,
        "node_modules/x": text,
    }

    graded = graded_tree(tiny.scenario.fixture.card, seeded, patched)

    assert graded == {**seeded, "lib/sum.mjs": text}
