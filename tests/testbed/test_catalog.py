"""Model cards are strict, and say which file and key is wrong."""

from __future__ import annotations

import re
import tomllib
from datetime import UTC, date, datetime
from importlib import resources
from pathlib import Path

import pytest

from testbed.catalog import ModelCard, find_card, shipped_cards
from testbed.errors import CardError
from testbed.pricing import cost_of, price_at
from testbed.records import Usage

CARD = """
schema_version = 1
id = "mine/model"
title = "Mine"
provider = "mine"
model = "mine-1"
base_url = "http://127.0.0.1:9/v1"
"""

PRICE = """
[[prices]]
valid_from = 2026-01-01
input = 1.0
output = 2.0
source = "a test"
checked_on = 2026-01-01
"""
WEIGHTS = """
[weights]
packages = ["some-weights==1.0"]
file = "some_weights/some.gguf"
sha256 = "0000000000000000000000000000000000000000000000000000000000000000"
"""
MODELS = [card for card in shipped_cards() if not card.scripted]


def test_every_shipped_card_loads_and_no_player_bears_a_models_name() -> None:
    cards = shipped_cards()

    assert {"scripted/oracle", "scripted/noop", "scripted/sloppy"} <= {c.id for c in cards}
    assert all(card.scripted == card.id.startswith("scripted/") for card in cards)
    assert all("(scripted)" in card.title for card in cards if card.scripted)


def test_a_users_own_card_is_found_by_path(tmp_path: Path) -> None:
    path = tmp_path / "mine.toml"
    path.write_text(CARD)

    assert find_card(str(path)).model == "mine-1"


def test_an_unknown_model_names_the_nearest_ones_and_where_all_are_listed() -> None:
    with pytest.raises(CardError, match=r"`gpt-9`; the nearest: .*openai/gpt-4.*testbed models"):
        find_card("gpt-9")
    with pytest.raises(CardError, match=r"no model card `zzzz`\. Give the path"):
        find_card("zzzz")


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("schema_version = 1\nid = ", "not TOML"),
        (CARD + "colour = 1\n", "`colour`"),
        (CARD.replace('"http:', '"ftp:'), "`base_url`"),
        (CARD.replace("schema_version = 1", "schema_version = 2"), "`schema_version`"),
        (CARD.replace('model = "mine-1"', ""), "a model needs `base_url` and `model`"),
        (CARD.replace("mine/model", "scripted/model"), "begin with `scripted/`"),
        (CARD + WEIGHTS, "needs `model` and `context_window`, and has neither `base_url`"),
        (CARD + WEIGHTS.replace("==1.0", ">=1.0"), "`weights.packages.0`"),
        (CARD.replace("mine/model", "../model"), "`id`"),
        (CARD + "[[prices]]\ninput = -1\n", "`prices.0.input`"),
        (CARD + PRICE + PRICE, "two prices hold on 2026-01-01"),
        (CARD + "retired = 'soon'\n", "`retired"),
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


def test_other_weights_are_another_card() -> None:
    card = find_card("local/smollm2")
    assert card.weights is not None
    other = card.weights.model_copy(update={"sha256": "0" * 64})

    assert card.model_copy(update={"weights": other}).digest() != card.digest()


def test_words_do_not_change_the_cards_digest() -> None:
    card = find_card("openai/gpt-4.1")
    reworded = card.model_copy(update={"note": "another", "retired": True, "open_weights": None})

    assert card.digest() == reworded.digest()


def test_a_retirement_is_a_fact_or_a_day(tmp_path: Path) -> None:
    (tmp_path / "a.toml").write_text(CARD + "retired = 2026-05-15\n")
    (tmp_path / "b.toml").write_text(CARD + "retired = true\n")
    dated, known = (find_card(str(tmp_path / name)) for name in ("a.toml", "b.toml"))
    alive = find_card("xai/grok-4.3")

    days = [date(2026, 5, 14), date(2026, 5, 15)]
    assert [dated.is_retired(day) for day in days] == [False, True]
    assert [known.is_retired(day) for day in days] == [True, True]
    assert [alive.is_retired(day) for day in days] == [False, False]
    assert ModelCard.model_validate_json(dated.model_dump_json()) == dated


@pytest.mark.parametrize("card", MODELS, ids=[card.id for card in MODELS])
def test_a_shipped_card_stands_where_its_id_says_and_names_its_sources(card: ModelCard) -> None:
    name = f"{card.id.replace('/', '-')}.toml"

    assert (resources.files("testbed") / "models" / name).is_file()
    assert card.id.startswith(f"{card.provider}/")
    assert card.key_variable or card.weights or "localhost" in (card.base_url or "")
    told = card.context_window is not None or isinstance(card.retired, date)
    assert card.source or not told
    for price in card.prices:
        assert price.valid_from <= price.checked_on


@pytest.mark.parametrize(
    "model",
    [
        "moonshot/kimi-k2-0711", "moonshot/kimi-k2-0905", "moonshot/kimi-k2-thinking",
        "groq/kimi-k2", "together/kimi-k2", "fireworks/kimi-k2", "xai/grok-4",
        "openai/gpt-4", "openai/gpt-4.1", "openai/gpt-4o", "anthropic/claude-3.5-sonnet",
        "anthropic/claude-sonnet-4", "anthropic/claude-opus-4", "google/gemini-1.5-pro",
        "google/gemini-2.5-pro", "together/llama-3.1-405b", "groq/llama-4-scout",
        "groq/llama-4-maverick", "deepseek/chat", "deepseek/reasoner", "together/qwen-2.5-72b",
        "fireworks/qwen3-coder", "openrouter/kimi-k2-0905", "ollama/qwen3-coder", "vllm/local",
        "llamacpp/local", "lmstudio/local",
    ],
)  # fmt: skip
def test_every_model_of_the_comparison_and_its_neighbours_has_a_card(model: str) -> None:
    assert find_card(model).id == model


def test_k2_gets_its_own_ids_wherever_its_maker_does_not_serve_it() -> None:
    elsewhere = [card for card in MODELS if "kimi-k2" in card.id and card.provider != "moonshot"]

    assert len(elsewhere) >= 9
    assert all(card.api.rewrite_call_ids for card in elsewhere)


def test_k2_thinking_gets_its_earlier_reasoning_back_wherever_it_is_served() -> None:
    served = [card for card in MODELS if card.id.endswith("/kimi-k2-thinking")]

    assert len(served) == 3
    assert {card.api.replay_reasoning for card in served} == {"required"}


def test_a_limit_that_dashscope_calls_a_spent_quota_is_waited_out() -> None:
    assert all(card.api.quota_is_limit == (card.provider == "dashscope") for card in MODELS)


ARTICLES = datetime(2025, 8, 1, 12, tzinfo=UTC)


@pytest.mark.parametrize(
    ("model", "usage", "dollars"),
    [
        ("xai/grok-4", Usage(fresh_input=100_000, output=1_000), 0.315),
        ("xai/grok-4", Usage(fresh_input=150_000, output=0), 0.90),
        ("moonshot/kimi-k2-0711", Usage(fresh_input=100_000, output=1_000), 0.0625),
        ("moonshot/kimi-k2-0711", Usage(fresh_input=0, cache_read=100_000, output=0), 0.015),
        ("openai/gpt-4", Usage(fresh_input=1_000, output=1_000), 0.09),
        ("openai/gpt-4o", Usage(fresh_input=1_000, output=1_000), 0.0125),
        ("anthropic/claude-3.5-sonnet", Usage(fresh_input=1_000, output=1_000), 0.018),
        ("anthropic/claude-sonnet-4", Usage(fresh_input=1_000, output=1_000), 0.018),
        ("anthropic/claude-opus-4", Usage(fresh_input=1_000, output=1_000), 0.09),
        ("google/gemini-2.5-pro", Usage(fresh_input=300_000, output=1_000), 0.765),
        ("deepseek/chat", Usage(fresh_input=100_000, output=1_000), 0.0281),
    ],
)
def test_the_articles_models_cost_what_their_makers_asked_then(
    model: str, usage: Usage, dollars: float
) -> None:
    price = price_at(find_card(model).prices, ARTICLES)

    assert cost_of(usage, price) == pytest.approx(dollars)


def test_days_around_a_change_without_a_date_have_no_price() -> None:
    prices = find_card("deepseek/chat").prices

    assert price_at(prices, datetime(2025, 9, 5, 12, tzinfo=UTC)) is None
    assert price_at(prices, datetime(2025, 10, 15, tzinfo=UTC)) is None


def test_a_retired_model_costs_nothing_that_is_known_now() -> None:
    card = find_card("xai/grok-4")

    assert card.price_now(ARTICLES) is not None
    assert card.price_now(datetime(2026, 11, 22, tzinfo=UTC)) is None


def test_the_card_of_the_documentation_is_one() -> None:
    said = (Path(__file__).parents[2] / "docs" / "models.md").read_text("utf-8")
    whole, windows = re.findall(r"```toml\n(.*?)```", said, flags=re.DOTALL)

    card = ModelCard.model_validate(tomllib.loads(whole))
    timed = whole.partition("[[prices.tiers]]")[0] + windows

    assert card.prices[0].tiers
    assert ModelCard.model_validate(tomllib.loads(timed)).prices[0].windows
