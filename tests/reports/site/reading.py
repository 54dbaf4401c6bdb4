"""Reads the pages of a scoreboard on disk."""

from __future__ import annotations

import json
import posixpath
from collections import Counter
from dataclasses import dataclass
from html.parser import HTMLParser
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote, urlsplit

if TYPE_CHECKING:
    from pathlib import Path


class Reader(HTMLParser):
    """Collects the ids, the addresses and the elements of one page."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.ids: list[str] = []
        self.addresses: list[str] = []
        self.tags: Counter[str] = Counter()
        self.attributes: set[str] = set()
        self.feed(text)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        found = {name: value or "" for name, value in attrs}
        self.tags[tag] += 1
        self.attributes |= found.keys()
        self.ids += [found["id"]] if "id" in found else []
        self.addresses += [found[n] for n in ("href", "src", "data-diff") if n in found]
        for name in ("for", "aria-labelledby", "aria-describedby", "aria-controls"):
            self.addresses += [f"#{one}" for one in found.get(name, "").split()]


@dataclass(frozen=True)
class Built:
    """A scoreboard on disk, read."""

    folder: Path

    @property
    def pages(self) -> dict[str, Reader]:
        return {
            path.relative_to(self.folder).as_posix(): Reader(path.read_text(encoding="utf-8"))
            for path in self.folder.rglob("*.html")
        }

    def faults(self) -> set[str]:
        """Name every id that stands twice and every address that leads nowhere."""
        pages = self.pages
        found = {
            f"{name}: #{one} stands twice"
            for name, page in pages.items()
            for one, times in Counter(page.ids).items()
            if times > 1
        }
        for name, page in pages.items():
            found |= {
                f"{name}: {one}" for one in page.addresses if not self._leads(name, one, pages)
            }
        return found

    def _leads(self, name: str, address: str, pages: dict[str, Reader]) -> bool:
        parts = urlsplit(address)
        if parts.scheme == "data":
            return True
        if parts.scheme or parts.netloc:
            return False
        there = posixpath.join(posixpath.dirname(name), unquote(parts.path)) if parts.path else name
        path = posixpath.normpath(there)
        if path.startswith("..") or not (self.folder / path).is_file():
            return False
        state = parts.fragment.startswith("/")
        return state or not parts.fragment or unquote(parts.fragment) in pages[path].ids

    def data(self) -> Any:  # noqa: ANN401  (JSON)
        return json.loads((self.folder / "data.json").read_text(encoding="utf-8"))
