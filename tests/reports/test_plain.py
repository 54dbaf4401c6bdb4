from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from reports.plain import plain_scoreboard

if TYPE_CHECKING:
    from testbed.metrics import RunView


def test_the_figures_survive_json(view: RunView) -> None:
    data = plain_scoreboard(view)

    assert json.loads(json.dumps(data, allow_nan=False)) == data


def test_the_data_say_what_the_tables_say(view: RunView) -> None:
    data = plain_scoreboard(view)
    oracle, moonbeam, halyard, noop = data["models"]

    assert [m["model"] for m in data["models"]] == [
        "oracle",
        "moonbeam-2",
        "halyard-4-fast",
        "noop",
    ]
    assert oracle["scripted"]
    assert not moonbeam["scripted"]
    assert moonbeam["pass_1"]["left_out"]["value"] == pytest.approx(18 / 27)
    assert moonbeam["single_prompt"]["hits"] == 6
    assert set(moonbeam["pass_at"]) == {"1", "2", "3"}
    assert halyard["measures"]["cost"]["counted"]["known_part"] is None
    assert noop["measures"]["cost"]["counted"]["value"] == 0
    assert noop["measures"]["cost"]["per_solved"] is None
    assert len(data["cells"]) == 36
    assert data["run"]["conditions"]["engine"] == "docker 20.10.24"
