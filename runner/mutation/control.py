"""The pristine fixture, tried as mutants are: what it shows is what a mutant must not change."""

from __future__ import annotations

from typing import TYPE_CHECKING

from runner.mutation.outcome import Control
from runner.mutation.showing import doubt, failing, file_of, passed
from testbed.errors import VerificationFailed
from testbed.tree import matches

if TYPE_CHECKING:
    from collections.abc import Sequence

    from runner.mutation.hidden import Group
    from runner.mutation.place import Place
    from runner.sandbox.base import Sandbox
    from testbed.tree import Tree


async def try_pristine(place: Place, tree: Tree, groups: Sequence[Group]) -> Control:
    """Check and test the pristine fixture.

    Raises `VerificationFailed` when it is not clean and green: no mutant could be told from it.
    """
    async with place.open(tree, "mutants-control") as sandbox:
        if not await place.types(sandbox):
            raise _unhealthy(place, "fails its type check")
        findings = await place.findings(sandbox)
        run = await place.tests(sandbox)
        red = failing(run, ())
        if red or doubt(run, red):
            raise _unhealthy(place, f"fails its visible tests: {red[0] if red else doubt(run, ())}")
        hidden = [await _sound(place, sandbox, group) for group in groups]
    return Control(
        visible=passed(run), hidden=tuple(hidden), findings=dict(sorted(findings.items()))
    )


async def _sound(place: Place, sandbox: Sandbox, group: Group) -> tuple[str, ...]:
    """Return the tests of those files in which all of them pass.

    A file with another could be no check of a scenario that begins from the pristine fixture.
    """
    globs = place.fixture.card.tests
    files = [path for path in sorted(group.files) if matches(path, globs)]
    if not files:
        return ()
    run = await place.checks(sandbox, group.files, files)
    fine = {*passed(run)}
    sound = {*files} - {file_of(test) for test in run.results or () if test not in fine}
    return tuple(sorted(test for test in fine if file_of(test) in sound))


def _unhealthy(place: Place, what: str) -> VerificationFailed:
    return VerificationFailed(
        f"{place.fixture.id}: the pristine fixture {what}", next_step="Mend the fixture first"
    )
