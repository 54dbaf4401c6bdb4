"""Sandboxes with a browser: an image of its own on Docker, the host's Chromium with bubblewrap."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final

from runner.sandbox.docker import DockerEngine
from testbed.errors import SandboxUnavailable

if TYPE_CHECKING:
    from runner.sandbox.base import Dependencies, Engine, Progress

_IN_THE_IMAGE: Final = "/usr/lib/chromium/chromium-headless-shell"
_ON_THE_HOST: Final = (
    _IN_THE_IMAGE,
    "/usr/lib/chromium/chromium",
    "/usr/lib/chromium-browser/chromium-browser",
    "/usr/lib64/chromium-browser/chromium-browser",
)
"""Programs, not the scripts in front of them; the local sandbox sees the host's /usr alone."""


@dataclass(frozen=True, kw_only=True)
class Browser:
    """Where pictures are taken."""

    image: str
    """To start sandboxes from."""
    program: str
    """Chromium, as the sandbox sees it."""


async def with_browser(engine: Engine, dependencies: Dependencies, progress: Progress) -> Browser:
    """Build what sandboxes with a browser need, or reuse it.

    Raises `SandboxUnavailable` where no Chromium can be had.
    """
    if isinstance(engine, DockerEngine):
        image = await engine.prepare(dependencies, progress, browser=True)
        return Browser(image=image, program=_IN_THE_IMAGE)
    return Browser(image=await engine.prepare(dependencies, progress), program=_on_the_host())


def _on_the_host() -> str:
    program = next((path for path in _ON_THE_HOST if Path(path).is_file()), None)
    if program is None:
        raise SandboxUnavailable(
            "Pictures need Chromium, and the local sandbox sees none below /usr",
            next_step="Run `apt-get install chromium-headless-shell` (or `chromium`), or start"
            " Docker, where it comes with the image",
        )
    return program
