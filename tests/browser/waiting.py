"""Waiting in pages whose policy forbids Playwright's own way of it, which evaluates strings."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from playwright.sync_api import Page

PATIENCE_S: Final = 20.0


def until(page: Page, expression: str) -> None:
    """Wait until an expression of the page holds."""
    deadline = time.monotonic() + PATIENCE_S
    while not page.evaluate(expression):
        assert time.monotonic() < deadline, expression
        page.wait_for_timeout(20)
