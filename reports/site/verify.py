"""Whether a scoreboard is what its runs give: it is built again, beside it, and compared."""

from __future__ import annotations

import hashlib
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

from reports.site.build import write_site
from reports.site.folder import files_below
from reports.site.manifest import MANIFEST, read_manifest
from testbed.errors import RunError
from testbed.store import find_run

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from reports.site.manifest import Manifest
    from testbed.store import Run


def runs_behind(folder: Path, given: Sequence[Run], *, runs: Path) -> list[Run]:
    """Find the runs that a scoreboard was built from.

    They are looked for among those `given`, then around the scoreboard, then in the folder of all
    runs. Raises `RunError` when one is nowhere, or when there is no scoreboard.
    """
    named = {run.config.run_id: run for run in given}
    return [named.get(run_id) or _found(folder, run_id, runs) for run_id in _demanded(folder).runs]


def differences(folder: Path, runs: Sequence[Run]) -> list[str]:
    """Say line by line what differs from a scoreboard built from these runs; empty: nothing."""
    manifest = _demanded(folder)
    with TemporaryDirectory() as place:
        fresh = write_site(runs, Path(place), options=manifest.options)
    return [*_conditions(manifest, fresh), *_files(folder, manifest, fresh)]


def _conditions(manifest: Manifest, fresh: Manifest) -> Iterator[str]:
    if manifest.testbed != fresh.testbed:
        yield f"built by testbed {manifest.testbed}, compared by {fresh.testbed}"


def _files(folder: Path, manifest: Manifest, fresh: Manifest) -> Iterator[str]:
    there = files_below(folder)
    for name in sorted(there | manifest.files.keys() | fresh.files.keys()):
        was, given = manifest.files.get(name), fresh.files.get(name)
        if name == MANIFEST:
            continue
        if name not in there:
            yield f"{name}: is missing"
        elif was is None and given is None:
            yield f"{name}: no scoreboard has written it"
        elif given is None:
            yield f"{name}: the runs do not give it"
        elif _digest(folder / name) != given:
            edited = was == given
            yield f"{name}: {'was changed after it was built' if edited else 'differs'}"


def _digest(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def _demanded(folder: Path) -> Manifest:
    manifest = read_manifest(folder)
    if manifest is None:
        raise RunError(
            f"{folder} holds no scoreboard with a readable {MANIFEST}",
            next_step="Name the folder that `testbed report` has written",
        )
    return manifest


def _found(folder: Path, run_id: str, runs: Path) -> Run:
    around = folder.resolve().parent
    for place in (around, around / run_id):
        if (place / "run.json").is_file():
            run = find_run(runs, str(place))
            if run.config.run_id == run_id:
                return run
    return find_run(runs, run_id)
