"""Chooses where sandboxes run."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from testbed.errors import SandboxUnavailable, UsageError

if TYPE_CHECKING:
    from runner.sandbox.base import Engine

NAMES: Final = ("auto", "docker", "local")


def choose_engine(name: str) -> Engine:
    """Return the engine called `name`; `auto` is Docker where it answers, else local.

    Raises `SandboxUnavailable` when it cannot start sandboxes here, and `UsageError` for a name
    that is none of `NAMES`.
    """
    if name not in NAMES:
        raise UsageError(f"There is no sandbox engine {name!r}", next_step=f"Use one of {NAMES}")
    if name == "local":
        return _local()
    try:
        return _docker()
    except SandboxUnavailable as no_docker:
        if name == "docker":
            raise
        try:
            return _local()
        except SandboxUnavailable as no_local:
            raise SandboxUnavailable(
                f"No sandbox can be started here: {no_docker.what}; {no_local.what}",
                next_step=f"{no_docker.next_step}. {no_local.next_step}",
            ) from None


def _docker() -> Engine:
    from runner.sandbox.docker import DockerEngine

    return DockerEngine()


def _local() -> Engine:
    from runner.sandbox.local import LocalEngine

    return LocalEngine()
