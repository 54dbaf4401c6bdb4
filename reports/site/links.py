"""Where every page of the site stands, and how one links to another."""

from __future__ import annotations

from dataclasses import dataclass
from hashlib import sha256
from posixpath import dirname, relpath
from re import sub
from typing import TYPE_CHECKING, Final
from urllib.parse import quote

if TYPE_CHECKING:
    from testbed.view import Key

INDEX: Final = "index"
LONGEST: Final = 60


@dataclass(frozen=True)
class Target:
    """One page."""

    id: str
    """Unique in the site, `[a-z0-9-]` alone: its anchor when the site is a single file."""
    path: str
    """POSIX path below the site's folder."""


HOME: Final = Target(INDEX, "index.html")


def scenario_target(scenario: str) -> Target:
    """Locate the page of a scenario."""
    return _target("scenarios", scenario)


def trial_target(key: Key) -> Target:
    """Locate the page of a trial."""
    return _target("trials", *map(str, key))


def pair_target(left: Key, right: Key) -> Target:
    """Locate the page that shows two trials of one scenario side by side."""
    return _target("pairs", *map(str, left), *map(str, right))


def compare_target(baseline: str, candidate: str) -> Target:
    """Locate the page that compares a candidate with the baseline."""
    return _target("compare", baseline, candidate)


def model_fragment(model: str) -> str:
    """Name a model's row on the page of a scenario: short, since the index links each of them."""
    return f"m-{_digest(model)}"


def _target(folder: str, *parts: str) -> Target:
    """Name a page legibly and uniquely, whatever a foreign name holds."""
    legible = sub(r"[^a-z0-9]+", "-", "-".join(parts).lower()).strip("-")[:LONGEST]
    digest = _digest(*parts)
    name = f"{legible}-{digest}" if legible else digest
    return Target(f"{folder}-{name}", f"{folder}/{name}.html")


def _digest(*parts: str) -> str:
    return sha256("\0".join(parts).encode("utf-8", "surrogatepass")).hexdigest()[:8]


@dataclass(frozen=True)
class Links:
    """Links from one page to the others; a page that is not built is not linked."""

    here: Target
    built: frozenset[str]
    """Ids of the pages that are built."""
    single: bool = False
    """Whether all pages stand in one file."""

    def to(self, target: Target, fragment: str = "") -> str | None:
        """Link a page, or `None` when it is not built. `fragment` is an element's id there.

        In a single file the id of an element is `<page id>-<fragment>` on every page but the
        index: see `anchor`.
        """
        if target.id not in self.built:
            return None
        if self.single:
            inner = fragment if target.id == INDEX else f"{target.id}-{fragment}".strip("-")
            return f"#{inner or target.id}"
        place = relpath(target.path, dirname(self.here.path) or ".")
        return quote(place) + (f"#{fragment}" if fragment else "")

    def anchor(self, fragment: str) -> str:
        """Give the id that an element of this page must bear."""
        return f"{self.here.id}-{fragment}" if self.single and self.here.id != INDEX else fragment
