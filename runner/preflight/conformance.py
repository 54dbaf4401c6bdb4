"""The conformance preflight: every probe of one model, made into one record."""

from __future__ import annotations

from datetime import UTC, datetime
from time import perf_counter
from typing import TYPE_CHECKING

from runner.chat.base import ChatFailure
from runner.preflight.desk import Desk
from runner.preflight.probes import PROBES, Missed, Moot, Probes
from testbed.preflight import Outcome, Preflight, Probe

if TYPE_CHECKING:
    from collections.abc import Awaitable

    from testbed.catalog import ModelCard


async def preflight(card: ModelCard, *, base_url: str | None = None) -> Preflight:
    """Put every question to a model: six requests, about ten thousand input tokens.

    `base_url` is where it is served when its card does not say so. Raises `EndpointError` when
    the card's key is not set; whatever else goes wrong stands in the record.
    """
    started, begun = datetime.now(UTC), perf_counter()
    probes: list[Probe] = []
    async with Desk(card, base_url=base_url) as desk:
        questions = Probes(desk, context_window=card.context_window)
        for name, ask in PROBES.items():
            refused = bool(probes) and probes[0].outcome is Outcome.FAILED
            probes.append(_moot(name) if refused else await _probe(name, ask(questions)))
    served = (one.served_model for one in desk.exchanges if one.served_model)
    return Preflight(
        model=card.id,
        card=card.digest(),
        base_url=base_url or card.base_url or "",
        served_models=tuple(dict.fromkeys(served)),
        started_at=started.isoformat(timespec="seconds"),
        seconds=round(perf_counter() - begun, 3),
        requests=len(desk.exchanges),
        usage=desk.usage,
        cost_usd=desk.cost_usd,
        probes=tuple(probes),
    )


async def _probe(name: str, question: Awaitable[str]) -> Probe:
    try:
        detail = await question
    except Missed as missed:
        return Probe(id=name, outcome=Outcome.FAILED, detail=str(missed))
    except Moot as moot:
        return Probe(id=name, outcome=Outcome.NOT_APPLICABLE, detail=str(moot))
    except ChatFailure as failure:
        return Probe(id=name, outcome=Outcome.FAILED, detail=str(failure))
    return Probe(id=name, outcome=Outcome.OK, detail=detail)


def _moot(name: str) -> Probe:
    detail = "not asked: a plain request was refused"
    return Probe(id=name, outcome=Outcome.NOT_APPLICABLE, detail=detail)
