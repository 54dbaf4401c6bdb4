"""The small suite, and an engine that plays what its programs would say of each mutant."""

from __future__ import annotations

import json
import shutil
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import pytest

from runner.mutation.harvest import Field, Order, open_field
from runner.sandbox.base import ExecResult, ToolFault
from runner.sandbox.fake import FakeEngine, FakeSandbox
from testbed.errors import SandboxLost
from testbed.scenario import load_suite

if TYPE_CHECKING:
    from collections.abc import Coroutine, Sequence

    from runner.mutation.harvest import Tried

TINY = Path(__file__).parents[2] / "suites" / "tiny"
SOURCE = "lib/sum.mjs"
VISIBLE = "test/visible.test.mjs"
HIDDEN = ".testbed/checks/unit/hidden.test.mjs"
NOTICED: Final = {
    "-": "hidden",
    "/": "types",
    "%": "lint",
    "*": "visible",
    "|": "nobody",
    "&": "unclear",
    "^": "unclear",
    "<": "unclear",
    ">": "unclear",
    "=": "visible",
}
"""What stands in place of the plus -> what comes of it."""


def said(exit_code: int | None = 0, stdout: bytes = b"") -> ExecResult:
    return ExecResult(
        exit_code=exit_code,
        stdout=stdout,
        stderr=b"",
        cut_bytes=0,
        timed_out=exit_code is None,
        seconds=0.0,
    )


def at_once(work: Coroutine[Any, Any, Any]) -> Any:  # noqa: ANN401  (whatever it returns)
    """Run what never waits."""
    with pytest.raises(StopIteration) as done:
        work.send(None)
    return done.value.value


@dataclass
class Stage:
    """The small suite on an engine that knows each mutant by the sign it leaves."""

    root: Path
    cache: Path
    signs: str = "".join(NOTICED)
    """What the mutants put in place of the plus."""
    pristine: dict[str, str] = field(default_factory=dict)
    """Test id -> mark in the report of the pristine fixture."""
    types_fault: ToolFault | None = None
    ran: list[str] = field(default_factory=list)
    """Sign and files of each run of tests."""
    once: set[str] = field(default_factory=set)

    def __post_init__(self) -> None:
        self.engine = FakeEngine({"node": self.node, "find": lambda _: said(0, b"1 run.mjs\0")})

    @property
    def box(self) -> FakeSandbox:
        """Return the sandbox that was started last of those that are open."""
        return next(box for box in reversed(self.engine.sandboxes) if not box.closed)

    def node(self, argv: Sequence[str]) -> ExecResult:
        """Stand in for everything that runs on Node."""
        text = at_once(self.box.read(SOURCE)).decode()
        sign = text.partition("=> a ")[2][0]
        if argv[1] == ".testbed/mutants.mjs":
            return said(0, json.dumps([self.change(text, sign) for sign in self.signs]).encode())
        if argv[1] == "--check":
            if self.types_fault:
                raise self.types_fault
            return said(int(sign == "/"))
        if argv[1] == ".testbed/lint.mjs":
            return said(0, json.dumps({"diagnostics": [finding()] * (1 + (sign == "%"))}).encode())
        self.ran.append(" ".join((sign, *argv[3:])))
        return self.test(sign, argv[3:])

    def change(self, text: str, sign: str) -> dict[str, object]:
        at = text.index("+")
        place = {"path": SOURCE, "line": 2, "start": at, "end": at + 1}
        return {**place, "operator": f"put-{ord(sign)}", "before": "+", "after": sign}

    def test(self, sign: str, files: Sequence[str]) -> ExecResult:
        """Run the tests that lie there, or these files."""
        if sign == "^":
            raise SandboxLost("the sandbox went away")
        if sign == "&":
            return said(None)
        marks = dict.fromkeys((f"{VISIBLE}::greets", f"{VISIBLE}::is a function"), "")
        if files:
            marks = {test: "" for file in files for test in self.tests_in(file)}
        elif sign == "*":
            marks[f"{VISIBLE}::greets"] = "<failure/>"
        elif sign == "=":
            marks = {f"{VISIBLE}::{VISIBLE}": "<failure/>"}
        if sign in "-<" and sign not in self.once:
            marks |= {test: "<failure/>" for test in marks if test.endswith("::adds")}
        if sign == "<":
            self.once |= {sign} if files else set()
        if sign == "+":
            marks |= {test: mark for test, mark in self.pristine.items() if test in marks}
        failed = any(marks.values()) or (sign == ">" and bool(files))
        cases = "".join(
            f'<testcase classname="{test.partition("::")[0]}" name="{test.partition("::")[2]}">'
            f"{mark}</testcase>"
            for test, mark in marks.items()
        )
        report = f"<testsuites><testsuite>{cases}</testsuite></testsuites>".encode()
        at_once(self.box.write(".testbed/out/unit.xml", report))
        return said(int(failed))

    def tests_in(self, file: str) -> list[str]:
        blind = b"blind" in at_once(self.box.read(file))
        return [f"{file}::{name}" for name in (["sees"] if blind else ["adds", "adds nothing"])]

    def field(self) -> Field:
        """Make ready what mutants are tried on."""
        suite = load_suite(self.root, recorded=False)
        fixture = suite.scenarios[0].fixture
        return open_field(suite, fixture, engine=self.engine, image="fake-1", cache=self.cache)

    async def harvest(self, **asked: Any) -> list[Tried]:  # noqa: ANN401  (parts of an order)
        """Draw, try and write; every sandbox is gone afterwards."""
        jobs = asked.pop("jobs", 1)
        rest = {"seed": 1, "count": 99, "tries": None, "survivors": False, **asked}
        order, here = Order(**rest), self.field()
        mutants = await here.mutants(order)
        tried = [
            one async for one in here.harvest(mutants, order, jobs=jobs, progress=lambda _: None)
        ]
        assert all(box.closed for box in self.engine.sandboxes)
        return tried


def finding() -> dict[str, object]:
    place = {"filename": SOURCE, "labels": [{"span": {"line": 1}}]}
    return {"message": "odd", "code": "odd", **place}


@pytest.fixture
def stage(tmp_path: Path) -> Stage:
    root = tmp_path / "suite"
    shutil.copytree(TINY, root)
    return Stage(root, tmp_path / "cache")
