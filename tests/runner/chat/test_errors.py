from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any

import pytest

from runner.chat.errors import Fault, broken_fault, http_fault, retry_after, stream_fault
from runner.chat.retry import RetryPolicy

NOW = datetime(2026, 11, 22, 12, 0, 0, tzinfo=UTC)

REFUSED: list[tuple[int, Any, str]] = [
    (429, {"error": {"message": "slow down", "code": "rate_limit_exceeded"}}, "rate_limit"),
    (429, {"error": {"message": "no money", "code": "insufficient_quota"}}, "quota"),
    (429, {"error": {"message": "x", "type": "exceeded_current_quota_error"}}, "quota"),
    (429, {"error": {"message": "x", "type": "engine_overloaded_error"}}, "overloaded"),
    (429, [{"error": {"message": "You exceeded your current quota", "code": 429}}], "rate_limit"),
    (429, {"error": {"message": "too many tokens, maximum context length is 8"}}, "rate_limit"),
    (413, {"error": {"message": "too large", "code": "rate_limit_exceeded"}}, "rate_limit"),
    (503, {"error": {"message": "Loading model"}}, "overloaded"),
    (529, {"error": {"type": "overloaded_error"}}, "overloaded"),
    (402, {"error": {"message": "Insufficient Balance"}}, "quota"),
    (403, {"error": {"message": "Your account has used all its credits"}}, "quota"),
    (403, "<html><h1>403</h1> load balancer</html>", "auth"),
    (401, {"error": {"message": "Incorrect API key provided"}}, "auth"),
    (400, {"error": {"message": "x", "code": "context_length_exceeded"}}, "context_length"),
    (400, {"error": "This model's maximum context length is 8192 tokens"}, "context_length"),
    (400, {"error": {"message": "Invalid request: Your request exceeded model token limit: 262144 (requested: 269030)"}}, "context_length"),  # noqa: E501 (as the provider says it)
    (400, {"error": {"type": "exceed_context_size_error", "n_ctx": 8192}}, "context_length"),
    (403, {"error": {"message": "input exceeds the maximum number of tokens"}}, "context_length"),
    (400, {"error": {"message": "input length and `max_tokens` exceed context limit: 188240 + 21333 > 200000"}}, "context_length"),  # noqa: E501 (as the provider says it)
    (400, {"error": {"type": "content_filter"}}, "content_filter"),
    (403, {"error": {"metadata": {"flagged_input": "x"}}}, "content_filter"),
    (400, {"error": {"code": "data_inspection_failed"}}, "content_filter"),
    (400, {"error": {"code": "tool_use_failed", "failed_generation": "<f"}}, "tool_use_failed"),
    (400, {"error": {"message": "parameters for tool f did not match schema"}}, "tool_use_failed"),
    (500, {"error": {"message": "does not match the expected peg-native format"}}, "tool_use_failed"),  # noqa: E501 (as the provider says it)
    (500, {"error": {"message": "error parsing tool call: raw='{', err=unexpected end of JSON input"}}, "tool_use_failed"),  # noqa: E501 (as the provider says it)
    (500, {"error": {"message": "failed to parse XML: expected '>'"}}, "tool_use_failed"),
    (500, {"error": {"message": "expected element type <function> but have <parameter>"}}, "tool_use_failed"),  # noqa: E501 (as the provider says it)
    (400, {"code": "Client specified an invalid argument", "error": "not supported: stop"}, "bad_request"),  # noqa: E501 (as the provider says it)
    (422, {"detail": [{"msg": "field required"}]}, "bad_request"),
    (404, {"error": {"message": "no such model"}}, "bad_request"),
    (500, "<html><body>Internal Server Error</body></html>", "server"),
    (502, "", "server"),
    (408, "", "timeout"),
    (409, "", "server"),
]  # fmt: skip


@pytest.mark.parametrize(("status", "body", "kind"), REFUSED)
def test_every_shape_of_refusal_has_its_class(status: int, body: Any, kind: str) -> None:  # noqa: ANN401 (any JSON)
    raw = body if isinstance(body, str) else json.dumps(body)

    fault = http_fault(status, raw.encode(), {}, now=NOW)

    assert fault.kind == kind
    assert fault.detail
    assert "<html>" not in fault.detail


@pytest.mark.parametrize(
    ("body", "detail"),
    [
        ('{"error": {"message": "slow  down"}}', "slow down"),
        ('{"code": "c", "error": "not supported"}', "not supported"),
        ('[{"error": {"message": "a list"}}]', "a list"),
        ('"just text"', "just text"),
        ("", "HTTP 400 without a message"),
        ('{"detail": [{"msg": "m"}]}', '{"msg": "m"}'),
        ('{"odd": 1}', '{"odd": 1}'),
        (
            '{"error": "\\u001b[2Jgone\\u202e"}',
            "\N{REPLACEMENT CHARACTER}[2Jgone\N{REPLACEMENT CHARACTER}",
        ),
        ("[" * 5000, "[" * 400),
    ],
)
def test_the_detail_is_the_sentence_of_the_provider(body: str, detail: str) -> None:
    assert http_fault(400, body.encode(), {}, now=NOW).detail == detail


@pytest.mark.parametrize(
    ("error", "kind"),
    [
        ({"message": "The server had an error"}, "stream"),
        ({"message": "x", "type": "engine_overloaded_error"}, "overloaded"),
        ({"message": "bad gateway", "code": 502}, "server"),
        ({"message": "slow down", "code": "429"}, "rate_limit"),
        ({"error": {"code": "tool_use_failed", "status_code": 400}}, "tool_use_failed"),
        ({"message": "XML syntax error on line 7: unexpected EOF"}, "tool_use_failed"),
        ("plain words", "stream"),
        (None, "stream"),
    ],
)
def test_errors_inside_a_stream_have_the_same_classes(error: object, kind: str) -> None:
    assert stream_fault(error).kind == kind


@pytest.mark.parametrize(
    ("headers", "text", "seconds"),
    [
        ({"retry-after-ms": "250", "retry-after": "9"}, "", 0.25),
        ({"retry-after": "90"}, "", 90.0),
        ({"retry-after": "1.5"}, "", 1.5),
        ({"retry-after": "Sun, 22 Nov 2026 12:00:30 GMT"}, "", 30.0),
        ({"retry-after": "Sun, 22 Nov 2026 11:00:00 GMT"}, "", 0.0),
        ({"retry-after": "soon"}, "", None),
        ({}, "Please try again in 5.289s. Visit", 5.289),
        ({}, "Try again in 6m0s", 360.0),
        ({}, "try again in 12ms.", 0.012),
        ({}, "retry after 30 seconds", 30.0),
        ({}, "max RPM: 3, please try again after 20 seconds", 20.0),
        ({}, "Please retry in 30.638054576s.", 30.638054576),
        ({}, "retry after 2 milliseconds", 0.002),
        ({}, '"retryDelay": "37s"', 37.0),
        ({}, "nothing", None),
    ],
)
def test_the_wait_a_provider_asks_for_is_read_wherever_it_stands(
    headers: dict[str, str], text: str, seconds: float | None
) -> None:
    assert retry_after(headers, text, now=NOW) == pytest.approx(seconds)


def test_a_transport_that_breaks_is_told_apart_by_how_far_it_got() -> None:
    class ReadTimeout(Exception):
        """Named like the transport's own."""

    assert broken_fault(ReadTimeout(), started=False).kind == "timeout"
    assert broken_fault(ReadTimeout(), started=True).kind == "stream"
    assert broken_fault(ConnectionResetError("reset"), started=False).kind == "connection"
    assert broken_fault(ConnectionResetError("reset"), started=True).kind == "stream"


def pause(kind: str, *, attempt: int = 1, waited: float = 0, asked: float | None = None) -> object:
    policy = RetryPolicy(attempts=4, wait_s=100, base_s=1, cap_s=5)
    fault = Fault(kind=kind, detail="", retry_after_s=asked)
    return policy.pause(fault, attempt=attempt, waited_s=waited, jitter=lambda: 1.0)


@pytest.mark.parametrize(
    "kind", ["quota", "auth", "bad_request", "context_length", "content_filter", "tool_use_failed"]
)
def test_what_will_not_get_better_is_not_tried_again(kind: str) -> None:
    assert pause(kind) is None


def test_the_back_off_doubles_up_to_its_cap_and_ends_with_the_attempts() -> None:
    assert [pause("server", attempt=n) for n in (1, 2, 3, 4)] == [1, 2, 4, None]
    assert RetryPolicy().pause(
        Fault(kind="server", detail=""), attempt=1, waited_s=0, jitter=lambda: 0.0
    ) == pytest.approx(0.5)


@pytest.mark.parametrize("kind", ["rate_limit", "overloaded"])
def test_an_overload_that_tells_no_wait_is_outlasted_as_long_as_waiting_is_allowed(
    kind: str,
) -> None:
    assert pause(kind, attempt=4) == 5
    assert pause(kind, attempt=40, waited=95) == 5
    assert pause(kind, attempt=40, waited=96) is None


def test_the_usual_bounds_outlast_a_window_of_a_minute() -> None:
    waits: list[float] = []
    fault = Fault(kind="rate_limit", detail="")
    while (
        wait := RetryPolicy().pause(
            fault, attempt=len(waits) + 1, waited_s=sum(waits), jitter=lambda: 0.0
        )
    ) is not None:
        waits.append(wait)

    assert waits == [0.5, 1, 2, 4, 8, 16, *[30] * 8]


def test_a_wait_that_was_asked_for_is_kept_unless_it_does_not_fit_the_budget() -> None:
    assert pause("rate_limit", asked=50) == 51
    assert pause("rate_limit", asked=50, waited=60) is None
    assert pause("rate_limit", asked=99.5) is None
    assert pause("rate_limit", asked=1, attempt=4) is None
