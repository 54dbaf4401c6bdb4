"""Fresh sandboxes in which one tree is type-checked, linted, measured and tested."""

from __future__ import annotations

import shlex
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final

from runner.grading.archive import EMPTY, KIT_FOLDER, overlay, pack_folder, pack_tree
from runner.grading.evidence import StepRun
from runner.grading.facts import Facts, read_facts
from runner.grading.junit import MAX_REPORT_BYTES, NoReport, read_report
from runner.grading.terms import USUAL, Terms
from runner.grading.warmth import COLD, Warmth
from runner.sandbox.base import Limits, SandboxSpec, ToolFault
from runner.together import together
from testbed.errors import SandboxLost
from testbed.tree import File, Tree, matches, read_tree

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Collection

    from runner.sandbox.base import Engine, ExecResult, Sandbox
    from testbed.scenario import Command, Scenario, Step

_OUTPUT_BYTES: Final = 2 << 20
"""A linter's findings must arrive whole."""
_LOG_BYTES: Final = 32 << 10
_CANNOT_RUN: Final = (126, 127)
_MANIFESTS: Final = ("fail_to_pass.txt", "pass_to_pass.txt")
_WATCH: Final = (
    *("find", KIT_FOLDER, "-printf", r"%y %i %C@ %s %p\0"),
    *("-type", "f", "-exec", "sha256sum", "-z", "{}", "+"),
)
"""Kind, inode, time of change and size of everything, and each file's digest: restored is not
untouched, nor is a folder that was away for a moment."""
_WATCH_SECONDS: Final = 20.0


class KitFault(Exception):
    """The harness's own part of grading does not work in this sandbox."""

    def __init__(self, message: str, *, log: str = "") -> None:
        super().__init__(message)
        self.log = log


@dataclass(frozen=True, kw_only=True)
class Outputs:
    """What the commands without a report said."""

    typecheck: ExecResult
    lint: ExecResult
    facts: Facts | None
    """`None` when the sources could not be measured, and where no command does it."""
    log: str


@dataclass(frozen=True, kw_only=True)
class Bench:
    """Where one scenario's trees are tried. Each step gets a sandbox of its own."""

    scenario: Scenario
    engine: Engine
    image: str
    run_id: str
    name: str
    warmth: Warmth = COLD
    terms: Terms = USUAL

    async def inspect(self, tree: Tree) -> Outputs:
        """Type-check, lint and measure a tree, without its tests."""
        async with self._open(self.lay(tree), "inspect") as sandbox:
            return await self._inspect(sandbox)

    async def survey(self, tree: Tree) -> tuple[ExecResult, Facts | None]:
        """Lint and measure a tree, and no more."""
        async with self._open(self.lay(tree), "survey") as sandbox:
            facts, _ = await self._measure(sandbox)
            return await _run(sandbox, self.scenario.fixture.card.lint), facts

    async def check_types(self, tree: Tree, *, label: str = "") -> ExecResult:
        """Type-check a tree, and no more."""
        async with self._open(self.lay(tree), f"{label}types") as sandbox:
            return await _run(sandbox, self.scenario.fixture.card.typecheck)

    async def try_tree(self, tree: Tree) -> tuple[Outputs | None, tuple[StepRun, ...]]:
        """Inspect a tree and run its steps at the same time, as far as the terms ask for it.

        Nothing that runs code of the tree shares a sandbox with anything else. Raises
        `SandboxLost` or `KitFault`.
        """
        async with together() as group:
            inspection = group.create_task(self.inspect(tree)) if self.terms.inspect else None
            runs = [
                group.create_task(self.run_step(tree, step))
                for step in self.terms.steps_of(self.scenario)
            ]
        outputs = inspection.result() if inspection else None
        return outputs, tuple(run.result() for run in runs)

    async def run_step(self, tree: Tree, step: Step, *, label: str = "") -> StepRun:
        """Run one step on a tree, in a sandbox of its own."""
        async with self._open(self.lay(tree), f"{label}{step.id}") as sandbox:
            await self.warmth.lay(step.id, sandbox)
            return await self._run_step(sandbox, step)

    def lay(self, tree: Tree) -> Tree:
        """Lay the kit and then the hidden checks over a tree; no report lies there yet."""
        kit = read_tree(self.scenario.fixture.kit)
        checks = read_tree(self.scenario.checks, _MANIFESTS) if self.terms.hidden else {}
        laid = overlay(
            {f"{KIT_FOLDER}/{path}": file for path, file in kit.items()},
            {f"{KIT_FOLDER}/checks/{path}": file for path, file in checks.items()},
        )
        reports = tuple(step.junit for step in self.scenario.fixture.card.steps)
        whole = overlay(_without(tree, (KIT_FOLDER, f"{KIT_FOLDER}/**")), laid)
        return _without(whole, reports)

    @asynccontextmanager
    async def _open(self, laid: Tree, label: str) -> AsyncIterator[Sandbox]:
        spec = SandboxSpec(
            run_id=self.run_id,
            name=f"{self.name}-{label}",
            image=self.image,
            environment={**self.scenario.fixture.card.environment, **self.terms.environment},
            limits=replace(Limits(), output_bytes=_OUTPUT_BYTES),
            empty=EMPTY,
        )
        async with await self.engine.start(spec) as sandbox:
            try:
                await sandbox.unpack(pack_tree(laid))
            except ToolFault as fault:
                raise KitFault(f"the tree cannot be laid down: {fault}") from fault
            yield sandbox

    async def _inspect(self, sandbox: Sandbox) -> Outputs:
        card = self.scenario.fixture.card
        typecheck = await _run(sandbox, card.typecheck)
        lint = await _run(sandbox, card.lint)
        facts, measured = await self._measure(sandbox)
        log = _log(card.typecheck, typecheck) + _log(card.lint, lint) + measured
        return Outputs(typecheck=typecheck, lint=lint, facts=facts, log=log)

    async def _measure(self, sandbox: Sandbox) -> tuple[Facts | None, str]:
        """Return facts and log. Whatever goes wrong here must not reach the verdict."""
        command = self.scenario.fixture.card.quality
        if command is None:
            return None, ""
        try:
            result = await _run(sandbox, command)
        except (KitFault, SandboxLost) as fault:
            return None, f"code quality not measured: {fault}\n\n"
        facts = read_facts(result.stdout) if result.exit_code == 0 else None
        said = _log(command, replace(result, stdout=_summary(facts)))
        return facts, said

    async def _run_step(self, sandbox: Sandbox, step: Step) -> StepRun:
        argv = self.terms.command(step)
        return await run_in(sandbox, step.model_copy(update={"argv": argv}))


def how_it_ended(result: ExecResult, limit_s: float) -> str:
    """Say how a command ended."""
    if result.timed_out or result.exit_code is None:
        return f"killed at {limit_s:g} s"
    code = result.exit_code
    return f"exit code {code}" if code >= 0 else f"killed by signal {-code}"


def came_to_an_end(result: ExecResult) -> bool:
    """Say whether a command could be started and ended by itself: else its code tells nothing."""
    code = result.exit_code
    return code is not None and code >= 0 and code not in _CANNOT_RUN


async def run_in(sandbox: Sandbox, step: Step) -> StepRun:
    """Run one step in a sandbox where a tree and the kit lie; raise `KitFault`."""
    folder = step.junit.rpartition("/")[0]
    laid = await _laid(sandbox, folder)
    try:
        result = await _run(sandbox, step)
        ended = how_it_ended(result, step.timeout_seconds)
        after = await _watch(sandbox) or frozenset()
        disturbed = _disturbed(laid, after, {folder, step.junit})
        report, missing = await _fetch(sandbox, step)
    except SandboxLost as lost:
        ended = f"sandbox lost: {lost.what}"
        return StepRun(
            step=step.id, exit_code=None, ended=ended, results=None, missing="no report", lost=True
        )
    try:
        results = None if missing else read_report(report)
    except NoReport as none:
        results, missing = None, str(none)
    return StepRun(
        step=step.id,
        exit_code=None if result.timed_out else result.exit_code,
        ended=ended,
        results=results,
        missing=missing,
        report=report,
        disturbed=disturbed,
        log=_log(step, result),
    )


async def _laid(sandbox: Sandbox, folder: str) -> frozenset[bytes]:
    """Make the report's folder, so that its coming is no change, and return the facts before."""
    try:
        await sandbox.unpack(pack_folder(folder or "."))
    except ToolFault as fault:
        raise KitFault(f"{folder}: {fault}") from fault
    facts = await _watch(sandbox)
    if facts is None:
        raise KitFault(f"`{shlex.join(_WATCH)}` does not work in the sandbox")
    return facts


async def _fetch(sandbox: Sandbox, step: Step) -> tuple[bytes, str]:
    try:
        return await sandbox.read(step.junit, limit=MAX_REPORT_BYTES), ""
    except ToolFault as fault:
        return b"", "no report" if fault.code == "not_found" else f"no usable report: {fault}"


async def _watch(sandbox: Sandbox) -> frozenset[bytes] | None:
    try:
        result = await sandbox.run(_WATCH, timeout_s=_WATCH_SECONDS)
    except ToolFault:
        return None
    # `find` ends with an error when a file vanishes; what it listed is what is there.
    whole = result.exit_code is not None and not result.cut_bytes
    facts = frozenset(result.stdout.split(b"\0")) - {b""}
    return facts if whole and facts else None


def _disturbed(
    before: frozenset[bytes], after: frozenset[bytes], expected: Collection[str]
) -> tuple[str, ...]:
    """List what came, went or changed, other than at the paths where that is expected."""
    facts = (fact.decode(errors="replace") for fact in before ^ after)
    return tuple(sorted({fact[fact.index(KIT_FOLDER) :] for fact in facts} - {*expected}))


async def _run(sandbox: Sandbox, command: Command | Step) -> ExecResult:
    try:
        return await sandbox.run(command.argv, timeout_s=command.timeout_seconds)
    except ToolFault as fault:
        raise KitFault(f"`{shlex.join(command.argv)}`: {fault}") from fault


def _log(command: Command | Step, result: ExecResult) -> str:
    ended = how_it_ended(result, command.timeout_seconds)
    parts = [f"$ {shlex.join(command.argv)}  ({ended}, {result.seconds:.2f} s)"]
    for stream in (result.stdout, result.stderr):
        if stream:
            cut = "" if len(stream) <= _LOG_BYTES else f"[{len(stream) - _LOG_BYTES} bytes cut]\n"
            parts.append(cut + stream[-_LOG_BYTES:].decode("utf-8", "replace").rstrip("\n"))
    return "\n".join(parts) + "\n\n"


def _summary(facts: Facts | None) -> bytes:
    if facts is None:
        return b"code quality not measured"
    lines = [f"{path} cannot be parsed: {why}" for path, why in sorted(facts.unparsed.items())]
    return "\n".join([f"{len(facts.files)} source files measured", *lines]).encode()


def _without(tree: Tree, globs: tuple[str, ...]) -> dict[str, File]:
    return {path: file for path, file in tree.items() if not matches(path, globs)}
