"""The one script that is not our own: where it comes from and how a page reaches it."""

from __future__ import annotations

import json
from posixpath import dirname, relpath
from typing import TYPE_CHECKING, Final

from reports.site.page import REPORTS

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from reports.site.links import Links

VENDORED: Final = REPORTS / "assets" / "vendor"
MANIFEST: Final = VENDORED / "manifest.json"
SCRIPT: Final = "assets/diff2html.js"
"""Where the script stands below the site's folder; its licences stand within it."""
SPLIT_SCRIPTS: Final = ("sidebyside.js",)
"""What a page with `two_columns` of `templates/sidebyside.html` needs, with `Page.vendored`."""
SPLIT_STYLES: Final = ("sidebyside.css",)


def vendored_files() -> Mapping[str, Path]:
    """List the files that a site needs beside its pages: POSIX path below its folder -> source."""
    return {SCRIPT: VENDORED / "diff2html.js"}


def digests() -> dict[str, str]:
    """Read the manifest: name of a vendored file -> sha256 of its bytes."""
    files: dict[str, str] = json.loads(MANIFEST.read_text(encoding="utf-8"))["files"]
    return files


def script_from(links: Links) -> str | None:
    """Give the address of the vendored script on a page; `None` in a single file."""
    return None if links.single else relpath(SCRIPT, dirname(links.here.path) or ".")
