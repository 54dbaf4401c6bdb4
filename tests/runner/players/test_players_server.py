from __future__ import annotations

import asyncio
import json
from typing import TYPE_CHECKING, Any

import openai
import pytest

from runner.players.cast import CAST
from runner.players.http1 import MAX_BODY, MAX_HEAD
from runner.players.player import (
    Answer,
    Bill,
    Call,
    Pace,
    Performance,
    Player,
    Rejection,
    call,
    recite,
    script,
)
from runner.players.server import PlayerServer, serve_players
from testbed.tree import File

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable

    from openai.types.chat import ChatCompletion

NOTHING = Performance(seeded={}, reference={}, test_command="true")
USER: Any = {"role": "user", "content": "hello"}
BUSY = Answer(
    text="I look at two things — ünïcode included.",
    calls=(call("read_file", path="lib/ä.ts"), Call("search", '{"pattern": "brok')),
)
READ_TOOL = {"type": "function", "function": {"name": "read_file", "parameters": {}}}


@pytest.fixture
async def server() -> AsyncIterator[PlayerServer]:
    async with serve_players() as running:
        yield running


@pytest.fixture
async def client() -> AsyncIterator[openai.AsyncOpenAI]:
    async with openai.AsyncOpenAI(api_key="none", base_url="http://unset", max_retries=0) as made:
        yield made


async def streamed(
    client: openai.AsyncOpenAI, base_url: str, messages: list[Any], **options: object
) -> list[Any]:
    create: Any = client.with_options(base_url=base_url).chat.completions.create
    stream = await create(model="any", messages=messages, stream=True, **options)
    return [piece async for piece in stream]


async def whole(client: openai.AsyncOpenAI, base_url: str, messages: list[Any]) -> ChatCompletion:
    create = client.with_options(base_url=base_url).chat.completions.create
    return await create(model="any", messages=messages)


def assembled(pieces: list[Any]) -> dict[str, Any]:
    """Put a streamed assistant message together again."""
    text, calls = "", dict[int, dict[str, Any]]()
    for piece in pieces:
        for choice in piece.choices:
            text += choice.delta.content or ""
            for delta in choice.delta.tool_calls or []:
                made = calls.setdefault(delta.index, {"type": "function", "function": {}})
                made["id"] = delta.id or made["id"]
                for key in ("name", "arguments"):
                    part = getattr(delta.function, key) or ""
                    made["function"][key] = made["function"].get(key, "") + part
    message: dict[str, Any] = {"role": "assistant", "content": text}
    return {**message, "tool_calls": list(calls.values())} if calls else message


def results(message: dict[str, Any]) -> list[dict[str, Any]]:
    return [
        {"role": "tool", "tool_call_id": made["id"], "content": "done"}
        for made in message.get("tool_calls", [])
    ]


async def ask(server: PlayerServer, raw: bytes) -> tuple[int, Any, bool]:
    """Send raw bytes; return the status, the JSON body, and whether the server hung up."""
    reader, writer = await asyncio.open_connection("127.0.0.1", server.port)
    writer.write(raw)
    await writer.drain()
    head, body = await answer_of(reader)
    closed = "Connection: close" in head
    if closed:
        assert await reader.read() == b""
    writer.close()
    await writer.wait_closed()
    return status_of(head), body, closed


async def answer_of(reader: asyncio.StreamReader) -> tuple[str, Any]:
    head = (await reader.readuntil(b"\r\n\r\n")).decode()
    length = int(head.split("Content-Length: ")[1].split("\r\n")[0])
    return head, json.loads(await reader.readexactly(length))


def status_of(head: str) -> int:
    return int(head.split(" ")[1])


def post(base_url: str, body: object) -> bytes:
    data = body if isinstance(body, bytes) else json.dumps(body).encode()
    path = "/" + base_url.split("/", 3)[3] + "/chat/completions"
    return f"POST {path} HTTP/1.1\r\nContent-Length: {len(data)}\r\n\r\n".encode() + data


async def test_a_streamed_answer_comes_in_deltas_with_its_usage_at_the_end(
    server: PlayerServer, client: openai.AsyncOpenAI
) -> None:
    base_url = server.stage(script(BUSY), NOTHING)
    pieces = await streamed(
        client, base_url, [USER], stream_options={"include_usage": True}, tools=[READ_TOOL]
    )

    assert pieces[0].choices[0].delta.role == "assistant"
    assert assembled(pieces) == {
        "role": "assistant",
        "content": BUSY.text,
        "tool_calls": [
            {
                "id": f"call_0_{index}",
                "type": "function",
                "function": {"name": made.name, "arguments": made.arguments},
            }
            for index, made in enumerate(BUSY.calls)
        ],
    }
    deltas = [choice.delta for piece in pieces for choice in piece.choices]
    parts = [made.index for delta in deltas for made in delta.tool_calls or ()]
    assert parts == [0] * 5 + [1] * 5
    assert [piece.choices[0].finish_reason for piece in pieces[:-1] if piece.choices][-1] == (
        "tool_calls"
    )
    assert pieces[-1].choices == []
    assert all(piece.usage is None for piece in pieces[:-1])
    assert {piece.model for piece in pieces} == {"scripted/script"}
    assert len({piece.id for piece in pieces}) == 1


async def test_usage_counts_four_characters_as_a_token_rounded_up(
    server: PlayerServer, client: openai.AsyncOpenAI
) -> None:
    answer = Answer(text="x" * 9, calls=(Call("abc", "{}"),))
    base_url = server.stage(script(answer), NOTHING)
    usage = (await whole(client, base_url, [USER])).usage
    assert usage
    keys_and_values = len("role" + "user" + "content" + "hello")
    assert usage.prompt_tokens == -(-keys_and_values // 4)
    assert usage.completion_tokens == 4
    assert usage.total_tokens == usage.prompt_tokens + 4
    details = usage.to_dict()
    assert details["prompt_tokens_details"] == {"cached_tokens": 0}
    assert details["completion_tokens_details"] == {"reasoning_tokens": 0}


async def test_a_stream_without_the_option_reports_no_usage(
    server: PlayerServer, client: openai.AsyncOpenAI
) -> None:
    base_url = server.stage(script(Answer(text="hello")), NOTHING)
    pieces = await streamed(client, base_url, [USER])
    assert all(piece.usage is None for piece in pieces)
    assert pieces[-1].choices[0].finish_reason == "stop"


async def test_an_answer_is_the_same_whole_and_streamed(
    server: PlayerServer, client: openai.AsyncOpenAI
) -> None:
    base_url = server.stage(script(BUSY), NOTHING)
    pieces = await streamed(client, base_url, [USER], stream_options={"include_usage": True})
    completion = await whole(client, base_url, [USER])
    assert completion.choices[0].message.to_dict() == assembled(pieces)
    assert completion.choices[0].finish_reason == "tool_calls"
    assert completion.usage == pieces[-1].usage
    assert completion.model == "scripted/script"
    assert completion.id != pieces[0].id


async def test_events_sent_one_by_one_make_the_same_answer(
    server: PlayerServer, client: openai.AsyncOpenAI
) -> None:
    base_url = server.stage(script(BUSY), NOTHING, think_s=0.001, chunk_s=0.001)
    together = server.stage(script(BUSY), NOTHING)
    apart = assembled(await streamed(client, base_url, [USER]))
    assert apart == assembled(await streamed(client, together, [USER]))


async def test_each_url_reaches_its_own_player_and_names_it(
    server: PlayerServer, client: openai.AsyncOpenAI
) -> None:
    first = server.stage(CAST["oracle"], NOTHING)
    second = server.stage(CAST["noop"], NOTHING)
    for base_url, name in ((first, "scripted/oracle"), (second, "scripted/noop")):
        page = await client.with_options(base_url=base_url).models.list()
        assert [model.id for model in page.data] == [name]
        assert (await whole(client, base_url, [USER])).model == name


async def test_a_resumed_conversation_continues_where_it_was(
    server: PlayerServer, client: openai.AsyncOpenAI
) -> None:
    player = script(*(Answer(text=f"turn {number}") for number in range(3)))
    history = [USER, {"role": "assistant", "content": "turn 0"}, USER]
    for _ in range(2):
        base_url = server.stage(player, NOTHING)
        completion = await whole(client, base_url, history)
        assert completion.choices[0].message.content == "turn 1"


async def test_128_conversations_at_once_each_reach_their_own_reference(
    server: PlayerServer, client: openai.AsyncOpenAI, open_workspace: Callable[..., Any]
) -> None:
    async def converse(number: int) -> None:
        seeded = {"a.ts": File(b"one\ntwo\n")}
        reference = {"a.ts": File(f"one\n{number}\n".encode())}
        performance = Performance(seeded=seeded, reference=reference, test_command="true")
        base_url = server.stage(CAST["oracle"], performance)
        workspace, messages = open_workspace(seeded), [USER]
        while not workspace.finished:
            message = assembled(await streamed(client, base_url, messages))
            for made in message["tool_calls"]:
                workspace.act(Call(made["function"]["name"], made["function"]["arguments"]))
            messages += [message, *results(message)]
        assert workspace.files == reference
        server.leave(base_url)

    await asyncio.gather(*(converse(number) for number in range(128)))


async def test_an_unknown_url_and_one_that_was_left_are_not_found(
    server: PlayerServer, client: openai.AsyncOpenAI
) -> None:
    base_url = server.stage(CAST["noop"], NOTHING)
    server.leave(base_url)
    server.leave(base_url)
    for url in (base_url, f"http://127.0.0.1:{server.port}/guessed/v1"):
        with pytest.raises(openai.NotFoundError) as caught:
            await whole(client, url, [USER])
        assert caught.value.code == "not_found"


@pytest.mark.parametrize(
    ("raw", "status"),
    [
        (b"nonsense\r\n\r\n", 400),
        (b"GET /x HTTP/1.1\r\nno colon\r\n\r\n", 400),
        (b"GET /x HTTP/1.1\r\nname : x\r\n\r\n", 400),
        (b"GET nowhere HTTP/1.1\r\n\r\n", 400),
        (b"POST /x HTTP/1.1\r\nContent-Length: -1\r\n\r\n", 400),
        (b"POST /x HTTP/1.1\r\nContent-Length: 1\r\ncontent-length: 2\r\n\r\n", 400),
        (b"POST /x HTTP/1.1\r\n\r\n", 411),
        (b"POST /x HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n", 501),
        (b"GET /x HTTP/1.0\r\n\r\n", 505),
        (b"GET /" + b"x" * MAX_HEAD + b" HTTP/1.1\r\n\r\n", 431),
        (b"POST /x HTTP/1.1\r\nContent-Length: 99999999999\r\n\r\n", 413),
    ],
)
async def test_http_that_is_malformed_is_answered_and_hung_up_on(
    server: PlayerServer, raw: bytes, status: int
) -> None:
    got, body, closed = await ask(server, raw)
    assert (got, closed) == (status, True)
    assert body["error"]["message"]


async def test_a_body_too_large_is_refused_after_it_was_sent(server: PlayerServer) -> None:
    base_url = server.stage(CAST["noop"], NOTHING)
    status, body, closed = await ask(server, post(base_url, b" " * (MAX_BODY + 1)))
    assert (status, closed) == (413, True)
    assert str(MAX_BODY) in body["error"]["message"]


def after(*calls: dict[str, Any]) -> list[dict[str, Any]]:
    return [USER, {"role": "assistant", "content": None, "tool_calls": list(calls)}]


@pytest.mark.parametrize(
    ("body", "complaint"),
    [
        (b"{", "not JSON"),
        (b"\xff", "not JSON"),
        (b"[" * 100_000, "not JSON"),
        ([], "not a JSON object"),
        ({"messages": [USER]}, "`model`"),
        ({"model": "any"}, "`messages`"),
        ({"model": "any", "messages": []}, "`messages`"),
        ({"model": "any", "messages": ["hello"]}, "`messages[0]`"),
        ({"model": "any", "messages": [USER], "stream_options": 1}, "`stream_options`"),
        ({"model": "any", "messages": after({"id": "a"})}, "`a` has no result"),
        ({"model": "any", "messages": [*after({"id": "a"}), USER]}, "`a` has no result before"),
        ({"model": "any", "messages": after({"id": []})}, "`messages[1].tool_calls`"),
        (
            {"model": "any", "messages": [{"role": "tool", "tool_call_id": "a"}]},
            "`messages[0]` answers no tool call",
        ),
    ],
)
async def test_a_request_that_is_malformed_is_refused_and_the_connection_kept(
    server: PlayerServer, body: object, complaint: str
) -> None:
    base_url = server.stage(CAST["noop"], NOTHING)
    status, error, closed = await ask(server, post(base_url, body))
    assert (status, closed) == (400, False)
    assert complaint in error["error"]["message"]


async def test_a_method_that_does_not_fit_is_refused(server: PlayerServer) -> None:
    base_url = server.stage(CAST["noop"], NOTHING)
    raw = post(base_url, {}).replace(b"/chat/completions", b"/models")
    assert (await ask(server, raw))[0] == 405


async def test_one_connection_carries_several_requests_one_after_the_other(
    server: PlayerServer,
) -> None:
    base_url = server.stage(script(Answer(text="hello")), NOTHING)
    good = post(base_url, {"model": "any", "messages": [USER]})
    reader, writer = await asyncio.open_connection("127.0.0.1", server.port)
    writer.write(good + post(base_url, b"{") + good)
    assert [status_of((await answer_of(reader))[0]) for _ in range(3)] == [200, 400, 200]
    writer.close()
    await writer.wait_closed()


async def test_a_client_that_leaves_in_the_middle_harms_nobody(
    server: PlayerServer, client: openai.AsyncOpenAI
) -> None:
    base_url = server.stage(script(BUSY), NOTHING, chunk_s=0.001)
    request = post(base_url, {"model": "any", "messages": [USER], "stream": True})
    for raw in (b"", request[:20], request[:-3], request):
        _, writer = await asyncio.open_connection("127.0.0.1", server.port)
        writer.write(raw)
        await writer.drain()
        writer.transport.abort()
    assert (await whole(client, base_url, [USER])).choices[0].message.content == BUSY.text


async def test_closing_the_server_ends_answers_in_the_making(client: openai.AsyncOpenAI) -> None:
    asked = asyncio.Event()

    def respond(_: object) -> Answer:
        asked.set()
        return BUSY

    before = asyncio.all_tasks()
    async with serve_players() as server:
        player = Player(name="slow", rehearse=lambda _: respond)
        base_url = server.stage(player, NOTHING, think_s=3600)
        waiting = asyncio.ensure_future(whole(client, base_url, [USER]))
        await asked.wait()
        quick = server.stage(script(BUSY), NOTHING)
        assert (await whole(client, quick, [USER])).choices
    with pytest.raises(openai.APIConnectionError):
        await waiting
    assert asyncio.all_tasks() == before


async def test_a_rejection_answers_the_request_that_it_names_with_its_headers(
    server: PlayerServer, client: openai.AsyncOpenAI
) -> None:
    rejection = Rejection(
        request=2, status=429, code="rate_limit", message="slower", headers=(("Retry-After", "7"),)
    )
    respond = recite([BUSY])
    player = Player(name="limited", rehearse=lambda _: respond, rejections=(rejection,))
    base_url = server.stage(player, NOTHING)
    assert (await whole(client, base_url, [USER])).choices
    with pytest.raises(openai.RateLimitError) as refused:
        await whole(client, base_url, [USER])
    assert refused.value.response.headers["Retry-After"] == "7"
    assert refused.value.response.json()["error"]["code"] == "rate_limit"
    assert (await whole(client, base_url, [USER])).choices


async def test_a_stated_bill_stands_in_place_of_what_is_counted(
    server: PlayerServer, client: openai.AsyncOpenAI
) -> None:
    bill = Bill(prompt=900, cached=300, completion=80, reasoning=30)
    base_url = server.stage(script(Answer(text="hello", bill=bill)), NOTHING)
    usage: Any = (await whole(client, base_url, [USER])).usage
    assert (usage.prompt_tokens, usage.completion_tokens, usage.total_tokens) == (900, 80, 980)
    assert usage.prompt_tokens_details.cached_tokens == 300
    assert usage.completion_tokens_details.reasoning_tokens == 30


async def test_reasoning_comes_before_the_answer_and_a_cut_is_said(
    server: PlayerServer, client: openai.AsyncOpenAI
) -> None:
    answer = Answer(reasoning="let me see", text="hello", calls=BUSY.calls, cut=True)
    pieces = await streamed(client, server.stage(script(answer), NOTHING), [USER])
    deltas = [choice.delta.to_dict() for piece in pieces for choice in piece.choices]
    thought = [delta.get("reasoning_content") for delta in deltas[1:]]
    assert "".join(filter(None, thought)) == "let me see"
    assert not any(thought[thought.index(None) :])
    assert pieces[-1].choices[0].finish_reason == "length"


async def test_text_is_cut_into_as_many_deltas_as_the_answer_says(
    server: PlayerServer, client: openai.AsyncOpenAI
) -> None:
    marker = "<|tool_calls_section_begin|>"
    answer = Answer(text=marker, deltas=len(marker))
    pieces = await streamed(client, server.stage(script(answer), NOTHING), [USER])
    texts = [choice.delta.content for piece in pieces for choice in piece.choices]
    assert list(filter(None, texts)) == list(marker)


async def test_an_answers_own_pace_holds_back_tokens_and_not_the_head(
    server: PlayerServer,
) -> None:
    answer = Answer(text="hello", pace=Pace(first_s=3600))
    base_url = server.stage(script(answer), NOTHING)
    reader, writer = await asyncio.open_connection("127.0.0.1", server.port)
    writer.write(post(base_url, {"model": "any", "messages": [USER], "stream": True}))
    assert await reader.readuntil(b"\r\n\r\n")
    assert b'"role":"assistant"' in await reader.readuntil(b"\n\n")
    writer.close()
    await writer.wait_closed()
