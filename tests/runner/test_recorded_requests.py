"""Beside the raw streams, what was booked of every request stands in a file of its own."""

from __future__ import annotations

from typing import TYPE_CHECKING

from runner.recording import Recording, read_exchanges
from runner.redaction import Redactor
from testbed.records import Exchange, Usage
from testbed.store import TrialPaths

if TYPE_CHECKING:
    from pathlib import Path

KEY = "sk-secret-0123456789"
REQUESTS = [
    Exchange(
        turn=1,
        attempt=1,
        sent_at="2026-11-22T10:00:00.000001+00:00",
        status=429,
        error="rate_limit",
        error_detail=f"slow down, {KEY}",
        waited_s=1.5,
    ),
    Exchange(
        turn=1,
        attempt=2,
        sent_at="2026-11-22T10:00:01.600000+00:00",
        status=200,
        first_token_s=0.4,
        last_byte_s=1.25,
        usage=Usage(fresh_input=900, cache_read=0, output=31),
        cost_usd=0.0005,
    ),
]


def test_every_request_is_a_line_without_stream_and_key(tmp_path: Path) -> None:
    paths = TrialPaths(tmp_path / "1")
    recording = Recording(paths, Redactor.of([KEY]))
    recording.begin()

    for request in REQUESTS:
        recording.exchange(request, {"messages": []}, [(0.1, b"data: [DONE]")])

    lines = paths.requests.read_bytes().splitlines()
    clean = REQUESTS[0].model_copy(update={"error_detail": "slow down, [key]"})
    assert [Exchange.model_validate_json(line) for line in lines] == [clean, REQUESTS[1]]
    assert b"DONE" not in paths.requests.read_bytes()
    booked = [
        Exchange.model_validate(e["exchange"], strict=False)
        for e in read_exchanges(paths.exchanges)
    ]
    assert booked == [clean, REQUESTS[1]]
