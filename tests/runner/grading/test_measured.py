"""How the figures of a patch come about: from both trees, and never at the verdict's cost."""

from __future__ import annotations

import json
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

import pytest

from runner.grading.facts import Facts, FileFacts, FunctionFacts
from runner.grading.grade import GradeResult, baseline
from runner.grading.terms import USUAL, Terms
from runner.sandbox.base import ExecResult, ToolFault
from runner.sandbox.fake import FakeEngine
from runner.scene import Scene, write_references
from testbed.catalog import find_card
from testbed.errors import SandboxLost
from testbed.findings import Quality, References
from testbed.plan import PlannedScenario, RunConfig
from testbed.records import Verdict
from testbed.scenario import Command
from testbed.store import Run

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from testbed.scenario import Scenario
    from tests.runner.grading.conftest import Tiny

RIGHT = "const unusedBefore = 0;\nexport const sum = (a, b) => a + b;\n"
QUALITY = Quality(
    longest_function=1,
    most_complex_function=3,
    complexity_added=2,
    functions_per_file=1.0,
    comment_share=0.0,
    deepest_nesting=0,
    single_letter_names=0,
    duplicated_lines=0,
    type_escapes=0,
    unused_exports=0,
    lint_findings=1,
    exported_units=0,
)


def said(stdout: bytes = b"", exit_code: int | None = 0) -> ExecResult:
    return ExecResult(
        exit_code=exit_code,
        stdout=stdout,
        stderr=b"",
        cut_bytes=0,
        timed_out=exit_code is None,
        seconds=0.0,
    )


def facts(complexity: int) -> bytes:
    function = FunctionFacts(
        name="sum", line=2, end=2, complexity=complexity, nesting=0, component=False
    )
    file = FileFacts(functions=(function,), names=(("sum", 2),), exports=1)
    printed = Facts(files={"lib/sum.mjs": file}, unparsed={}, duplicated={}, unused_exports={})
    return printed.model_dump_json().encode()


@dataclass
class Stage:
    """The small suite with a `quality` command, in an engine that plays everything."""

    tiny: Tiny
    quality: ExecResult | Exception = field(default_factory=lambda: said(facts(3)))
    asked: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        watched = said(b"1 .testbed/run.mjs\0")
        self.engine = FakeEngine({"node": self.node, "find": lambda _: watched})

    @property
    def scenario(self) -> Scenario:
        command = Command(argv=("node", ".testbed/quality.mjs"), timeout_seconds=5)
        scenario, fixture = self.tiny.scenario, self.tiny.scenario.fixture
        card = fixture.card.model_copy(update={"quality": command})
        return replace(scenario, fixture=replace(fixture, card=card))

    def node(self, argv: Sequence[str]) -> ExecResult:
        """Stand in for everything that runs on Node."""
        sandbox = self.engine.sandboxes[-1]
        seeded = sandbox.spec.name.startswith("baseline")
        if argv[1] == ".testbed/lint.mjs":
            place = {"filename": "lib/sum.mjs", "labels": [{"span": {"line": 2}}]}
            row = {"message": "odd", "code": "odd", **place}
            return said(json.dumps({"diagnostics": [] if seeded else [row]}).encode())
        if argv[1] == ".testbed/quality.mjs":
            self.asked.append(sandbox.spec.name)
            if isinstance(self.quality, Exception):
                raise self.quality
            return said(facts(1)) if seeded else self.quality
        if argv[1] == ".testbed/run.mjs":
            with pytest.raises(StopIteration):
                sandbox.write(".testbed/out/unit.xml", self.tiny.report()).send(None)
        return said()

    async def scene(self) -> Scene:
        """Make the scenario ready, its seeded tree measured."""
        before = await baseline(
            self.scenario,
            self.tiny.workspace,
            engine=self.engine,
            image="fake-1",
            run_id="run",
            name="baseline",
        )
        return Scene(
            scenario=self.scenario, workspace=self.tiny.workspace, image="fake-1", baseline=before
        )

    async def grade(self, terms: Terms = USUAL) -> GradeResult:
        """Grade the right solution."""
        scene = await self.scene()
        diff = self.tiny.patch({"lib/sum.mjs": RIGHT})
        result = await scene.grade(
            diff, engine=self.engine, run_id="run", name="grade", terms=terms
        )
        assert result.grade.verdict is Verdict.PASS
        return result


async def test_a_patch_is_measured_against_the_seeded_tree(tiny: Tiny) -> None:
    stage = Stage(tiny)

    result = await stage.grade()

    assert result.grade.quality == QUALITY
    assert stage.asked == ["baseline-inspect", "grade-inspect"]
    assert "1 source files measured" in result.log
    assert "complexity" not in result.log


@pytest.mark.parametrize(
    ("quality", "told"),
    [
        (said(b"Error", exit_code=1), "(exit code 1, "),
        (said(facts(3), exit_code=1), "(exit code 1, "),
        (said(exit_code=None), "(killed at 5 s, "),
        (said(b"{}"), "code quality not measured"),
        (ToolFault("not_found", "no node"), "code quality not measured: "),
        (SandboxLost("the sandbox went away"), "code quality not measured: "),
    ],
)
async def test_a_measurement_that_breaks_is_unknown_and_said(
    tiny: Tiny, quality: ExecResult | Exception, told: str
) -> None:
    stage = Stage(tiny)
    scene = await stage.scene()
    stage.quality = quality

    result = await scene.grade(
        tiny.patch({"lib/sum.mjs": RIGHT}), engine=stage.engine, run_id="run", name="grade"
    )

    assert result.grade.verdict is Verdict.PASS
    assert result.grade.quality is None
    assert told in result.log


async def test_without_a_look_at_the_sources_there_is_no_quality(tiny: Tiny) -> None:
    stage = Stage(tiny)

    assert (await stage.grade(Terms(inspect=False))).grade.quality is None
    assert stage.asked == ["baseline-inspect"]


async def test_a_seeded_tree_that_cannot_be_measured_leaves_patches_unknown(tiny: Tiny) -> None:
    assert (await Stage(tiny, quality=ToolFault("x", "y")).grade()).grade.quality is None


async def test_a_source_file_that_cannot_be_parsed_is_named_in_the_log(tiny: Tiny) -> None:
    broken = Facts(
        files={}, unparsed={"lib/sum.mjs": "unexpected token"}, duplicated={}, unused_exports=None
    )

    result = await Stage(tiny, quality=said(broken.model_dump_json().encode())).grade()

    assert result.grade.quality is None
    assert "lib/sum.mjs cannot be parsed: unexpected token" in result.log


async def test_references_are_measured_like_patches_and_written_once_per_run(
    tiny: Tiny, tmp_path: Path
) -> None:
    stage = Stage(tiny)
    config = RunConfig(
        run_id="r1",
        created_at="2026-01-01T00:00:00+00:00",
        suite=str(tmp_path),
        models=(find_card("scripted/oracle"),),
        scenarios=(PlannedScenario(id="minus", title="Minus", kind="bug", difficulty="easy"),),
        repeats=1,
        engine="auto",
    )
    run, scenes = Run.create(tmp_path / "runs", config), {"minus": await stage.scene()}

    for _ in range(2):
        await write_references(run, scenes, engine=stage.engine)

    written = References.model_validate_json(run.paths.references.read_bytes())
    assert written == References(quality={"minus": QUALITY})
    assert stage.asked == ["baseline-inspect", "reference-minus-survey"]


async def test_a_suite_without_the_command_writes_that_nothing_is_known(tiny: Tiny) -> None:
    stage = Stage(tiny)
    scene = replace(await stage.scene(), scenario=tiny.scenario)
    scene = replace(scene, baseline=replace(scene.baseline, facts=None))

    assert await scene.reference_quality(engine=stage.engine, run_id="run") is None
