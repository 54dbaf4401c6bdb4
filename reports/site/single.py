"""All pages in one file: the index first, then every other page as an article of its own."""

from __future__ import annotations

from typing import TYPE_CHECKING

from markupsafe import Markup

from reports.site.links import HOME
from reports.site.page import Page, confined_to, framed

if TYPE_CHECKING:
    from collections.abc import Iterable


def one_document(pages: Iterable[Page]) -> str:
    """Put all bodies into one document; `links.anchor` has made the ids of each its own.

    The reader sees one at a time, as `assets/single.css` has it, in its own styles.
    """
    index, *others = everything = tuple(pages)
    shared = {name for name in index.styles if all(name in page.styles for page in others)}
    first = Markup('<div id="{}" class="{}">{}</div>')
    # Given no role, an article would hide from readers' aids that its header is a page's.
    article = Markup('<article id="{}" class="{}" role="none">{}</article>')
    bodies = [
        (first if page is index else article).format(
            page.target.id, " ".join(map(confined_to, page.styles)), page.body
        )
        for page in everything
    ]
    styles = _united(page.styles for page in everything)
    whole = Page(
        target=HOME,
        title=index.title,
        body=Markup("\n").join(bodies),
        styles=(*styles, "single.css"),
        scripts=_united(page.scripts for page in everything),
    )
    return framed(whole, confined={name for name in styles if name not in shared})


def _united(names: Iterable[tuple[str, ...]]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(name for some in names for name in some))
