"""A run that was made already, and judges served over real HTTP."""

from __future__ import annotations

import hashlib
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import pytest

from runner.players.player import Answer, Performance, Player, Rejection, call
from runner.players.server import serve_players
from runner.recording import Recording
from testbed.catalog import ModelCard
from testbed.marks import Factor
from testbed.plan import PlannedScenario, PlannedTrial, RunConfig, RunLock
from testbed.records import Ending, Exchange, Funnel, Patch, Trial, Verdict
from testbed.store import Run

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Sequence
    from contextlib import AbstractAsyncContextManager
    from pathlib import Path

    from runner.chat.base import Message

LOCK = RunLock(
    testbed="0.1.0",
    engine="fake",
    images={"app": "image-1"},
    prompt="p",
    fixtures={"app": "f"},
    scenarios={"minus": "s"},
    models={},
)
PRICE = {
    "valid_from": "2025-01-01",
    "input": 1.0,
    "output": 2.0,
    "source": "a test",
    "checked_on": "2025-01-01",
}
FINE = call("give_marks", reasons="Small and clear.", **dict.fromkeys(Factor, 4))


def card(name: str, **fields: Any) -> ModelCard:  # noqa: ANN401 (any field)
    """Make the card of a model at an endpoint."""
    known = {
        "schema_version": 1,
        "id": name,
        "title": name,
        "provider": "acme",
        "model": name.rpartition("/")[2],
        "base_url": "http://127.0.0.1:9/v1",
        "prices": [PRICE],
    }
    return ModelCard.model_validate(known | fields)


@dataclass
class Bench:
    """A run of two models; tests add trials to it."""

    run: Run

    def add(
        self,
        model: str = "acme/left",
        *,
        repeat: int = 1,
        diff: str = "+one\n",
        task: str = "Mend the sum.",
        **fields: Any,  # noqa: ANN401 (any field)
    ) -> Trial:
        """Add one graded trial with its files."""
        paths = self.run.paths.attempt(PlannedTrial(model, "minus", repeat), 1)
        recording = Recording(paths)
        recording.begin()
        request = {"messages": [{"role": "system", "content": "Work."}, _user(task)]}
        recording.exchange(Exchange(turn=1, attempt=1, sent_at="2026-01-01"), request, [])
        paths.patch.write_bytes(diff.encode())
        digest = hashlib.sha256(diff.encode()).hexdigest()
        files = ("lib/sum.mjs",) if diff else ()
        trial = _trial(model, repeat, Patch(digest=digest, files=files, added=1, deleted=0))
        trial = trial.model_copy(update=fields)
        with self.run.writing(LOCK):
            self.run.add(trial)
        return trial


def _user(text: str) -> Message:
    return {"role": "user", "content": text}


def _trial(model: str, repeat: int, patch: Patch) -> Trial:
    return Trial(
        model=model,
        scripted=False,
        scenario="minus",
        kind="bug",
        repeat=repeat,
        attempt=1,
        ending=Ending.FINISHED,
        verdict=Verdict.PASS,
        started_at="2026-01-01T00:00:00+00:00",
        phases={"total": 1.0},
        turns=1,
        requests=1,
        rate_limited=0,
        usage=None,
        cost_usd=None,
        funnel=Funnel(),
        latencies=(),
        patch=patch,
    )


@pytest.fixture
def bench(tmp_path: Path) -> Bench:
    config = RunConfig(
        run_id="r1",
        created_at="2026-01-01T00:00:00+00:00",
        suite=str(tmp_path),
        models=(card("acme/left"), card("acme/right")),
        scenarios=(PlannedScenario(id="minus", title="Minus", kind="bug", difficulty="easy"),),
        repeats=3,
        engine="auto",
    )
    return Bench(Run.create(tmp_path / "runs", config))


@dataclass
class Critic:
    """A judge: what it answers, request by request, and what it was asked."""

    answers: Sequence[Answer] = (Answer(calls=(FINE,)),)
    """The last one is given for ever."""
    rejections: tuple[Rejection, ...] = ()
    asked: list[Sequence[Message]] = field(default_factory=list)

    def respond(self, messages: Sequence[Message]) -> Answer:
        """Note what was asked and answer it."""
        self.asked.append(messages)
        return self.answers[min(len(self.asked), len(self.answers)) - 1]


@asynccontextmanager
async def _served(critic: Critic) -> AsyncIterator[str]:
    player = Player(name="critic", rehearse=lambda _: critic.respond, rejections=critic.rejections)
    async with serve_players() as server:
        yield server.stage(player, Performance(seeded={}, reference={}, test_command=""))


@pytest.fixture
def critic() -> type[Critic]:
    return Critic


@pytest.fixture
def served() -> Callable[[Critic], AbstractAsyncContextManager[str]]:
    return _served


@pytest.fixture
def make_card() -> Callable[..., ModelCard]:
    return card
