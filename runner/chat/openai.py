"""Chat Completions over HTTP: every attempt timed, recorded and priced before it is believed."""

from __future__ import annotations

import asyncio
import random
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import replace
from datetime import UTC, datetime
from http import HTTPStatus
from itertools import count
from time import perf_counter
from typing import TYPE_CHECKING, Any, Final, Self

from runner.chat.errors import Fault, broken_fault, http_fault
from runner.chat.headers import kept_headers, request_id, told
from runner.chat.listing import read_ids
from runner.chat.quirks import ModelEndpoint, Request, build_request
from runner.chat.reply import build_failure, build_reply
from runner.chat.retry import RetryPolicy
from runner.chat.usage import read_usage, reported_cost_usd
from runner.chat.wire import Wire, read_clean, read_wire, until
from runner.redaction import Redactor
from testbed.errors import EndpointError
from testbed.records import Exchange, Usage

if TYPE_CHECKING:
    from types import TracebackType

    from openai import AsyncOpenAI

    from runner.chat.base import Message, Recorder, Reply
    from runner.chat.stream import Stream

Price = Callable[[Usage, datetime], float | None]
"""What one request costs in USD, given its usage and when it was sent."""

CONNECT_S: Final = 15.0
DONE_GRACE_S: Final = 1.0
"""How long a server may keep the connection open after `[DONE]`."""
UNUSABLE: Final = {
    "connection": "Check `base_url` in its model card, and the network",
    "timeout": "Check `base_url` in its model card, and the network",
    "auth": "Check the key, and that it belongs to this endpoint",
    "quota": "Top up the account, or use another key",
}
"""Faults that no request to an endpoint would survive, and what to do about them."""


class Connection:
    """The one HTTP client for an endpoint, shared by all its trials; an async context manager."""

    def __init__(self, endpoint: ModelEndpoint) -> None:
        self.endpoint = endpoint
        self.redactor = Redactor.of([endpoint.api_key])
        self._client = _client(endpoint)

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        await self.close()

    async def close(self) -> None:
        """Close every connection."""
        await self._client.close()

    async def send(self, body: Mapping[str, Any]) -> Wire:
        """Make one attempt; whatever happens to it stands in what is returned."""
        from openai import APIStatusError

        wire, start = Wire(sent_at=datetime.now(UTC)), perf_counter()
        try:
            await self._receive(body, wire, start)
        except APIStatusError as error:
            self._refused(error, wire, start)
        except TimeoutError:
            # A server may keep the connection open beyond the end of its reply.
            wire.fault = None if wire.closed else self._late(wire, perf_counter() - start)
        except Exception as error:  # noqa: BLE001  (the transport's own types are no contract)
            wire.fault = broken_fault(error, started=wire.first_byte_s is not None)
        wire.pieces = list(self.redactor.pieces(wire.pieces))
        return wire

    async def list_models(self) -> frozenset[str] | Fault:
        """Ask for the ids of the models served, which costs no tokens, or say why none came."""
        from openai import APIStatusError

        try:
            async with asyncio.timeout(CONNECT_S):
                listed = await self._client.models.with_raw_response.list()
        except APIStatusError as error:
            body = self.redactor.data(bytes(error.response.content))
            headers = _lower(error.response.headers)
            return http_fault(error.status_code, body, headers, now=datetime.now(UTC))
        except Exception as error:  # noqa: BLE001  (the transport's own types are no contract)
            return broken_fault(error, started=False)
        return read_ids(listed.content)

    async def _receive(self, body: Mapping[str, Any], wire: Wire, start: float) -> None:
        create = self._client.chat.completions.with_streaming_response.create
        async with (
            until(lambda: self._due(wire, start)),
            # The body is sent exactly as built and recorded: nothing for the client to fill in.
            create(
                model=self.endpoint.model, messages=[], stream=True, extra_body=body
            ) as response,
        ):
            wire.first_byte_s = perf_counter() - start
            wire.status, wire.headers = response.status_code, _lower(response.headers)
            pieces = response.iter_bytes()
            async for piece in pieces:
                wire.keep(perf_counter() - start, piece)
                if wire.closed:
                    await _drain(pieces, wire, start)

    def _due(self, wire: Wire, start: float) -> float:
        """Return when this attempt is given up, on the clock of `perf_counter`."""
        last = wire.pieces[-1][0] if wire.pieces else wire.first_byte_s or 0.0
        return start + min(self.endpoint.deadline_s, last + self.endpoint.idle_s)

    def _refused(self, error: Any, wire: Wire, start: float) -> None:  # noqa: ANN401 (SDK type)
        wire.first_byte_s = perf_counter() - start
        wire.status, wire.headers = error.status_code, _lower(error.response.headers)
        # Before its detail is cut short: half a key could not be found any more.
        content = self.redactor.data(bytes(error.response.content))
        wire.pieces = [(wire.first_byte_s, content)] if content else []
        wire.fault = http_fault(error.status_code, content, wire.headers, now=wire.sent_at)

    def _late(self, wire: Wire, elapsed: float) -> Fault:
        if elapsed >= self.endpoint.deadline_s:
            # A reply that runs on is the model's doing: a faster server would have shown its end.
            kind = "endless_stream" if self._runs_on(wire, elapsed) else "timeout"
            return Fault(kind=kind, detail=f"not complete after {elapsed:.1f} s")
        kind = "timeout" if wire.first_byte_s is None else "stream"
        return Fault(kind=kind, detail=f"no byte for {self.endpoint.idle_s:g} s")

    def _runs_on(self, wire: Wire, elapsed: float) -> bool:
        """Say whether an unfinished reply had begun in time, and its tokens still came."""
        stream, _ = read_wire(wire, streamed=self.endpoint.stream)
        first, last = stream.first_token_s, stream.last_token_s
        if first is None or last is None or stream.finish_reason is not None:
            return False
        # A long queue before the first token is the server's, whatever came after it.
        return max(first, elapsed - last) < self.endpoint.idle_s


async def probe(endpoint: ModelEndpoint, *, name: str) -> None:
    """Raise `EndpointError` when an endpoint cannot be reached or does not take the key.

    Anything else that it may answer passes: not every server lists its models.
    """
    async with Connection(endpoint) as connection:
        listed = await connection.list_models()
    if not isinstance(listed, Fault) or listed.kind not in UNUSABLE:
        return
    detail = connection.redactor.text(listed.detail)
    raise EndpointError(
        f"{name}: {endpoint.base_url} cannot be used: {listed.kind}: {detail}",
        next_step=UNUSABLE[listed.kind],
    )


class OpenAIChat:
    """A model behind a Chat Completions endpoint, for one trial."""

    def __init__(
        self,
        connection: Connection,
        *,
        recorder: Recorder,
        price: Price,
        policy: RetryPolicy | None = None,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
        jitter: Callable[[], float] = random.random,
    ) -> None:
        self._connection = connection
        self._recorder = recorder
        self._price = price
        self._policy = policy or RetryPolicy()
        self._sleep = sleep
        self._jitter = jitter

    async def complete(
        self, messages: Sequence[Message], tools: Sequence[Mapping[str, Any]], *, turn: int
    ) -> Reply:
        """Return the reply to a conversation, or raise `ChatFailure`."""
        request = build_request(self._connection.endpoint, messages, tools)
        exchanges: list[Exchange] = []
        for attempt in count(1):
            wire = await self._connection.send(request.body)
            streamed = self._connection.endpoint.stream
            stream, fault = read_clean(wire, self._connection.redactor, streamed=streamed)
            fault = self._meant(fault, wire)
            pause = self._pause(fault, exchanges)
            booked = self._book(wire, stream, fault, request, turn=turn, attempt=attempt)
            exchanges.append(booked.model_copy(update={"waited_s": pause or 0.0}))
            self._recorder(exchanges[-1], request.body, wire.pieces)
            if fault is None:
                return build_reply(stream, tools, request, exchanges)
            if pause is None:
                break
            await self._sleep(pause)
        raise build_failure(exchanges)

    def _meant(self, fault: Fault | None, wire: Wire) -> Fault | None:
        """Read a spent quota as this provider means it."""
        if fault is None or fault.kind != "quota" or wire.status != HTTPStatus.TOO_MANY_REQUESTS:
            return fault
        waits = self._connection.endpoint.quirks.quota_is_limit
        return replace(fault, kind="rate_limit") if waits else fault

    def _pause(self, fault: Fault | None, earlier: Sequence[Exchange]) -> float | None:
        if fault is None:
            return None
        waited_s = sum(exchange.waited_s for exchange in earlier)
        attempt = len(earlier) + 1
        return self._policy.pause(fault, attempt=attempt, waited_s=waited_s, jitter=self._jitter)

    def _book(
        self,
        wire: Wire,
        stream: Stream,
        fault: Fault | None,
        request: Request,
        *,
        turn: int,
        attempt: int,
    ) -> Exchange:
        """Write down one attempt, its usage and its price."""
        quirks = self._connection.endpoint.quirks
        reading = read_usage(stream.usage, reasoning_in_total=quirks.reasoning_in_total)
        usage, headers = reading.usage, kept_headers(wire.headers, self._connection.redactor)
        return Exchange(
            turn=turn,
            attempt=attempt,
            sent_at=wire.sent_at.isoformat(timespec="microseconds"),
            status=wire.status,
            error=fault.kind if fault else None,
            error_detail=self._detail(fault, headers) if fault else reading.flag,
            first_byte_s=wire.first_byte_s,
            first_token_s=stream.first_token_s,
            first_output_s=stream.first_output_s,
            last_token_s=stream.last_token_s,
            last_byte_s=wire.pieces[-1][0] if wire.pieces else None,
            usage=usage,
            cost_usd=None if usage is None else self._price(usage, wire.sent_at),
            finish_reason=stream.finish_reason,
            served_model=stream.served_model,
            request_id=request_id(headers),
            dropped_params=request.dropped,
            reported_cost_usd=reported_cost_usd(stream.usage),
            headers=headers,
        )

    def _detail(self, fault: Fault, headers: Mapping[str, str]) -> str:
        waits = told(headers)
        return self._connection.redactor.text(f"{fault.detail} {waits}" if waits else fault.detail)


def _client(endpoint: ModelEndpoint) -> AsyncOpenAI:
    from openai import AsyncOpenAI, Timeout

    client = AsyncOpenAI(
        base_url=endpoint.base_url,
        api_key=endpoint.api_key,
        # Silence is our own to judge; a timer for every read would cost more than the read.
        timeout=Timeout(None, connect=CONNECT_S),
        max_retries=0,
    )
    # Taken from the environment by the SDK, and meant for one provider alone.
    client.organization = client.project = None
    client._custom_headers = {}  # noqa: SLF001  (nothing public keeps them out)
    return client


async def _drain(pieces: AsyncIterator[bytes], wire: Wire, start: float) -> None:
    """Read on to the end of a closed stream, so that its connection can serve again."""
    with suppress(TimeoutError):
        async with asyncio.timeout(DONE_GRACE_S):
            async for piece in pieces:
                wire.keep(perf_counter() - start, piece)


def _lower(headers: Mapping[str, str]) -> dict[str, str]:
    return {name.lower(): value for name, value in headers.items()}
