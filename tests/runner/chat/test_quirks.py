from __future__ import annotations

from typing import Any

import pytest

from runner.chat.quirks import ApiQuirks, ModelEndpoint, build_request

TOOLS = [{"type": "function", "function": {"name": "f", "parameters": {}}}]
HISTORY: list[dict[str, Any]] = [
    {"role": "user", "content": "go"},
    {
        "role": "assistant",
        "content": "",
        "reasoning": "hm",
        "tool_calls": [
            {"id": "a", "type": "function", "function": {"name": "f", "arguments": "{}"}},
            {"id": "b", "type": "function", "function": {"name": "g.h", "arguments": "{}"}},
        ],
    },
    {"role": "tool", "tool_call_id": "a", "content": "1"},
    {"role": "tool", "tool_call_id": "b", "content": "2"},
    {
        "role": "assistant",
        "content": "",
        "tool_calls": [
            {"id": "a", "type": "function", "function": {"name": "f", "arguments": "{}"}},
            {"id": "c", "type": "function", "function": {"name": "f", "arguments": "{}"}},
        ],
    },
    {"role": "tool", "tool_call_id": "a", "content": "3"},
    {"role": "tool", "tool_call_id": "c", "content": "4"},
    {"role": "assistant", "content": "done", "reasoning_content": "hm"},
]


def endpoint(*, temperature: float | None = 0.0, **quirks: Any) -> ModelEndpoint:  # noqa: ANN401 (any field)
    return ModelEndpoint(
        base_url="http://127.0.0.1/v1",
        api_key="sk-secret-key",
        model="m",
        max_output_tokens=100,
        temperature=temperature,
        quirks=ApiQuirks(**quirks),
    )


def test_the_common_body_asks_for_a_stream_with_usage() -> None:
    request = build_request(endpoint(), [{"role": "user", "content": "go"}], TOOLS)

    assert request.body == {
        "model": "m",
        "messages": [{"role": "user", "content": "go"}],
        "tools": TOOLS,
        "stream": True,
        "stream_options": {"include_usage": True},
        "max_tokens": 100,
        "temperature": 0.0,
    }
    assert request.dropped == ()


@pytest.mark.parametrize(
    ("quirks", "present", "absent", "dropped"),
    [
        ({"rename": {"max_tokens": "most"}}, {"most": 100}, ["max_tokens"], ()),
        ({"drop": ("temperature", "stop")}, {"stream": True}, ["temperature"], ("temperature",)),
        ({"force": {"temperature": 1.0}}, {"temperature": 1.0}, [], ()),
        ({"extra_body": {"enable_thinking": True}}, {"enable_thinking": True}, ["extra_body"], ()),
        ({"stream_usage": False}, {"stream": True}, ["stream_options"], ()),
    ],
)  # fmt: skip
def test_each_quirk_changes_the_body_as_it_says(
    quirks: dict[str, Any], present: dict[str, Any], absent: list[str], dropped: tuple[str, ...]
) -> None:
    request = build_request(endpoint(**quirks), [], TOOLS)

    assert present.items() <= request.body.items()
    assert not set(absent) & set(request.body)
    assert request.dropped == dropped


def test_a_temperature_that_is_not_set_is_not_sent() -> None:
    assert "temperature" not in build_request(endpoint(temperature=None), [], []).body


@pytest.mark.parametrize(
    ("replay", "replayed"),
    [
        ("required", ["hm", " ", None]),
        ("forbidden", [None, None, None]),
        ("ignore", [None, None, None]),
    ],
)
def test_reasoning_goes_back_only_where_it_is_required_and_then_with_every_call(
    replay: str, replayed: list[str | None]
) -> None:
    messages = build_request(endpoint(replay_reasoning=replay), HISTORY, []).body["messages"]

    assistants = [message for message in messages if message["role"] == "assistant"]
    assert [message.get("reasoning_content") for message in assistants] == replayed
    assert not any("reasoning" in message for message in assistants)


def test_k2_ids_are_numbered_over_the_whole_conversation_even_when_ids_repeat() -> None:
    messages = build_request(endpoint(rewrite_call_ids=True), HISTORY, []).body["messages"]

    ids = [call["id"] for message in messages for call in message.get("tool_calls", ())]
    answered = [m["tool_call_id"] for m in messages if m["role"] == "tool"]
    expected = ["functions.f:0", "functions.g.h:1", "functions.f:2", "functions.f:3"]
    assert ids == answered == expected
    assert HISTORY[1]["tool_calls"][0]["id"] == "a"


def test_an_endpoint_does_not_show_its_key() -> None:
    assert "secret" not in repr(endpoint())
