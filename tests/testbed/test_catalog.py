"""Model cards are strict, and say which file and key is wrong."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from testbed.catalog import find_card, shipped_cards
from testbed.errors import CardError

if TYPE_CHECKING:
    from pathlib import Path

CARD = """
schema_version = 1
id = "mine/model"
title = "Mine"
provider = "mine"
model = "mine-1"
base_url = "http://127.0.0.1:9/v1"
"""


def test_every_shipped_card_loads_and_no_player_bears_a_models_name() -> None:
    cards = shipped_cards()

    assert {"scripted/oracle", "scripted/noop", "scripted/sloppy"} <= {c.id for c in cards}
    assert all(card.scripted == card.id.startswith("scripted/") for card in cards)
    assert all("(scripted)" in card.title for card in cards if card.scripted)


def test_a_users_own_card_is_found_by_path(tmp_path: Path) -> None:
    path = tmp_path / "mine.toml"
    path.write_text(CARD)

    assert find_card(str(path)).model == "mine-1"


def test_an_unknown_model_names_the_known_ones() -> None:
    with pytest.raises(CardError, match=r"no model card `gpt-9`.*openai/gpt-4.1"):
        find_card("gpt-9")


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("schema_version = 1\nid = ", "not TOML"),
        (CARD + "colour = 1\n", "`colour`"),
        (CARD.replace('"http:', '"ftp:'), "`base_url`"),
        (CARD.replace("schema_version = 1", "schema_version = 2"), "`schema_version`"),
        (CARD.replace('model = "mine-1"', ""), "a model needs `base_url` and `model`"),
        (CARD.replace("mine/model", "scripted/model"), "begin with `scripted/`"),
        (CARD.replace("mine/model", "../model"), "`id`"),
        (CARD + "[[prices]]\ninput = -1\n", "`prices.0.input`"),
    ],
)
def test_a_wrong_card_names_file_and_key(tmp_path: Path, text: str, complaint: str) -> None:
    path = tmp_path / "wrong.toml"
    path.write_text(text)

    with pytest.raises(CardError) as caught:
        find_card(str(path))

    assert str(path) in str(caught.value)
    assert complaint in str(caught.value)
    assert caught.value.exit_code == 2


def test_a_changed_price_changes_the_cards_digest() -> None:
    card = find_card("openai/gpt-4.1")
    dearer = card.model_copy(update={"prices": (card.prices[0].model_copy(update={"input": 3.0}),)})

    assert card.digest() != dearer.digest()
