"""Keep artifacts as folders, by the rules of the platform's two actions."""

from __future__ import annotations

import os
import shutil
import sys
from fnmatch import fnmatch
from pathlib import Path

STORE = Path(os.environ["STUB_ARTIFACTS"])


def upload() -> None:
    """Keep files without the hidden ones; a name is given once, unless it says so."""
    name = os.environ["NAME"]
    if any(fnmatch(name, pattern) for pattern in os.environ.get("STUB_LOST", "").split()):
        return
    place = STORE / name
    if place.exists() and os.environ["OVERWRITE"] != "true":
        sys.exit(f"an artifact {place.name} is there already")
    shutil.rmtree(place, ignore_errors=True)
    place.mkdir()
    paths = [Path(line) for line in os.environ["PATHS"].splitlines() if line]
    for path in paths:
        if path.is_file():
            shutil.copy2(path, place)
        elif path.is_dir():
            target = place if len(paths) == 1 else place / path.name
            hidden = shutil.ignore_patterns(".*")
            shutil.copytree(path, target, dirs_exist_ok=True, ignore=hidden)


def download() -> None:
    """Lay out one artifact flat, several in a folder each; a pattern may match none."""
    place, name, pattern = (os.environ[key] for key in ("PLACE", "NAME", "PATTERN"))
    found = (
        [STORE / name] if name else sorted(p for p in STORE.iterdir() if fnmatch(p.name, pattern))
    )
    flat = len(found) == 1 or os.environ["MERGE"] == "true"
    for artifact in found:
        target = Path(place) if flat else Path(place) / artifact.name
        shutil.copytree(artifact, target, dirs_exist_ok=True)


{"upload": upload, "download": download}[sys.argv[1]]()
