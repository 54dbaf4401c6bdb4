"""A judge without a model or an opinion, for tests and demonstrations, served over HTTP."""

from __future__ import annotations

import re
from contextlib import AsyncExitStack, asynccontextmanager
from typing import TYPE_CHECKING, Final

from runner.judging.question import TOOL
from runner.local.server import serve_local
from runner.players.player import Answer, Performance, Player, call
from runner.players.server import serve_players
from testbed.catalog import ModelCard, find_card
from testbed.marks import LEAST, MOST, Factor

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Sequence

    from runner.chat.base import Message

SCRIPTED: Final = ModelCard(
    schema_version=1,
    id="testbed/scripted-judge",
    title="Scripted judge: no model, marks by the length of the patch",
    provider="testbed",
    model="scripted/judge",
    base_url="http://127.0.0.1/v1",
    note="Served by the testbed itself. For tests and demonstrations: its marks mean nothing.",
)
LINES_PER_POINT: Final = 10

_NOTHING: Final = Performance(seeded={}, reference={}, test_command="")
_FACTORS: Final = re.compile("|".join(Factor))


def judge_card(name: str) -> ModelCard:
    """Return the card of a judge: the scripted one, or whatever `find_card` finds."""
    return SCRIPTED if name == SCRIPTED.id else find_card(name)


@asynccontextmanager
async def serve_judge(card: ModelCard) -> AsyncIterator[str | None]:
    """Serve a judge that runs on this machine; yield its base URL, `None` for one elsewhere."""
    async with AsyncExitStack() as stack:
        if card is SCRIPTED:
            server = await stack.enter_async_context(serve_players())
            yield server.stage(judge_player(), _NOTHING)
        else:
            places = await stack.enter_async_context(serve_local([card]))
            yield places.get(card.id)


def judge_player() -> Player:
    """Make the player that answers as the scripted judge."""
    return Player(name="judge", rehearse=lambda _: marked_by_length)


def marked_by_length(messages: Sequence[Message]) -> Answer:
    """Take a point off for every ten lines added, and one more from the factor named first.

    The latter is a bias of position, as real judges have it: shuffled orders make it visible as
    samples that do not agree.
    """
    asked = str(messages[-1]["content"])
    added = sum(line.startswith("+") and not line.startswith("+++") for line in asked.split("\n"))
    order = dict.fromkeys(_FACTORS.findall(asked.rpartition(TOOL)[2]))
    score = max(LEAST + 1, MOST - added // LINES_PER_POINT)
    scores = {factor: score - (place == 0) for place, factor in enumerate(order)}
    reasons = f"Scripted, no opinion: {added} lines added."
    return Answer(calls=(call(TOOL, reasons=reasons, **scores),))
