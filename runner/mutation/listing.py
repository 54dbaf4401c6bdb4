"""The mutants of a tree, made by the fixture's own `mutants` command in a sandbox."""

from __future__ import annotations

import shlex
from dataclasses import replace
from typing import TYPE_CHECKING, Final

from pydantic import TypeAdapter, ValidationError

from runner.grading.archive import KIT_FOLDER, overlay, pack_tree
from runner.grading.bench import how_it_ended
from runner.mutation.mutant import Change, Mutant, apply, identify
from runner.sandbox.base import Limits, SandboxSpec, ToolFault
from testbed.errors import EnvironmentFault, ScenarioError
from testbed.tree import matches, read_tree

if TYPE_CHECKING:
    from collections.abc import Mapping
    from collections.abc import Set as AbstractSet

    from runner.sandbox.base import Engine
    from testbed.scenario import Command, Fixture
    from testbed.tree import Tree

_OUTPUT_BYTES: Final = 16 << 20
"""The list must arrive whole."""
_CHANGES: Final = TypeAdapter(tuple[Change, ...])
_TAIL: Final = 500


async def list_mutants(
    fixture: Fixture,
    tree: Tree,
    *,
    engine: Engine,
    image: str,
    run_id: str,
    name: str = "mutants",
    lines: Mapping[str, AbstractSet[int]] | None = None,
) -> tuple[Mutant, ...]:
    """List the small mutants of a tree, by path and place; the same tree gives the same list.

    `lines` keeps those that stand on these lines, counted from 1, of these paths; `None` keeps
    all. Protected and ignored files have none: a patch could not mend them. Nothing of the tree
    is run.

    Raises `ScenarioError` for a fixture without a `mutants` command, `EnvironmentFault` when the
    command does not work, and whatever the engine raises.
    """
    command = fixture.card.mutants
    if command is None:
        raise ScenarioError(
            f"{fixture.id}: the fixture's card has no `[mutants]`",
            next_step="Name a command that prints mutants, see docs/scenarios.md",
        )
    spec = SandboxSpec(
        run_id=run_id,
        name=name,
        image=image,
        environment=fixture.card.environment,
        limits=replace(Limits(), output_bytes=_OUTPUT_BYTES),
    )
    printed = await _print(fixture, tree, command, engine=engine, spec=spec)
    unmendable = (*fixture.card.protected, *fixture.card.ignored)
    mutants = _read(fixture, printed, tree)
    return tuple(m for m in mutants if not matches(m.path, unmendable) and _stands_on(m, lines))


async def _print(
    fixture: Fixture, tree: Tree, command: Command, *, engine: Engine, spec: SandboxSpec
) -> bytes:
    kit = {f"{KIT_FOLDER}/{path}": file for path, file in read_tree(fixture.kit).items()}
    async with await engine.start(spec) as sandbox:
        try:
            await sandbox.unpack(pack_tree(overlay(tree, kit)))
            result = await sandbox.run(command.argv, timeout_s=command.timeout_seconds)
        except ToolFault as fault:
            raise _broken(fixture, f"`{shlex.join(command.argv)}`: {fault}") from fault
    if result.exit_code != 0 or result.cut_bytes:
        said = result.stderr[-_TAIL:].decode("utf-8", "replace").strip()
        ended = how_it_ended(result, command.timeout_seconds)
        cut = ", its output was cut" if result.cut_bytes else ""
        raise _broken(fixture, f"`{shlex.join(command.argv)}`: {ended}{cut}: {said}")
    return result.stdout


def _read(fixture: Fixture, printed: bytes, tree: Tree) -> tuple[Mutant, ...]:
    try:
        mutants = identify(_CHANGES.validate_json(printed), tree)
        for mutant in mutants:
            apply(tree, mutant)
    except (ValidationError, LookupError, ValueError) as fault:
        what = str(fault).partition("\n")[0]
        raise _broken(fixture, f"`mutants` prints no mutants of this tree: {what}") from fault
    return mutants


def _stands_on(mutant: Mutant, lines: Mapping[str, AbstractSet[int]] | None) -> bool:
    return lines is None or mutant.line in lines.get(mutant.path, frozenset())


def _broken(fixture: Fixture, what: str) -> EnvironmentFault:
    return EnvironmentFault(f"{fixture.id}: {what}", next_step="Run `testbed verify`")
