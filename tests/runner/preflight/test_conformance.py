from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from runner.preflight.conformance import preflight
from testbed.errors import EndpointError
from testbed.preflight import Preflight

if TYPE_CHECKING:
    from collections.abc import Callable
    from contextlib import AbstractAsyncContextManager

    from testbed.catalog import ModelCard

IDS = (
    "parameters",
    "tools_streamed",
    "tools_whole",
    "prompt_tokens",
    "parallel_calls",
    "tool_result",
)
ORDER = {
    "item": "lamp",
    "quantity": 3,
    "size": "large",
    "address": {"street": "Mill Lane", "number": 7},
}


def outcomes(found: Preflight) -> dict[str, str]:
    """List what did not simply pass."""
    return {one.id: one.outcome.value for one in found.probes if one.outcome != "ok"}


async def test_a_good_endpoint_passes_every_probe_and_the_record_survives_json(
    good: Callable[..., Any], served: Callable[..., AbstractAsyncContextManager[ModelCard]]
) -> None:
    endpoint = good()
    async with served(endpoint, api={"drop": ["temperature"]}) as card:
        found = await preflight(card)

    assert outcomes(found) == {}
    assert tuple(one.id for one in found.probes) == IDS
    assert (found.model, found.card) == ("acme/coder", card.digest())
    assert found.served_models == ("coder-1-0901",)
    assert found.requests == len(endpoint.seen) == 6
    assert "not sent: temperature" in found.probes[0].detail
    assert not any("temperature" in body for body in endpoint.seen)
    assert Preflight.model_validate_json(found.model_dump_json()) == found


async def test_asking_is_priced_by_the_card(
    good: Callable[..., Any], served: Callable[..., AbstractAsyncContextManager[ModelCard]]
) -> None:
    async with served(good()) as card:
        found = await preflight(card)

    assert found.usage is not None
    assert found.usage.fresh_input is not None
    assert found.usage.output == 60
    assert found.cost_usd == pytest.approx(found.usage.fresh_input / 1e6 + 60 * 2 / 1e6)


async def test_the_whole_reply_is_asked_for_as_such_and_only_once(
    good: Callable[..., Any], served: Callable[..., AbstractAsyncContextManager[ModelCard]]
) -> None:
    endpoint = good()
    async with served(endpoint) as card:
        await preflight(card)

    assert [body["stream"] for body in endpoint.seen] == [True, True, False, True, True, True]
    assert "stream_options" not in endpoint.seen[2]


async def test_an_endpoint_that_gives_only_short_replies_in_one_piece_passes(
    good: Callable[..., Any], served: Callable[..., AbstractAsyncContextManager[ModelCard]]
) -> None:
    endpoint = good(refuses=lambda body: not body["stream"] and body["max_tokens"] > 4096)
    async with served(endpoint, max_output_tokens=64000) as card:
        found = await preflight(card)

    assert outcomes(found) == {}
    assert [body["max_tokens"] for body in endpoint.seen].count(64000) == 5


async def test_a_small_context_window_gets_a_smaller_prompt(
    good: Callable[..., Any], served: Callable[..., AbstractAsyncContextManager[ModelCard]]
) -> None:
    endpoint = good()
    async with served(endpoint, context_window=4096) as card:
        found = await preflight(card)

    longest = max(len(json.dumps(body["messages"])) for body in endpoint.seen)
    assert longest < 4096 * 4
    assert outcomes(found) == {}


FAULTS: dict[str, tuple[dict[str, Any], dict[str, str], str]] = {
    "a parameter is refused": (
        {"refuses": lambda body: "temperature" in body},
        {"parameters": "failed"} | dict.fromkeys(IDS[1:], "not_applicable"),
        "bad_request: Unsupported parameter",
    ),
    "tools are refused": (
        {"refuses": lambda body: "tools" in body},
        {
            "tools_streamed": "failed",
            "tools_whole": "failed",
            "parallel_calls": "failed",
            "tool_result": "not_applicable",
        },
        "bad_request: Unsupported parameter",
    ),
    "the schema is not kept": (
        {"order": {**ORDER, "quantity": "three"}},
        {"tools_streamed": "failed", "tools_whole": "failed"},
        "$.quantity: 'three' is not of type 'integer'",
    ),
    "a nested property is missing": (
        {"order": {**ORDER, "address": {"street": "Mill Lane"}}},
        {"tools_streamed": "failed", "tools_whole": "failed"},
        "$.address: 'number' is a required property",
    ),
    "the arguments are broken": (
        {"order": '{"item": '},
        {"tools_streamed": "failed", "tools_whole": "failed"},
        "the arguments are no JSON",
    ),
    "calls come as text in the stream": (
        {"as_text": "streamed"},
        {"tools_streamed": "failed", "parallel_calls": "failed", "tool_result": "not_applicable"},
        "leaked_text_call: record_order",
    ),
    "calls come as text when whole": (
        {"as_text": "whole"},
        {"tools_whole": "failed"},
        "leaked_text_call: record_order",
    ),
    "the prompt is cut": (
        {"counts": lambda tokens: min(tokens, 4096)},
        {"prompt_tokens": "failed"},
        "the prompt is cut",
    ),
    "too many tokens are counted": (
        {"counts": lambda tokens: 2 * tokens},
        {"prompt_tokens": "failed"},
        "more is counted",
    ),
    "no usage is reported": (
        {"counts": lambda _: None},
        {"prompt_tokens": "failed"},
        "no usage is reported",
    ),
    "parallel calls are merged": (
        {"rooms": ['{"room": "kitchen"}{"room": "cellar"}']},
        {"parallel_calls": "failed"},
        "concatenated_json",
    ),
    "one of two calls is sent twice": (
        {"rooms": [{"room": "cellar"}, {"room": "cellar"}]},
        {"parallel_calls": "failed"},
        "cellar, cellar came",
    ),
    "one call a reply": (
        {"rooms": [{"room": "kitchen"}]},
        {"parallel_calls": "not_applicable"},
        "one call",
    ),
    "no call though asked for": (
        {"rooms": []},
        {"parallel_calls": "failed"},
        "no call came: “ready”",
    ),
    "results are dropped": (
        {"told": "I have not heard of it."},
        {"tool_result": "failed"},
        "does not tell the result: “I have not heard of it.”",
    ),
    "results are refused": (
        {"refuses": lambda body: body["messages"][-1]["role"] == "tool"},
        {"tool_result": "failed"},
        "bad_request",
    ),
}


@pytest.mark.parametrize("case", FAULTS)
async def test_one_fault_fails_its_probes_and_no_other(
    case: str,
    good: Callable[..., Any],
    served: Callable[..., AbstractAsyncContextManager[ModelCard]],
) -> None:
    fault, expected, detail = FAULTS[case]
    async with served(good(**fault)) as card:
        found = await preflight(card)

    assert outcomes(found) == expected
    details = [one.detail for one in found.probes if one.id in expected]
    assert any(detail in told for told in details)
    assert {one.id for one in found.failed} == {k for k, v in expected.items() if v == "failed"}


async def test_without_usage_the_cost_is_unknown_and_not_nothing(
    good: Callable[..., Any], served: Callable[..., AbstractAsyncContextManager[ModelCard]]
) -> None:
    async with served(good(counts=lambda _: None)) as card:
        found = await preflight(card)

    assert (found.usage, found.cost_usd) == (None, None)


async def test_replies_that_broke_off_without_usage_make_tokens_and_cost_unknown(
    good: Callable[..., Any], served: Callable[..., AbstractAsyncContextManager[ModelCard]]
) -> None:
    async with served(good(cut=True)) as card:
        found = await preflight(card)

    assert outcomes(found)["parameters"] == "failed"
    assert (found.usage, found.cost_usd) == (None, None)


async def test_requests_refused_before_any_token_cost_nothing(
    good: Callable[..., Any], served: Callable[..., AbstractAsyncContextManager[ModelCard]]
) -> None:
    async with served(good(refuses=lambda _: True)) as card:
        found = await preflight(card)

    assert found.cost_usd == 0


async def test_an_endpoint_that_is_gone_is_a_failed_probe_and_no_crash(
    good: Callable[..., Any], served: Callable[..., AbstractAsyncContextManager[ModelCard]]
) -> None:
    async with served(good()) as card:
        pass
    found = await preflight(card.model_copy(update={"base_url": "http://127.0.0.1:9/v1"}))

    assert outcomes(found) == {"parameters": "failed"} | dict.fromkeys(IDS[1:], "not_applicable")
    assert found.served_models == ()


async def test_a_key_that_is_not_set_is_said_at_once(
    good: Callable[..., Any],
    served: Callable[..., AbstractAsyncContextManager[ModelCard]],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.delenv("ACME_KEY", raising=False)
    async with served(good(), key_variable="ACME_KEY") as card:
        with pytest.raises(EndpointError, match="ACME_KEY is not set"):
            await preflight(card)
