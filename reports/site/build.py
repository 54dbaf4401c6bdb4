"""The scoreboard: a folder of pages that opens from disk, a pure function of its runs."""

from __future__ import annotations

import hashlib
from collections import Counter
from dataclasses import replace
from itertools import chain
from typing import TYPE_CHECKING

from reports.site.choice import chosen_pairs, chosen_trials
from reports.site.downloads import CSV_NAME, JSON_NAME, data_json, trials_csv
from reports.site.folder import replacing
from reports.site.gather import make_board, pictures_of
from reports.site.links import HOME
from reports.site.manifest import MANIFEST, Manifest, SiteOptions
from reports.site.page import framed
from reports.site.pages import Site, pages
from reports.site.single import one_document
from reports.site.vendor import vendored_files

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from testbed.records import Trial
    from testbed.store import Run
    from testbed.view import Key

__all__ = ["SiteOptions", "build_site", "write_site"]


def build_site(runs: Sequence[Run], folder: Path, *, options: SiteOptions | None = None) -> Path:
    """Write the scoreboard of some runs into `folder` and return its first page.

    It is written beside the folder first and takes its place when it is whole. Raises `RunError`
    when the folder holds anything but a former scoreboard, and `DiskFull` when it cannot be
    written.
    """
    with replacing(folder, own={run.paths.scoreboard for run in runs}) as place:
        write_site(runs, place, options=options or SiteOptions())
    return folder / HOME.path


def write_site(runs: Sequence[Run], place: Path, *, options: SiteOptions) -> Manifest:
    """Write every file of a scoreboard into an empty folder, the manifest last."""
    digests: dict[str, str] = {}
    for name, data in _files(runs, options):
        file = place / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(data)
        digests[name] = hashlib.sha256(data).hexdigest()
    ids = sorted(run.config.run_id for run in runs)
    manifest = Manifest(runs=tuple(ids), options=options, files=digests)
    (place / MANIFEST).write_bytes(manifest.encoded())
    return manifest


def _files(runs: Sequence[Run], options: SiteOptions) -> Iterator[tuple[str, bytes]]:
    board = make_board(runs, baseline=options.baseline, margin=options.margin)
    trials, pairs = chosen_trials(board, options.trials), chosen_pairs(board, options.trials)
    pictures = pictures_of(board.view, runs)
    if options.single_file:
        pictures = pictures.inside(_times_shown(trials, pairs))
    site = Site(
        board=replace(board, pictures=pictures.trials, baselines=pictures.baselines),
        runs=runs,
        trials=trials,
        pairs=pairs,
        single=options.single_file,
    )
    if options.single_file:
        yield HOME.path, _encoded(one_document(pages(site)))
        return
    for page in pages(site):
        yield page.target.path, _encoded(framed(page))
    yield CSV_NAME, _encoded(trials_csv(board))
    yield JSON_NAME, _encoded(data_json(board))
    for name, source in vendored_files().items():
        yield name, source.read_bytes()
    for path, source in pictures.sources.items():
        yield path, source.read_bytes()


def _times_shown(trials: Sequence[Trial], pairs: Sequence[tuple[Trial, Trial]]) -> Counter[Key]:
    """Count the pages that a trial's pictures can stand on, that of its scenario included."""
    shown = chain(trials, *pairs, {trial.key: trial for trial in chain(trials, *pairs)}.values())
    return Counter(trial.key for trial in shown)


def _encoded(text: str) -> bytes:
    return text.encode("utf-8", errors="replace")
