"""The ids in an endpoint's list of models, whatever form it gives the list."""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping


def read_ids(body: bytes) -> frozenset[str]:
    """Return the ids of a model list; nothing when it is in no known form."""
    try:
        listed = json.loads(body)
    except (ValueError, RecursionError):
        return frozenset()
    if isinstance(listed, Mapping):
        listed = listed.get("data")
    entries = listed if isinstance(listed, list) else []
    ids = (entry.get("id") for entry in entries if isinstance(entry, Mapping))
    return frozenset(name for name in ids if isinstance(name, str))


def is_listed(model: str, ids: Collection[str]) -> bool:
    """Say whether a list holds a model, also under Gemini's prefix or Ollama's default tag."""
    return not {model, f"models/{model}", f"{model}:latest"}.isdisjoint(ids)
