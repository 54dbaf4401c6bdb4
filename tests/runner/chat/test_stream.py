from __future__ import annotations

import json
from typing import Any

import pytest

from runner.chat.reply import Parts, build_parts
from runner.chat.stream import Stream, read_stream, read_whole

OFFERED = {"f", "g"}


def sse(*chunks: object, done: bool = True) -> bytes:
    lines = [f"data: {json.dumps(chunk)}\n\n" for chunk in chunks]
    return "".join([*lines, "data: [DONE]\n\n" if done else ""]).encode()


def delta(finish: str | None = None, **fields: object) -> dict[str, Any]:
    return {"model": "m-1", "choices": [{"index": 0, "delta": fields, "finish_reason": finish}]}


def call(arguments: object = None, name: object = None, **more: object) -> dict[str, Any]:
    return {**more, "function": {"name": name, "arguments": arguments}}


def calls(*deltas: dict[str, Any], finish: str = "tool_calls") -> Stream:
    chunks = [delta(tool_calls=[piece]) for piece in deltas]
    return read_stream([(0.0, sse(*chunks, delta(finish)))])


def parts(stream: Stream, *, at_limit: bool = False) -> Parts:
    return build_parts(stream, offered=OFFERED, turn=1, at_limit=at_limit)


F1, G2 = ("f", '{"a": 1}'), ("g", '{"b": 2}')

SLOTS: dict[str, tuple[list[dict[str, Any]], list[tuple[str, str]]]] = {
    "index and id as documented": (
        [
            call("", "f", index=0, id="x"),
            call('{"a"', index=0),
            call("", "g", index=1, id="y"),
            call(": 1}", index=0),
            call('{"b": 2}', index=1),
        ],
        [F1, G2],
    ),
    "no index, a whole call a chunk, then metadata": (
        [call('{"a": 1}', "f", id="x"), call('{"b": 2}', "g", id="y"), {"extra_content": {"s": 1}}],
        [F1, G2],
    ),
    "no index, no id": ([call('{"a": 1}', "f"), call('{"b": 2}', "g")], [F1, G2]),
    "no index, no id, the same tool twice": (
        [call('{"a": 1}', "f"), call('{"a": 1}', "f")],
        [F1, F1],
    ),
    "no index, id only at the start": (
        [call("", "f", id="x"), call('{"a"'), call(": 1}"), call('{"b": 2}', "g", id="y")],
        [F1, G2],
    ),
    "index always 0, ids differ": (
        [call('{"a": 1}', "f", index=0, id="x"), call('{"b": 2}', "g", index=0, id="y")],
        [F1, G2],
    ),
    "index always 0, no ids, names differ": (
        [call('{"a": 1}', "f", index=0), call('{"b": 2}', "g", index=0)],
        [F1, G2],
    ),
    "index always 0, no ids, the same tool twice": (
        [call('{"a": 1}', "f", index=0), call('{"a": 1}', "f", index=0)],
        [F1, F1],
    ),
    "index always 0, ids differ, the same tool without arguments": (
        [call("", "f", index=0, id="x"), call("", "f", index=0, id="y")],
        [("f", ""), ("f", "")],
    ),
    "one id for all calls": (
        [call('{"a": 1}', "f", id="call"), call('{"b": 2}', "g", id="call")],
        [F1, G2],
    ),
    "empty and null fields in later chunks": (
        [
            call("", "f", index=0, id="x"),
            call('{"a": 1', index=0, id=""),
            {"index": 0, "id": "", "function": {"name": None, "arguments": None}},
            {"index": 0, "function": None},
            {},
            call("}", index=0, id=""),
        ],
        [F1],
    ),
    "a fresh id in every delta": (
        [call("", "f", index=0, id="x1"), call('{"a": 1}', index=0, id="x2")],
        [F1],
    ),
    "the name repeated in every delta": (
        [
            call("", "f", index=0, id="x"),
            call('{"a"', "f", index=0),
            call(": 1}", "f", index=0),
            call("", "f", index=0),
        ],
        [F1],
    ),
    "the name after the id": ([call(None, index=0, id="x"), call('{"a": 1}', "f", index=0)], [F1]),
    "arguments as an object": ([call({"a": 1}, "f", index=0, id="x")], [F1]),
    "no arguments at all": ([call("", "f", index=0, id="x")], [("f", "")]),
}


@pytest.mark.parametrize("case", SLOTS)
def test_deltas_of_every_dialect_become_the_calls_that_were_meant(case: str) -> None:
    deltas, expected = SLOTS[case]

    emitted = parts(calls(*deltas)).calls

    assert [(one.name, one.raw_arguments) for one in emitted] == expected
    assert {one.flaw for one in emitted} == {None}
    assert len({one.id for one in emitted}) == len(emitted)
    assert all(one.id for one in emitted)


@pytest.mark.parametrize("finish", ["stop", "", "tool_calls", "STOP", "eos"])
def test_calls_count_whatever_the_finish_reason_says(finish: str) -> None:
    stream = calls(call('{"a": 1}', "f", index=0, id="x"), finish=finish)

    assert stream.fault is None
    assert stream.finish_reason == finish
    assert [one.name for one in parts(stream).calls] == ["f"]


def test_empty_lists_of_calls_are_no_calls() -> None:
    stream = read_stream([(0.0, sse(delta(content="hi", tool_calls=[]), delta("tool_calls")))])

    assert parts(stream).calls == ()
    assert "tool_calls" not in parts(stream).message


def test_concatenated_objects_are_flagged_and_kept_as_they_came() -> None:
    (one,) = parts(calls(call('{"a":1}', "f", index=0), call('{"b":2}', index=0))).calls

    assert one.flaw == "concatenated_json"
    assert one.raw_arguments == '{"a":1}{"b":2}'


@pytest.mark.parametrize(
    ("finish", "at_limit", "flaws"),
    [
        ("length", False, [None, "truncated_call"]),
        ("tool_calls", True, [None, "truncated_call"]),
        ("tool_calls", False, [None, None]),
    ],
)
def test_only_the_last_call_of_a_cut_reply_is_truncated(
    *, finish: str, at_limit: bool, flaws: list[str | None]
) -> None:
    stream = calls(
        call('{"a": 1}', "f", index=0, id="x"),
        call('{"b": "lo', "g", index=1, id="y"),
        finish=finish,
    )

    assert [one.flaw for one in parts(stream, at_limit=at_limit).calls] == flaws


def test_broken_arguments_before_the_last_call_were_not_cut_by_the_limit() -> None:
    stream = calls(
        call('{"a', "f", index=0, id="x"), call('{"b', "g", index=1, id="y"), finish="length"
    )

    assert [one.flaw for one in parts(stream).calls] == [None, "truncated_call"]


def test_the_history_keeps_the_providers_own_keys_and_is_acceptable_everywhere() -> None:
    signature = {"google": {"thought_signature": "sig"}}
    stream = calls(
        call('{"a": 1}', "f", id="x", extra_content=signature),
        call('{"b": ', "no such tool!", id="y"),
        call("", "f", id="z"),
    )

    assert parts(stream).message == {
        "role": "assistant",
        "content": "",
        "tool_calls": [
            {
                "extra_content": signature,
                "id": "x",
                "type": "function",
                "function": {"name": "f", "arguments": '{"a": 1}'},
            },
            {
                "id": "y",
                "type": "function",
                "function": {"name": "no_such_tool_", "arguments": "{}"},
            },
            {"id": "z", "type": "function", "function": {"name": "f", "arguments": "{}"}},
        ],
    }
    assert parts(stream).calls[1].raw_arguments == '{"b": '


def test_a_leaked_call_is_emitted_beside_the_text_and_not_put_into_the_history() -> None:
    text = 'Now: {"name": "f", "arguments": {"a": 1}}'
    stream = read_stream([(0.0, sse(delta(content=text[:9]), delta("stop", content=text[9:])))])

    (one,) = parts(stream).calls

    assert (one.name, one.raw_arguments, one.flaw) == ("f", '{"a": 1}', "leaked_text_call")
    assert parts(stream).message == {"role": "assistant", "content": text}


def test_a_draft_of_a_call_that_then_arrives_is_no_leak() -> None:
    draft = '{"name": "f", "arguments": {"a":1}}'
    other = '{"name": "g", "arguments": {}}'
    chunks = [
        delta(reasoning_content=f"I could do {other} or {draft}."),
        delta(content=draft),
        delta("tool_calls", tool_calls=[call('{"a": 1}', "f", index=0, id="x")]),
    ]

    assert [one.flaw for one in parts(read_stream([(0.0, sse(*chunks))])).calls] == [None]


def test_a_call_leaked_into_reasoning_and_content_counts_once() -> None:
    leak = '{"name": "f", "arguments": {"a": 1}}'
    stream = read_stream([(0.0, sse(delta(reasoning=leak), delta("stop", content=leak)))])

    assert len(parts(stream).calls) == 1


def test_times_are_those_of_the_first_and_last_token_of_each_kind() -> None:
    stream = read_stream(
        [
            (0.1, b": OPENROUTER PROCESSING\n\n"),
            (0.2, sse(delta(role="assistant", content=""), done=False)),
            (0.3, sse(delta(reasoning="hm"), done=False)),
            (0.4, sse(delta(tool_calls=[call(None, None, index=0, id="x")]), done=False)),
            (0.5, sse(delta(tool_calls=[call("", "f", index=0)]), done=False)),
            (0.6, sse(delta(tool_calls=[call("{}", index=0)]), done=False)),
            (0.7, sse(delta("tool_calls"), {"choices": [], "usage": {"prompt_tokens": 1}})),
        ]
    )

    assert (stream.first_token_s, stream.first_output_s, stream.last_token_s) == (0.3, 0.5, 0.6)


def test_reasoning_under_both_names_is_kept_once_and_replayed_under_its_own() -> None:
    both = read_stream([(0.0, sse(delta(reasoning="a", reasoning_content="a"), delta("stop")))])
    second = read_stream([(0.0, sse(delta(reasoning="a"), delta("stop", content="b")))])

    assert both.reasoning == "a"
    assert parts(both).message["reasoning_content"] == "a"
    assert parts(second).message["reasoning"] == "a"


@pytest.mark.parametrize(
    "chunks",
    [
        [delta("stop"), {"choices": [], "usage": {"prompt_tokens": 7}}],
        [{"choices": [{"delta": {}, "finish_reason": "stop", "usage": {"prompt_tokens": 7}}]}],
        [{**delta("stop"), "x_groq": {"usage": {"prompt_tokens": 7}}}],
        [{**delta(content="a"), "usage": {"prompt_tokens": 3}}, {**delta("stop"), "usage": {"prompt_tokens": 7}}],  # noqa: E501 (two chunks)
        [{**delta("stop"), "usage": {"prompt_tokens": 7}}, {"choices": [], "usage": None}],
    ],
)  # fmt: skip
def test_usage_is_the_last_one_of_its_three_places(chunks: list[dict[str, Any]]) -> None:
    assert read_stream([(0.0, sse(*chunks))]).usage == {"prompt_tokens": 7}


FAULTS: dict[str, tuple[bytes, str]] = {
    "error event": (sse({"error": {"message": "boom"}}), "stream"),
    "error in a choice": (sse({"choices": [{"error": {"code": 502, "message": "x"}}]}), "server"),
    "named error event": (
        b'event: error\ndata: {"error": {"code": "tool_use_failed", "status_code": 400}}\n\n',
        "tool_use_failed",
    ),
    "overload inside the stream": (
        sse(delta(content="a"), {"error": {"type": "engine_overloaded_error"}}),
        "overloaded",
    ),
    "broken json": (sse(delta(content="a")) + b"data: {broken\n\n", "stream"),
    "finish reason error": (sse(delta("error")), "stream"),
    "finish reason of lack of resources": (
        sse(delta("insufficient_system_resource")),
        "overloaded",
    ),
    "malformed function call": (sse(delta("MALFORMED_FUNCTION_CALL")), "tool_use_failed"),
    "malformed function call behind its filter": (
        sse(delta("function_call_filter: MALFORMED_FUNCTION_CALL")),
        "tool_use_failed",
    ),
    "no finish reason, clean end": (sse(delta(content="a"), done=False), "truncated_stream"),
    "no finish reason, but DONE": (sse(delta(content="a")), "truncated_stream"),
    "nothing": (b"", "empty_stream"),
    "keep-alives only": (b": keep-alive\n\n", "empty_stream"),
    "only DONE": (b"data: [DONE]\n\n", "empty_stream"),
    "json error with status 200": (
        b'{"error": {"message": "x", "code": 429}}',
        "rate_limit",
    ),
    "whole completion": (b'{"choices": [{"message": {"content": "a"}}]}', "empty_stream"),
    "html": (b"<html>hello</html>", "empty_stream"),
}


@pytest.mark.parametrize("case", FAULTS)
def test_a_body_that_is_no_complete_reply_says_why(case: str) -> None:
    body, kind = FAULTS[case]

    fault = read_stream([(0.0, body)]).fault

    assert fault is not None
    assert fault.kind == kind


def test_what_came_before_an_error_is_kept() -> None:
    stream = read_stream([(0.0, sse(delta(content="half"), {"error": {"message": "boom"}}))])

    assert stream.text == "half"
    assert stream.served_model == "m-1"


def test_a_surrogate_pair_cut_between_chunks_is_joined_and_a_lone_half_replaced() -> None:
    body = sse(delta(content="\ud83d"), delta(content="\ude00 "), delta("stop", content="\ud83d"))

    assert read_stream([(0.0, body)]).text == "😀 \ufffd"


@pytest.mark.parametrize(
    ("content", "text", "thought"),
    [
        ("<think>a</think>b", "b", "a"),
        ("\n <think>\na\n</think>\n\nb", "b", "a"),
        ("<think></think>b", "b", None),
        ("<think>a", "", "a"),
        ("a</think>b", "b", "a"),
        ("b", "b", None),
        ("say <think>a</think>", "say <think>a</think>", None),
        ("<think>a</think>b</think>", "b</think>", "a"),
    ],
)
def test_thinking_at_the_head_of_the_content_is_no_text(
    content: str, text: str, thought: str | None
) -> None:
    chunks = [delta(content=piece) for piece in content]
    stream = read_stream([(0.0, sse(*chunks, delta("stop")))])

    assert (stream.text, stream.reasoning) == (text, thought)


def test_tags_in_the_text_stay_where_the_reasoning_came_by_itself() -> None:
    stream = read_stream([(0.0, sse(delta(reasoning="hm"), delta("stop", content="a</think>b")))])

    assert (stream.text, stream.reasoning) == ("a</think>b", "hm")


def whole(**choice: object) -> bytes:
    usage = {"prompt_tokens": 7}
    return json.dumps({"model": "m-1", "choices": [choice], "usage": usage}).encode()


def test_a_whole_reply_is_read_like_a_streamed_one() -> None:
    message = {"content": "hi", "reasoning_content": "hm", "tool_calls": [call("{}", "f", id="x")]}
    body = whole(index=0, message=message, finish_reason="")

    stream = read_whole([(0.1, body[:9]), (0.2, body[9:])])

    assert (stream.text, stream.reasoning, stream.finish_reason) == ("hi", "hm", "")
    assert [one.name for one in parts(stream).calls] == ["f"]
    assert (stream.served_model, stream.usage) == ("m-1", {"prompt_tokens": 7})
    assert (stream.fault, stream.first_token_s) == (None, 0.2)


@pytest.mark.parametrize(
    ("body", "kind"),
    [
        (b"", "empty_stream"),
        (b"<html>busy</html>", "empty_stream"),
        (b'{"error": {"message": "x", "code": 429}}', "rate_limit"),
        (b'[{"error": {"message": "x", "code": 503}}]', "overloaded"),
        (b'{"choices": []}', "empty_stream"),
        (whole(index=0, message={"content": "a"}, finish_reason=None), "truncated_stream"),
        (whole(index=0, message={"content": "a"}, finish_reason="error"), "stream"),
    ],
)
def test_a_whole_body_that_is_no_complete_reply_says_why(body: bytes, kind: str) -> None:
    fault = read_whole([(0.0, body)] if body else []).fault

    assert fault is not None
    assert fault.kind == kind
