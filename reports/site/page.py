"""The frame of every page: one policy, one style, nothing fetched but the page's own pictures."""

from __future__ import annotations

from base64 import b64encode
from dataclasses import dataclass
from functools import cache
from hashlib import sha256
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence

    from reports.site.links import Target

REPORTS: Final = Path(__file__).parent.parent


@dataclass(frozen=True, kw_only=True)
class Page:
    """One page before it is framed, so that several can stand in a single file."""

    target: Target
    title: str
    body: Markup
    """What stands in `<body>`: `<header>` and `<main>`, without ids that another page has."""
    styles: tuple[str, ...] = ("base.css",)
    """Files of `reports/assets`, put into the page in this order."""
    scripts: tuple[str, ...] = ()
    """Likewise; each is let through by its digest."""
    vendored: bool = False
    """Whether it may also load the script that stands in the site's own `assets` folder."""


def framed(page: Page, *, confined: Collection[str] = ()) -> str:
    """Give the whole document; the same page gives the same bytes.

    Each style named in `confined` holds only within elements of the class `confined_to(style)`.
    """
    style = "".join(
        f".{confined_to(name)} {{\n{_asset(name)}}}\n" if name in confined else _asset(name)
        for name in page.styles
    )
    scripts = [_asset(name) for name in page.scripts]
    return render(
        "page.html",
        title=page.title,
        body=page.body,
        policy=_policy(style, scripts, vendored=page.vendored),
        style=Markup(style),  # noqa: S704  (our own file, not input)
        scripts=[Markup(script) for script in scripts],  # noqa: S704  (the same)
    )


def confined_to(style: str) -> str:
    """Name the class that a style is confined to."""
    return f"has-{style.partition('.')[0]}"


def render(template: str, **values: Any) -> Markup:  # noqa: ANN401  (templates take anything)
    """Render a template of `reports/templates`; everything foreign is escaped."""
    return Markup(_environment().get_template(template).render(**values))  # noqa: S704  (autoescape)


def _policy(style: str, scripts: Sequence[str], *, vendored: bool) -> Markup:
    """Forbid everything but this very style, these very scripts and the site's own pictures."""
    allowed = [*map(_source_hash, scripts), *(["'self'"] if vendored else [])]
    return Markup(  # noqa: S704  (digests alone)
        "; ".join(
            (
                "default-src 'none'",
                f"style-src {_source_hash(style)}",
                *([f"script-src {' '.join(allowed)}"] if allowed else []),
                "img-src 'self' data:",
                "base-uri 'none'",
                "form-action 'none'",
            )
        )
    )


def _source_hash(text: str) -> str:
    """Name an inline source as a Content-Security-Policy wants it."""
    return f"'sha256-{b64encode(sha256(text.encode()).digest()).decode()}'"


@cache
def _asset(name: str) -> str:
    return (REPORTS / "assets" / name).read_text(encoding="utf-8")


@cache
def _environment() -> Environment:
    environment = Environment(
        loader=FileSystemLoader(REPORTS / "templates"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    environment.filters["unbroken"] = _unbroken
    return environment


def _unbroken(text: str) -> str:
    """Keep a figure on one line; what stands in parentheses may go to the next."""
    return text.replace(" ", "\N{NO-BREAK SPACE}").replace("\N{NO-BREAK SPACE}(", " (")
