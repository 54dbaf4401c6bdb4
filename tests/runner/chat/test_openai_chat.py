from __future__ import annotations

import asyncio
import json
from typing import TYPE_CHECKING, Any

import pytest

from runner.chat.openai import Connection, OpenAIChat, probe
from runner.chat.quirks import ApiQuirks, ModelEndpoint
from testbed.errors import EndpointError
from testbed.records import Usage

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.runner.chat.conftest import EndpointOf, Talker

KEY = "sk-a-secret-key-0123"
GO = [{"role": "user", "content": "go"}]
TOOLS = [{"type": "function", "function": {"name": "f", "parameters": {"type": "object"}}}]
Answer = dict[str, Any]
"""The fields of a scripted answer."""


def sse(*chunks: object, done: bool = True) -> bytes:
    lines = [f"data: {json.dumps(chunk)}\n\n" for chunk in chunks]
    return "".join([*lines, "data: [DONE]\n\n" if done else ""]).encode()


def delta(finish: str | None = None, **fields: object) -> dict[str, Any]:
    return {"model": "m-1", "choices": [{"index": 0, "delta": fields, "finish_reason": finish}]}


USAGE = {"prompt_tokens": 10, "completion_tokens": 2, "total_tokens": 12}
GOOD = sse(delta(content="hi"), delta("stop"), {"choices": [], "usage": USAGE})
FINE = Answer(pieces=[GOOD])
HALF = sse(delta(content="half"), done=False)


async def test_a_reply_is_timed_recorded_and_priced(talk: Talker) -> None:
    done = await talk(
        Answer(
            headers={"x-request-id": "r-1"},
            pieces=[b": keep-alive\n\n", 0.02, GOOD[:30], GOOD[30:-20], 0.02, GOOD[-20:]],
        )
    )

    assert done.reply is not None
    (exchange,) = done.reply.exchanges
    assert done.reply.text == "hi"
    assert exchange.error is None
    assert (exchange.turn, exchange.attempt, exchange.status) == (4, 1, 200)
    assert exchange.usage == Usage(fresh_input=10, output=2)
    assert exchange.cost_usd == 0.02
    assert (exchange.served_model, exchange.finish_reason) == ("m-1", "stop")
    assert exchange.request_id == "r-1"
    moments = [exchange.first_byte_s, exchange.first_token_s, exchange.last_byte_s]
    assert moments == sorted(moments, key=lambda moment: moment or 0)
    assert exchange.first_token_s
    assert exchange.last_byte_s
    assert exchange.last_byte_s - exchange.first_token_s > 0.01
    assert done.recorded == [(exchange, done.server.requests[0], b": keep-alive\n\n" + GOOD)]


async def test_the_body_sent_is_the_body_recorded_with_every_quirk_applied(talk: Talker) -> None:
    quirks = ApiQuirks(
        drop=("temperature",),
        rename={"max_tokens": "max_completion_tokens"},
        extra_body={"enable_thinking": True},
    )

    done = await talk(FINE, temperature=0.3, max_output_tokens=77, quirks=quirks)

    (body,) = done.server.requests
    assert body == done.recorded[0][1]
    assert body == {
        "model": "m",
        "messages": GO,
        "tools": TOOLS,
        "stream": True,
        "stream_options": {"include_usage": True},
        "max_completion_tokens": 77,
        "enable_thinking": True,
    }
    assert done.exchanges[0].dropped_params == ("temperature",)


async def test_settings_of_one_provider_in_the_environment_do_not_reach_another(
    monkeypatch: pytest.MonkeyPatch, talk: Talker
) -> None:
    monkeypatch.setenv("OPENAI_ORG_ID", "org-1")
    monkeypatch.setenv("OPENAI_PROJECT_ID", "proj-1")
    monkeypatch.setenv(
        "OPENAI_CUSTOM_HEADERS", "X-Gateway: gateway-1\nAuthorization: Bearer sk-of-somebody"
    )
    monkeypatch.setenv("OPENAI_API_KEY", "sk-of-somebody-else")

    (head,) = (await talk(FINE)).server.headers

    assert not [word for word in ("org-1", "proj-1", "gateway-1", "somebody") if word in head]
    assert f"Bearer {KEY}" in head


REFUSAL = b'{"error": {"message": "slow down", "code": "rate_limit_exceeded"}}'

RETRIED: dict[str, tuple[Answer, str, float]] = {
    "429 with retry-after": (
        Answer(status=429, headers={"retry-after": "7"}, pieces=[REFUSAL]),
        "rate_limit",
        7.0,
    ),
    "429 with retry-after-ms": (
        Answer(status=429, headers={"retry-after-ms": "250"}, pieces=[REFUSAL]),
        "rate_limit",
        0.25,
    ),
    "429 that says so in words": (
        Answer(status=429, pieces=[b'{"error": {"message": "try again in 5.289s"}}']),
        "rate_limit",
        5.289,
    ),
    "503": (Answer(status=503, pieces=[b"<html>busy</html>"]), "overloaded", 0.5),
    "500 without a body": (Answer(status=500, pieces=[b" "]), "server", 0.5),
    "connection dropped before the headers": (Answer(pieces=[], cut=True), "connection", 0.5),
    "connection dropped after the headers": (Answer(pieces=[b": hi\n\n"], cut=True), "stream", 0.5),
    "connection dropped mid-stream": (Answer(pieces=[HALF], cut=True), "stream", 0.5),
    "clean end without finish_reason": (Answer(pieces=[HALF]), "truncated_stream", 0.5),
    "error inside the stream": (
        Answer(pieces=[HALF + sse({"error": {"message": "boom"}})]),
        "stream",
        0.5,
    ),
    "overload inside the stream": (
        Answer(pieces=[HALF + sse({"error": {"type": "engine_overloaded_error"}})]),
        "overloaded",
        0.5,
    ),
    "overload inside the stream, then a cut": (
        Answer(pieces=[HALF + sse({"error": {"type": "engine_overloaded_error"}})], cut=True),
        "overloaded",
        0.5,
    ),
    "empty data that is no json": (Answer(pieces=[b"data: {\n\n"]), "stream", 0.5),
    "nothing at all": (Answer(pieces=[b": nothing\n\n"]), "empty_stream", 0.5),
    "an error as 200 json": (
        Answer(headers={"content-type": "application/json"}, pieces=[REFUSAL]),
        "rate_limit",
        0.5,
    ),
    "a chunk that no reader could foresee": (
        Answer(pieces=[b'data: {"choices": 5}\n\n']),
        "stream",
        0.5,
    ),
}


@pytest.mark.parametrize("case", RETRIED)
async def test_what_may_get_better_is_tried_again_and_every_attempt_is_on_record(
    case: str, talk: Talker
) -> None:
    bad, kind, wait = RETRIED[case]

    done = await talk(bad, FINE)

    assert done.reply is not None
    assert done.reply.text == "hi"
    assert [exchange.error for exchange in done.exchanges] == [kind, None]
    assert [exchange.attempt for exchange in done.exchanges] == [1, 2]
    assert done.slept == pytest.approx([wait])
    assert [exchange.waited_s for exchange in done.exchanges] == pytest.approx([wait, 0.0])
    assert [exchange for exchange, _, _ in done.recorded] == list(done.exchanges)
    raw = b"".join(piece for piece in bad["pieces"] if isinstance(piece, bytes))
    assert done.recorded[0][2] == raw


def refusing(status: int, error: object) -> Answer:
    return Answer(status=status, pieces=[json.dumps({"error": error}).encode()])


STOPPED: dict[str, tuple[Answer, str, bool]] = {
    "quota": (refusing(429, {"code": "insufficient_quota"}), "quota", False),
    "auth": (refusing(401, "no"), "auth", False),
    "our fault": (refusing(400, "unsupported"), "bad_request", False),
    "context": (refusing(400, {"type": "exceed_context_size_error"}), "context_length", True),
    "filter": (refusing(400, {"type": "content_filter"}), "content_filter", True),
    "rejected call": (refusing(400, {"code": "tool_use_failed"}), "tool_use_failed", True),
    "rejected call as 200": (
        Answer(pieces=[b'event: error\ndata: {"error": {"code": "tool_use_failed"}}\n\n']),
        "tool_use_failed",
        True,
    ),
}


@pytest.mark.parametrize("case", STOPPED)
async def test_what_will_not_get_better_stops_at_once_and_says_whose_fault_it_is(
    case: str, talk: Talker
) -> None:
    bad, kind, model_fault = STOPPED[case]

    done = await talk(bad, FINE)

    assert done.failure is not None
    assert (done.failure.kind, done.failure.model_fault) == (kind, model_fault)
    assert len(done.server.requests) == 1
    assert done.slept == []


async def test_attempts_are_bounded_and_all_of_them_reported(talk: Talker) -> None:
    done = await talk(Answer(status=500, pieces=[b"no"]))

    assert done.failure is not None
    assert [exchange.error for exchange in done.exchanges] == ["server"] * 3
    assert done.slept == pytest.approx([0.5, 1.0])


async def test_a_limit_that_tells_no_wait_is_tried_until_the_waits_are_used_up(
    talk: Talker,
) -> None:
    done = await talk(Answer(status=429, pieces=[REFUSAL]))

    assert done.failure is not None
    assert done.slept == pytest.approx([0.5, 1, 2, 4, 8, 16])


async def test_a_wait_beyond_the_budget_is_not_begun(talk: Talker) -> None:
    done = await talk(Answer(status=429, headers={"retry-after": "3600"}, pieces=[REFUSAL]))

    assert done.failure is not None
    assert done.slept == []
    assert "retry-after=3600" in done.failure.detail


async def test_partial_output_is_paid_for_and_stays_with_its_own_attempt(talk: Talker) -> None:
    half = sse({**delta(content="half"), "usage": USAGE}, done=False)

    done = await talk(Answer(pieces=[half], cut=True), FINE)

    assert [exchange.cost_usd for exchange in done.exchanges] == [0.02, 0.02]
    assert done.exchanges[0].first_token_s is not None


@pytest.mark.parametrize(
    ("answer", "kind"),
    [
        (Answer(pieces=[30.0]), "stream"),
        (Answer(pieces=[HALF, 30.0]), "stream"),
        (Answer(pieces=[b": wait\n\n", 0.15] * 9), "timeout"),
    ],
)
async def test_silence_and_endless_keep_alives_both_end(
    answer: Answer, kind: str, talk: Talker
) -> None:
    done = await talk(answer, FINE, idle_s=0.3, deadline_s=0.6)

    assert [exchange.error for exchange in done.exchanges] == [kind, None]


async def test_a_reply_that_runs_on_beyond_the_deadline_is_the_models_and_not_tried_again(
    talk: Talker,
) -> None:
    done = await talk(Answer(pieces=[HALF, 0.1] * 20), FINE, idle_s=0.3, deadline_s=0.6)

    assert done.failure is not None
    assert (done.failure.kind, done.failure.model_fault) == ("endless_stream", True)
    assert len(done.server.requests) == 1
    assert done.exchanges[0].first_token_s is not None


@pytest.mark.parametrize(
    "pieces",
    [
        [HALF, 0.05, *[b": wait\n\n", 0.1] * 12],
        [*[b": wait\n\n", 0.1] * 4, *[HALF, 0.1] * 8],
        [sse(delta("stop", content="done"), done=False), *[b": wait\n\n", 0.1] * 12],
    ],
    ids=["words long ago", "words after a long queue", "a finish reason"],
)
async def test_a_server_that_keeps_a_reply_waiting_does_not_make_it_run_on(
    pieces: list[bytes | float], talk: Talker
) -> None:
    done = await talk(Answer(pieces=pieces), FINE, idle_s=0.3, deadline_s=0.6)

    assert [exchange.error for exchange in done.exchanges] == ["timeout", None]


async def test_an_endpoint_that_nobody_serves_is_a_connection_fault(
    endpoint_of: EndpointOf,
) -> None:
    async with endpoint_of(FINE) as server:
        url = server.url
    async with Connection(ModelEndpoint(base_url=url, api_key="none", model="m")) as connection:
        wire = await connection.send({"messages": []})

    assert wire.fault is not None
    assert wire.fault.kind == "connection"


async def test_a_server_that_holds_the_connection_after_the_end_costs_no_reply(
    talk: Talker,
) -> None:
    async with asyncio.timeout(15):
        patient = await talk(Answer(pieces=[GOOD, 30.0]))
        hasty = await talk(Answer(pieces=[GOOD, 30.0]), idle_s=0.2)

    assert [one.error for one in (*patient.exchanges, *hasty.exchanges)] == [None, None]


@pytest.mark.parametrize("at", [20, 5])
async def test_a_key_that_is_echoed_appears_nowhere(
    at: int, capfd: pytest.CaptureFixture[str], talk: Talker
) -> None:
    echo = f'{{"error": {{"message": "bad key {KEY}"}}}}'.encode()
    cut = len(echo) - at

    done = await talk(Answer(status=401, pieces=[echo[:cut], echo[cut:]]))
    streamed = await talk(Answer(pieces=[sse({"error": KEY})[:20], sse({"error": KEY})[20:]]))

    kept = repr([done.failure, done.recorded, streamed.failure, streamed.recorded])
    assert "[key]" in kept
    assert KEY not in kept
    assert KEY not in "".join(capfd.readouterr())


async def test_a_placeholder_for_a_missing_key_is_no_secret(talk: Talker) -> None:
    done = await talk(FINE, key="hi")

    assert done.reply is not None
    assert done.reply.text == "hi"


async def test_without_usage_there_is_no_cost_and_a_flag_tells_of_sums_that_do_not_fit(
    talk: Talker,
) -> None:
    silent = await talk(Answer(pieces=[sse(delta("stop", content="hi"))]))
    odd = await talk(
        Answer(pieces=[sse({**delta("stop"), "usage": {**USAGE, "total_tokens": 99}})])
    )

    assert (silent.exchanges[0].usage, silent.exchanges[0].cost_usd) == (None, None)
    assert odd.exchanges[0].usage == Usage(fresh_input=10)
    assert odd.exchanges[0].cost_usd is None
    assert odd.exchanges[0].error is None
    assert "does not add up" in (odd.exchanges[0].error_detail or "")


async def test_a_call_cut_at_the_output_limit_is_truncated_though_the_reason_denies_it(
    talk: Talker,
) -> None:
    cut = {"index": 0, "id": "x", "function": {"name": "f", "arguments": '{"a'}}
    body = sse(delta("tool_calls", tool_calls=[cut]), {"choices": [], "usage": USAGE})

    done = await talk(Answer(pieces=[body]), max_output_tokens=2)

    assert done.reply is not None
    assert [call.flaw for call in done.reply.calls] == ["truncated_call"]


async def test_one_connection_serves_many_conversations_at_once(endpoint_of: EndpointOf) -> None:
    def chat(connection: Connection, note: Callable[..., None]) -> OpenAIChat:
        return OpenAIChat(connection, recorder=note, price=lambda *_: None)

    seen: list[int] = []
    async with endpoint_of(Answer(pieces=[GOOD[:40], 0.05, GOOD[40:]])) as server:
        endpoint = ModelEndpoint(base_url=server.url, api_key=KEY, model="m")
        async with Connection(endpoint) as connection:
            chats = [chat(connection, lambda one, *_: seen.append(one.turn)) for _ in range(8)]
            replies = await asyncio.gather(
                *(one.complete(GO, TOOLS, turn=turn) for turn, one in enumerate(chats))
            )

    assert [reply.text for reply in replies] == ["hi"] * 8
    assert sorted(seen) == list(range(8))


@pytest.mark.parametrize(
    "answer",
    [
        Answer(pieces=[b'{"data": [{"id": "m"}]}']),
        Answer(pieces=[b"[]"]),
        refusing(404, "no such route"),
        refusing(429, "slow down"),
    ],
)
async def test_an_endpoint_that_answers_passes_its_probe(
    answer: Answer, endpoint_of: EndpointOf
) -> None:
    async with endpoint_of(answer) as server:
        await probe(ModelEndpoint(base_url=server.url, api_key=KEY, model="m"), name="a/b")

    assert "GET /v1/models" in server.headers[0]
    assert len(server.headers) == 1


async def test_a_probe_tells_a_wrong_key_from_a_wrong_address_and_shows_neither_key(
    endpoint_of: EndpointOf,
) -> None:
    async with endpoint_of(refusing(401, f"bad key {KEY}")) as server:
        endpoint = ModelEndpoint(base_url=server.url, api_key=KEY, model="m")
        with pytest.raises(EndpointError, match=r"a/b: .* auth: bad key \[key\]\. Check the key"):
            await probe(endpoint, name="a/b")

    with pytest.raises(EndpointError, match=r"connection: .*\. Check `base_url`"):
        await probe(endpoint, name="a/b")
