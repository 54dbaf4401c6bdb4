"""What a provider tells beside its reply: headers, its own bill, and keys that it echoes."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from runner.chat.scrub import scrubbed
from runner.chat.stream import read_stream
from runner.chat.usage import reported_cost_usd
from runner.redaction import Redactor

if TYPE_CHECKING:
    from tests.runner.chat.conftest import Talker

KEY = "sk-a-secret-key-0123"


def sse(*chunks: object) -> bytes:
    return "".join(f"data: {json.dumps(chunk)}\n\n" for chunk in chunks).encode()


def delta(finish: str | None = None, **fields: object) -> dict[str, Any]:
    return {"model": "m-1", "choices": [{"index": 0, "delta": fields, "finish_reason": finish}]}


def answering(usage: object = None, **headers: str) -> dict[str, Any]:
    names = {name.replace("_", "-"): value for name, value in headers.items()}
    body = sse(delta(content="hi"), delta("stop"), {"choices": [], "usage": usage})
    return {"headers": names, "pieces": [body]}


async def test_quota_headers_and_request_ids_are_kept_and_nothing_else(talk: Talker) -> None:
    told = {
        "X_RateLimit_Remaining_Tokens": "12",
        "Anthropic_RateLimit_Requests_Limit": "50",
        "RateLimit_Reset": "3",
        "Retry_After_MS": "20",
        "X_Should_Retry": "false",
        "CF_Ray": "8a-FRA",
    }
    done = await talk(answering(**told, set_cookie="session=1", openai_organization="acme"))

    (exchange,) = done.exchanges
    assert exchange.headers == {k.replace("_", "-").lower(): v for k, v in told.items()}
    assert exchange.request_id == "8a-FRA"


async def test_headers_are_short_and_without_the_key(talk: Talker) -> None:
    done = await talk(answering(x_request_id=f"r {KEY}", retry_after="9" * 900))

    (exchange,) = done.exchanges
    assert exchange.headers["x-request-id"] == exchange.request_id == "r [key]"
    assert exchange.headers["retry-after"] == "9" * 200


async def test_a_failed_attempt_keeps_its_headers_too(talk: Talker) -> None:
    refused = {"status": 429, "headers": {"retry-after": "1"}, "pieces": [b"{}"]}

    done = await talk(refused, answering())

    assert [exchange.headers for exchange in done.exchanges] == [{"retry-after": "1"}, {}]
    assert "retry-after=1" in (done.exchanges[0].error_detail or "")


async def test_what_the_provider_says_that_it_cost_stands_beside_our_price(talk: Talker) -> None:
    usage = {"prompt_tokens": 10, "completion_tokens": 2, "total_tokens": 12, "cost": 0.0031}

    done = await talk(answering(usage))

    assert (done.exchanges[0].reported_cost_usd, done.exchanges[0].cost_usd) == (0.0031, 0.02)


@pytest.mark.parametrize(
    ("usage", "usd"),
    [
        ({"cost": 0}, 0.0),
        ({"cost_in_usd_ticks": 15_000_000}, 0.0015),
        ({"cost": {"total": 1}}, None),
        ({"cost": True}, None),
        ({"cost": -1}, None),
        ({"cost": float("nan")}, None),
        ({"cost": 10**400}, None),
        ({}, None),
        (None, None),
    ],
)
def test_only_an_amount_is_a_cost(usage: dict[str, Any] | None, usd: float | None) -> None:
    assert reported_cost_usd(usage) == usd


async def test_a_key_that_comes_letter_by_letter_is_in_no_reply_and_cannot_be_joined(
    talk: Talker,
) -> None:
    letters = [delta(content=letter) for letter in f"it is {KEY}!"]
    call = {"index": 0, "id": "c", "function": {"name": "f", "arguments": '{"a": "sk-a-'}}
    rest = {"index": 0, "function": {"arguments": 'secret-key-0123"}'}}
    calls = [delta(tool_calls=[call]), delta(tool_calls=[rest])]

    done = await talk({"pieces": [sse(*letters), sse(*calls, delta("tool_calls"))]})

    assert done.reply is not None
    assert done.reply.text == "it is [key]!"
    assert [one.raw_arguments for one in done.reply.calls] == ['{"a": "[key]"}']
    ((_, _, raw),) = done.recorded
    again = read_stream([(0.0, raw)])
    assert (again.text, again.slots[0].arguments) == ("it is [key]!", '{"a": "[key]"}')


def test_a_stream_is_written_anew_with_everything_else_as_it_was() -> None:
    first, last = sse(delta(content="a sk-a-se"), {"usage": {"n": 1}}), sse(delta("stop"))
    error = b"event: error\ndata: no json\n\n"
    pieces = [
        (0.1, b": ping\n\n" + first),
        (0.2, sse(delta(content="cret-key-0123 b"))),
        (0.3, error + last + b"data: [DONE]\n\n"),
    ]

    clean = scrubbed(pieces, Redactor.of([KEY]))

    assert b"".join(data for _, data in clean) == (
        b": ping\n\n"
        + sse(delta(content="a [key]"), {"usage": {"n": 1}}, delta(content=" b"))
        + error
        + last
        + b"data: [DONE]\n\n"
    )
    assert [at for at, _ in clean] == [0.1, 0.1, 0.1, 0.2, 0.3, 0.3, 0.3]


def test_a_key_that_json_spells_otherwise_leaves_a_whole_reply() -> None:
    body = json.dumps({"error": KEY}).replace("s", "\\u0073", 1).encode()

    assert scrubbed([(1.0, body)], Redactor.of([KEY])) == [(1.0, b'{"error": "[key]"}')]
