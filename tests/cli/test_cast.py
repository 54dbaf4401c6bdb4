"""`testbed demo --cast`: every player, each of its figures as its script foretells."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from runner.players.cast import CAST

if TYPE_CHECKING:
    from tests.cli.conftest import Desk


@pytest.mark.bubblewrap
@pytest.mark.usefixtures("local_engine")
def test_every_figure_of_the_cast_is_as_its_script_foretells(desk: Desk) -> None:
    proved = desk.testbed("demo", "--cast", "--engine", "local", "-j", "8", "--json")

    rows: list[dict[str, Any]] = json.loads(proved.stdout)
    assert [row for row in rows if not row["equal"]] == []
    assert {row["player"] for row in rows} == {player.model for player in CAST.values()}
    assert proved.returncode == 0, proved.stderr
    assert f"{len(rows)} of {len(rows)} figures are as expected" in proved.stderr
