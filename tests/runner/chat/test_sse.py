from __future__ import annotations

import pytest

from runner.chat.sse import Event, SseParser

BODY = (
    "\ufeff: keep-alive\r\n\r\n"
    'data: {"a": "ä€😀"}\r\n\r\n'
    "event: error\r\ndata: one\r\ndata: two\r\nid: 7\r\n\r\n"
    "data:\n\n"
    "data: [DONE]\n\n"
).encode()
EVENTS = [
    Event("comment", "keep-alive"),
    Event("message", '{"a": "ä€😀"}'),
    Event("error", "one\ntwo"),
    Event("message", "[DONE]"),
]


def parse(pieces: list[bytes]) -> list[Event]:
    parser = SseParser()
    events = [event for piece in pieces for event in parser.feed(piece)]
    return events + parser.close()


@pytest.mark.parametrize("size", [1, 2, 3, 5, 7, 1000])
def test_a_body_gives_the_same_events_wherever_it_is_cut(size: int) -> None:
    assert parse([BODY[at : at + size] for at in range(0, len(BODY), size)]) == EVENTS


def test_lone_carriage_returns_end_lines() -> None:
    assert parse([b"data: a\r\rdata: b\r", b"\r"]) == [Event("message", "a"), Event("message", "b")]


def test_an_event_is_dispatched_as_soon_as_its_blank_line_is_there() -> None:
    parser = SseParser()

    assert parser.feed(b"data: a\n") == []
    assert parser.feed(b"\ndata: b") == [Event("message", "a")]


def test_an_event_without_its_blank_line_counts_at_the_end() -> None:
    assert parse([b'data: {"cut": tr']) == [Event("message", '{"cut": tr')]


def test_bytes_that_are_no_text_do_not_stop_the_stream() -> None:
    assert parse([b"data: \xff\n\ndata: b\n\n"])[-1] == Event("message", "b")
