from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from reports.plain import plain_scoreboard

if TYPE_CHECKING:
    from testbed.view import RunView


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


def test_every_finding_is_in_the_data(rich_view: RunView) -> None:
    data = plain_scoreboard(rich_view)
    _, moonbeam, halyard = data["models"]

    assert json.loads(json.dumps(data, allow_nan=False)) == data
    assert data["run"]["follow_ups"] == 2
    assert data["run"]["notes"][0].startswith("Follow-ups: 2.")
    assert set(moonbeam["kinds"]) == {"bug", "feature", "refactor"}
    assert moonbeam["single_prompt"]["rate"] is None
    assert moonbeam["prompts"]["solved_by"]["3"]["left_out"]["value"] == pytest.approx(5 / 9)
    assert moonbeam["preflight"]["failed"] == ["tools_whole"]
    assert moonbeam["preflight"]["cost"]["known_part"] == 0.0123
    assert moonbeam["measures"]["cost"]["judges"]["value"] == pytest.approx(0.072)
    assert moonbeam["measures"]["tool_calls"]["schema"]["known"] == 174
    assert moonbeam["quality"]["measures"]["longest_function"]["reference"]["value"] == 16
    assert moonbeam["own_tests"]["proving"]["value"] == 3
    assert moonbeam["measures"]["harms"]["failed"] == {"broken_tests": 3, "broken_types": 3}
    assert set(moonbeam["raters"]) == {"human:Ada", "judge:someone/grader-1"}
    assert halyard["measures"]["served"] == {"halyard-4-fast": 5, "halyard-4-fast-0915": 3}
    assert halyard["notes"] == [
        "more than one model was served (tries): halyard-4-fast 5, halyard-4-fast-0915 3"
    ]
    assert [c["best"]["repeat"] for c in data["cells"] if c["model"] == "moonbeam-2"] == [1, 3, 2]
    assert data["agreement"]["raters"]["modularity"]["pairs"] == 9
