"""The file `equivalent.toml`: mutants of a scenario's reference that behave as it does, and why."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Final, Literal

from pydantic import Field, StringConstraints

from testbed.errors import ScenarioError
from testbed.settings import Settings, load_settings

if TYPE_CHECKING:
    from pathlib import Path

EQUIVALENT: Final = "equivalent.toml"


class Equivalents(Settings):
    """The file as it is written."""

    schema_version: Literal[1]
    mutants: Annotated[
        dict[str, Annotated[str, StringConstraints(pattern=r"^[^\n]+\.\Z")]], Field(min_length=1)
    ]
    """Mutant's id, as the certificate lists it -> why nobody can tell it apart: one sentence."""


def read_equivalents(folder: Path) -> dict[str, str]:
    """Read those of a scenario's folder, id -> reason; none without the file.

    Raises `ScenarioError` naming the key that is wrong.
    """
    path = folder / EQUIVALENT
    return load_settings(Equivalents, path, ScenarioError).mutants if path.is_file() else {}
