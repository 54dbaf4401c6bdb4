"""Follow-ups: every patch is graded before the user asks on, in the same conversation."""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from runner.agent.follow_up import follow_up, visible_failures
from runner.grading.terms import USUAL, Terms
from runner.leaving import leave_patch
from runner.sandbox.base import ToolFault
from runner.workspace import PatchError
from testbed.records import Check, CheckKind, Grade, Verdict

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from runner.grading.grade import GradeResult
    from runner.recording import Recording
    from runner.sandbox.base import Sandbox
    from runner.scene import Scene
    from testbed.scenario import Scenario


@dataclass(kw_only=True)
class Rounds:
    """The prompts of one trial, while its patch does not pass."""

    scene: Scene
    recording: Recording
    grade: Callable[[bytes, Terms], Awaitable[GradeResult]]
    allowed: int
    """Prompts after the first one."""
    verdicts: list[Verdict] = field(default_factory=list, init=False)
    """After every prompt but the last."""
    settled: dict[bytes, GradeResult] = field(default_factory=dict, init=False)
    """The patch after which nothing was asked any more -> its grade."""
    seconds: float = field(default=0.0, init=False)
    """Spent on patches and grades while the conversation waited."""

    async def next_prompt(self, sandbox: Sandbox) -> str | None:
        """Grade the patch as it is, and return what the user says to it, if anything."""
        if len(self.verdicts) >= self.allowed:
            return None
        began = time.perf_counter()
        try:
            return await self._asked_on(sandbox)
        finally:
            self.seconds += time.perf_counter() - began

    async def _asked_on(self, sandbox: Sandbox) -> str | None:
        prompt = len(self.verdicts) + 1
        try:
            patch = await leave_patch(self.scene, sandbox, self.recording.redactor)
        except (ToolFault, PatchError) as fault:
            grade, seen = no_patch(fault, self.scene.scenario), None
        else:
            self.recording.patch(patch.diff, prompt=prompt)
            result = await self.grade(patch.diff, USUAL)
            if result.grade.verdict is not Verdict.FAIL:
                self.settled[patch.diff] = result
                return None
            grade = result.grade
            seen = await self._seen(patch.diff, grade)
        self.verdicts.append(grade.verdict)
        self.recording.note(f"prompt {prompt} did not solve it")
        return follow_up(grade, seen=seen)

    async def _seen(self, diff: bytes, grade: Grade) -> Grade | None:
        """Grade again what a user may quote, without any hidden check beside it."""
        files = {check.id.partition("::")[0] for check in visible_failures(grade)}
        types = bool(grade.failed(CheckKind.TYPECHECK))
        if not files and not types:
            return None
        first = self.scene.scenario.steps()[0].id
        terms = Terms(
            steps=frozenset([first] if files else []),
            files=tuple(sorted(files)),
            inspect=types,
            hidden=False,
        )
        return (await self.grade(diff, terms)).grade


def no_patch(fault: Exception, scenario: Scenario) -> Grade:
    """Fail a workspace that cannot become a patch: the model made it so.

    No constraint was looked at. What is no patch touches no seeded file.
    """
    check = Check(id="patch", kind=CheckKind.WITNESS, passed=False, detail=str(fault))
    localised = False if scenario.card.seeded_files else None
    return Grade(verdict=Verdict.FAIL, checks=(check,), localised=localised)
