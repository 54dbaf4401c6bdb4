"""Every quirk of a provider that is known, played over real HTTP as it would be recorded.

The quirks are data: `quirks/*.toml` holds the streams and what is to come of them, and
`docs/providers.md` repeats their words.
"""

from __future__ import annotations

import tomllib
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from runner.chat.quirks import ApiQuirks
from testbed.records import Usage

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.runner.chat.conftest import Talk, Talker

DOCS = Path(__file__).parents[3] / "docs" / "providers.md"
CHAPTERS = ("usage", "reasoning", "calls", "finish", "leaks", "errors")
BOOKS = {
    name: tomllib.loads((Path(__file__).parent / "quirks" / f"{name}.toml").read_text("utf-8"))
    for name in CHAPTERS
}
QUIRKS: dict[str, dict[str, Any]] = {
    quirk["id"]: quirk for book in BOOKS.values() for quirk in book["quirk"]
}
FINE = (
    b'data: {"model":"m","choices":[{"index":0,"delta":{"content":"fine"},'
    b'"finish_reason":"stop"}]}\n\ndata: [DONE]\n\n'
)


def answer(quirk: dict[str, Any]) -> dict[str, Any]:
    pieces = [
        piece if isinstance(piece, float) else f"{piece}\n\n".encode()
        for piece in quirk.get("pieces", ())
    ] or [quirk["body"].encode()]
    soon = format_datetime(datetime.now(UTC) + timedelta(seconds=20), usegmt=True)
    headers = {
        name: value.replace("{in 20 seconds}", soon)
        for name, value in quirk.get("headers", {}).items()
    }
    status, cut = quirk.get("status", 200), quirk.get("cut", False)
    return {"status": status, "headers": headers, "pieces": pieces, "cut": cut}


def calls(talk: Talk) -> list[dict[str, Any]]:
    """List the calls that go back with the history."""
    assert talk.reply is not None
    kept: list[dict[str, Any]] = talk.reply.message.get("tool_calls", [])
    return kept


def text_of(talk: Talk) -> str:
    assert talk.reply is not None
    return talk.reply.text


def emitted(talk: Talk) -> list[list[str]]:
    assert talk.reply is not None
    return [[one.name, one.raw_arguments, one.flaw or ""] for one in talk.reply.calls]


def cost_of(talk: Talk) -> float | str:
    cost = talk.exchanges[0].cost_usd
    return "unknown" if cost is None else round(cost, 6)


def sent_ids(talk: Talk) -> list[str]:
    messages = talk.server.requests[0]["messages"]
    made = [[call["id"] for call in message.get("tool_calls", ())] for message in messages]
    return [
        name
        for message, ids in zip(messages, made, strict=True)
        for name in (*ids, *filter(None, [message.get("tool_call_id")]))
    ]


def thought_first(talk: Talk) -> bool:
    one = talk.exchanges[0]
    return bool(one.first_token_s and one.first_output_s and one.first_token_s < one.first_output_s)


SEEN: dict[str, Callable[[Talk], object]] = {
    "text": text_of,
    "reasoning": lambda talk: (talk.reply and talk.reply.reasoning) or "",
    "finish_reason": lambda talk: talk.reply and talk.reply.finish_reason,
    "calls": emitted,
    "call_ids": lambda talk: [call["id"] for call in calls(talk)],
    "history_arguments": lambda talk: [call["function"]["arguments"] for call in calls(talk)],
    "extra": lambda talk: calls(talk)[0].get("extra_content"),
    "sent_ids": sent_ids,
    "thought_first": thought_first,
    "one_token": lambda talk: talk.exchanges[0].first_token_s == talk.exchanges[0].last_token_s,
    "cost_usd": cost_of,
    "served_model": lambda talk: talk.exchanges[0].served_model,
    "errors": lambda talk: [one.error or "" for one in talk.exchanges],
    "model_fault": lambda talk: talk.failure and talk.failure.model_fault,
}
"""What can be expected of a quirk -> how it is seen."""


def check(talk: Talk, expected: dict[str, Any]) -> None:
    first = talk.exchanges[0]
    for name in expected.keys() & SEEN.keys():
        assert SEEN[name](talk) == expected[name], name
    if "usage" in expected:
        assert first.usage == (Usage(**expected["usage"]) if expected["usage"] else None)
    if "slept" in expected:
        assert talk.slept == pytest.approx(expected["slept"], abs=2 if talk.slept[0] > 10 else 1e-6)
    if "detail" in expected:
        assert expected["detail"] in (first.error_detail or "")
    if "replayed" in expected:
        assert talk.reply is not None
        assert expected["replayed"].items() <= talk.reply.message.items()


@pytest.mark.parametrize("quirk", QUIRKS.values(), ids=QUIRKS.keys())
async def test_a_known_quirk_is_handled_as_its_table_says(
    quirk: dict[str, Any], talk: Talker
) -> None:
    asked = {"messages": quirk["messages"]} if "messages" in quirk else {}
    quirks = ApiQuirks(**quirk.get("card", {}))
    endpoint = quirk.get("endpoint", {})

    done = await talk(answer(quirk), {"pieces": [FINE]}, quirks=quirks, **endpoint, **asked)

    known = SEEN.keys() | {"usage", "slept", "detail", "replayed"}
    assert quirk["expect"].keys() <= known
    check(done, quirk["expect"])


def chapter(name: str) -> str:
    """Write one chapter's table as the documentation has it."""
    rows = [
        f"| {quirk['what']} | {quirk['who']} | {quirk['handled']} | `{quirk['id']}` |"
        for quirk in BOOKS[name]["quirk"]
    ]
    head = ["| what | who | what the testbed does | test |", "| --- | --- | --- | --- |"]
    return "\n".join([f"### {BOOKS[name]['title']}", "", *head, *rows])


@pytest.mark.parametrize("name", CHAPTERS)
def test_the_documentation_lists_every_quirk_that_is_tested_and_no_other(name: str) -> None:
    said = DOCS.read_text("utf-8")

    assert chapter(name) in said
    listed = [line for line in said.splitlines() if line.startswith("| ") and line.endswith("` |")]
    assert len(listed) == len(QUIRKS)
