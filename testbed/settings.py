"""Strictly validated TOML files: every complaint names the file and the key."""

from __future__ import annotations

import tomllib
from typing import TYPE_CHECKING, TypeVar

from pydantic import BaseModel, ConfigDict, ValidationError

if TYPE_CHECKING:
    from pathlib import Path

    from testbed.errors import UsageError


class Settings(BaseModel):
    """Base of what users write: frozen, unknown keys refused."""

    model_config = ConfigDict(frozen=True, extra="forbid", regex_engine="python-re")


S = TypeVar("S", bound=Settings)


def load_settings(kind: type[S], path: Path, error: type[UsageError]) -> S:
    """Read a TOML file into `kind`; raise `error` naming the file, the key and the fault."""
    try:
        data = tomllib.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise error(f"{path}: no such file", next_step="Check the name or create it") from None
    except OSError as fault:
        raise error(f"{path}: {fault.strerror}", next_step="Give a readable file") from fault
    except UnicodeDecodeError:
        raise error(f"{path}: not UTF-8 text", next_step="Save it as UTF-8") from None
    except tomllib.TOMLDecodeError as fault:
        raise error(f"{path}: not TOML: {fault}", next_step="Mend that line") from fault
    try:
        return kind.model_validate(data)
    except ValidationError as fault:
        raise error(f"{path}: {describe(fault)}", next_step="Mend that key") from fault


def describe(fault: ValidationError) -> str:
    """Say in one line which keys are wrong and why."""
    return "; ".join(
        f"`{'.'.join(str(part) for part in item['loc']) or 'file'}`: {item['msg']}"
        for item in fault.errors(include_url=False)
    )
