"""Tests that a patch brought along, run for real on both trees."""

from __future__ import annotations

import os
from dataclasses import dataclass
from typing import TYPE_CHECKING

import pytest

from runner.grading.changes import read_changes
from runner.grading.grade import Baseline, GradeResult, grade
from runner.grading.own_tests import brought_along
from runner.grading.terms import USUAL, Terms
from runner.sandbox.base import ExecResult
from runner.sandbox.fake import FakeEngine
from runner.workspace import diff_trees
from testbed.errors import SandboxUnavailable
from testbed.findings import OwnTests
from testbed.records import Verdict
from testbed.tree import File

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Mapping, Sequence

    from runner.sandbox.base import Engine, SandboxSpec
    from runner.sandbox.fake import FakeSandbox
    from runner.sandbox.local import LocalEngine
    from tests.runner.grading.conftest import Tiny

SOURCE = "lib/sum.mjs"
VISIBLE = "test/visible.test.mjs"
NEW = "test/new.test.mjs"
RIGHT = "const unusedBefore = 0;\nexport const sum = (a, b) => a + b;\n"
PROVES = "adds: () => { if (sum(1, 2) !== 3) throw Error('no'); }"
PROVES_NOTHING = "'is there': () => { if (!sum) throw Error('no'); }"
RED = "red: () => { throw Error('red'); }"
CLEAN = Baseline(typecheck="", findings=(), others=())


def module(*cases: str) -> str:
    return f'import {{ sum }} from "../lib/sum.mjs";\nexport default {{ {", ".join(cases)} }};\n'


def said(stdout: bytes) -> ExecResult:
    return ExecResult(
        exit_code=0, stdout=stdout, stderr=b"", cut_bytes=0, timed_out=False, seconds=0.0
    )


@dataclass(frozen=True)
class Place:
    """Where patches of the small suite are graded."""

    tiny: Tiny
    engine: Engine
    image: str

    async def grade(self, change: Mapping[str, str | None], terms: Terms = USUAL) -> GradeResult:
        """Grade the patch that sets these files, beside the right solution."""
        return await grade(
            self.tiny.scenario,
            self.tiny.workspace,
            self.tiny.patch({SOURCE: RIGHT, **change}),
            baseline=CLEAN,
            engine=self.engine,
            image=self.image,
            run_id=f"own-{os.getpid()}",
            name="grade",
            terms=terms,
        )

    async def own(self, change: Mapping[str, str | None]) -> OwnTests | None:
        """Return what the patch's own tests show; the verdict is that of the solution."""
        result = await self.grade(change)
        assert result.grade.verdict is Verdict.PASS, result.log
        return result.grade.own_tests


@pytest.fixture
async def place(local_engine: LocalEngine, local_image: str, tiny: Tiny) -> AsyncIterator[Place]:
    yield Place(tiny, local_engine, local_image)
    assert await local_engine.clean(f"own-{os.getpid()}") == 0, "a sandbox was left behind"


@pytest.mark.bubblewrap
async def test_a_test_that_fails_without_the_patch_proves_something(place: Place) -> None:
    own = await place.own({NEW: module(PROVES, PROVES_NOTHING, RED)})

    assert own == OwnTests(added=3, passing=2, proving=1)


@pytest.mark.bubblewrap
async def test_a_test_that_was_there_is_not_the_patchs_own(place: Place) -> None:
    kept = "'is a function': () => {}, greets: () => {}"

    assert await place.own({VISIBLE: module(kept, PROVES)}) == OwnTests(
        added=1, passing=1, proving=1
    )
    assert await place.own({VISIBLE: module(kept)}) is None


@pytest.mark.bubblewrap
async def test_a_test_of_a_new_unit_proves_by_not_loading_before(place: Place) -> None:
    unit = {"lib/twice.mjs": "export const twice = (n) => 2 * n;\n"}
    text = module("doubles: () => { if (twice(2) !== 4) throw Error(); }")
    text = f'import {{ twice }} from "../lib/twice.mjs";\n{text}'

    assert await place.own({**unit, NEW: text}) == OwnTests(added=1, passing=1, proving=1)


@pytest.mark.bubblewrap
async def test_tests_that_cannot_be_run_show_nothing(place: Place) -> None:
    assert await place.own({NEW: "import './nowhere.mjs';\n"}) is None
    assert await place.own({"lib/sum.test.mjs": module(PROVES)}) is None, "not where tests are run"


@pytest.mark.bubblewrap
async def test_a_test_that_never_ends_on_the_seeded_tree_shows_nothing(place: Place) -> None:
    text = module("ends: () => { while (sum(1, 2) !== 3); }")

    assert await place.own({NEW: text}) is None


@pytest.mark.bubblewrap
async def test_a_patch_without_tests_and_a_proof_of_fairness_run_none(place: Place) -> None:
    without, proof = await place.grade({}), await place.grade({NEW: module(PROVES)}, Terms(busy=1))

    assert (without.grade.own_tests, proof.grade.own_tests) == (None, None)
    assert "test/" not in without.log + proof.log


class Barred(FakeEngine):
    """Starts no sandbox for a patch's own tests."""

    async def start(self, spec: SandboxSpec) -> FakeSandbox:
        """Start a sandbox, or fail."""
        if "-own-" in spec.name:
            raise SandboxUnavailable("no room")
        return await super().start(spec)


async def test_a_sandbox_that_fails_for_them_never_reaches_the_verdict(tiny: Tiny) -> None:
    def node(argv: Sequence[str]) -> ExecResult:
        if argv[1] == ".testbed/run.mjs":
            with pytest.raises(StopIteration):
                engine.sandboxes[-1].write(".testbed/out/unit.xml", tiny.report()).send(None)
        return said(b'{"diagnostics": []}')

    engine = Barred({"node": node, "find": lambda _: said(b"1 .testbed/run.mjs\0")})

    result = await Place(tiny, engine, "fake-1").grade({NEW: module(PROVES)})

    assert result.grade.verdict is Verdict.PASS
    assert result.grade.own_tests is None
    assert result.log.endswith("the patch's own tests could not be run: no room\n\n")


def test_only_test_files_that_a_runner_could_be_given_are_run(tiny: Tiny) -> None:
    text = File(b"x")
    seeded = tiny.workspace.tree
    new = ("a/b.test.mjs", "-t.test.mjs", "node_modules/c.test.mjs", ".testbed/d.test.mjs", "e.mjs")
    patched = {**seeded, **dict.fromkeys(new, text)}
    del patched[VISIBLE]

    found = brought_along(
        tiny.scenario.fixture.card, read_changes(diff_trees(seeded, patched)), patched
    )

    assert found == {"a/b.test.mjs": text}
