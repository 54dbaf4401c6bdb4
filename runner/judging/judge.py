"""Asks a model for marks, sample by sample, and books each with what it cost."""

from __future__ import annotations

import random
import secrets
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Final

from runner.agent.budget import total_cost, total_usage
from runner.chat.base import ChatFailure
from runner.chat.openai import Connection, OpenAIChat
from runner.chat.retry import RetryPolicy
from runner.chatters import Pricer, endpoint_of
from runner.judging.answer import Marks, Unusable, read_answer
from runner.judging.question import build_question
from runner.recording import Recording
from runner.redaction import Redactor
from testbed.errors import EndpointError, RunError
from testbed.marks import Mark, append_mark, judging_folder, read_marks
from testbed.pricing import cost_of
from testbed.records import Usage
from testbed.store import TrialPaths, storing

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from runner.chat.base import ChatModel
    from runner.judging.docket import Exhibit
    from runner.judging.question import Question, Rubric
    from testbed.catalog import ModelCard
    from testbed.records import Exchange
    from testbed.store import Run

POLICY: Final = RetryPolicy(attempts=4, wait_s=60.0)
ASKS: Final = 2
"""How often a sample is asked for before it counts as no mark."""
_BYTES_PER_TOKEN: Final = 2
"""Fewer than any tokeniser makes of code, so that a cost is never guessed too low."""
_INVALID: Final = "invalid"
_NO_REPLY: Final = "no_reply"


@dataclass
class Sitting:
    """What became of one invocation."""

    kept: int = 0
    """Samples that were there already."""
    marks: list[Mark] = field(default_factory=list)
    left: int = 0
    """Samples that the limit of cost left out."""
    spent_usd: float = 0.0
    """What counts against the limit: a sample of unknown cost counts as the dearest possible."""

    def take(self, mark: Mark, *, worst: float) -> None:
        """Count one sample in; `worst` is what it could have cost at most, in USD."""
        self.marks.append(mark)
        self.left -= 1
        self.spent_usd += worst if mark.cost_usd is None else mark.cost_usd


@dataclass(frozen=True, kw_only=True)
class Judge:
    """One judge model under one rubric, sitting over the patches of one run."""

    run: Run
    card: ModelCard
    rubric: Rubric
    samples: int = 3
    """Marks asked for per patch."""
    max_cost_usd: float | None = None
    """Of one sitting; no sample is asked for that could exceed it."""

    @property
    def name(self) -> str:
        """Name the judge as its marks do."""
        return f"judge:{self.card.id}"

    async def sit(
        self,
        exhibits: Sequence[Exhibit],
        *,
        base_url: str | None = None,
        watch: Callable[[Mark], None] = lambda _: None,
    ) -> Sitting:
        """Ask for every sample that is not there yet; each is stored as soon as it came.

        Raises `RunError` for a limit of cost without a price, `EndpointError` when no answer can
        be had: what came before is kept, and sitting again goes on from there.
        """
        due = self._due(exhibits)
        sitting = Sitting(kept=len(exhibits) * self.samples - len(due), left=len(due))
        self._demand_price()
        async with Connection(endpoint_of(self.card, base_url=base_url)) as connection:
            for exhibit, sample in due:
                seed = secrets.randbits(32)
                question = build_question(self.rubric, exhibit, seed=seed)
                if not self._affords(question, sitting):
                    break
                mark = await self._mark(connection, question, exhibit, sample=sample, seed=seed)
                sitting.take(self._kept(mark), worst=self._worst(question))
                watch(mark)
        return sitting

    def _demand_price(self) -> None:
        if self.max_cost_usd is not None and self.card.price_now(datetime.now(UTC)) is None:
            raise RunError(
                f"{self.card.id} has no price valid today, so --max-cost-usd could not hold",
                next_step="Add a price to its card, or leave the limit out",
            )

    def _affords(self, question: Question, sitting: Sitting) -> bool:
        limit = self.max_cost_usd
        return limit is None or sitting.spent_usd + self._worst(question) <= limit

    def _due(self, exhibits: Sequence[Exhibit]) -> list[tuple[Exhibit, int]]:
        """List what is to be asked: round by round, each round in an order of its own."""
        terms = (self.rubric.digest, self.card.digest())
        done = {
            (mark.key, mark.patch, mark.sample)
            for mark in read_marks(self.run.paths.marks)
            if mark.by == self.name and mark.terms == terms and not _is_lost(mark)
        }
        shuffle = random.SystemRandom().sample
        return [
            (exhibit, sample)
            for sample in range(1, self.samples + 1)
            for exhibit in shuffle(exhibits, len(exhibits))
            if (exhibit.key, exhibit.patch, sample) not in done
        ]

    def _worst(self, question: Question) -> float:
        """Return what a sample can cost at most in USD, 0 when that is unknown."""
        said = sum(len(str(part).encode()) for part in (*question.messages, *question.tools))
        most = Usage(fresh_input=said // _BYTES_PER_TOKEN, output=self.card.max_output_tokens)
        return ASKS * (cost_of(most, self.card.price_now(datetime.now(UTC))) or 0.0)

    async def _mark(
        self,
        connection: Connection,
        question: Question,
        exhibit: Exhibit,
        *,
        sample: int,
        seed: int,
    ) -> Mark:
        chat = OpenAIChat(
            connection,
            recorder=self._recording(exhibit, sample=sample).exchange,
            price=Pricer(card=self.card),
            policy=POLICY,
        )
        exchanges: list[Exchange] = []
        marks, fault = await _asked(chat, question, exchanges)
        return Mark(
            **exhibit.key._asdict(),
            patch=exhibit.patch,
            by=self.name,
            sample=sample,
            scores=dict(marks.scores) if marks else None,
            fault=fault,
            note=marks.reasons if marks else "",
            rubric=self.rubric.digest,
            card=self.card.digest(),
            seed=seed,
            usage=total_usage(exchanges),
            cost_usd=total_cost(exchanges),
            served_model=next(
                (e.served_model for e in reversed(exchanges) if e.served_model), None
            ),
            at=datetime.now(UTC).isoformat(timespec="seconds"),
        )

    def _kept(self, mark: Mark) -> Mark:
        """Store a mark; raise `EndpointError` when it says that no answer can be had."""
        if mark.cost_usd != 0 or not _is_lost(mark):
            with storing(self.run.paths.marks):
                append_mark(self.run.paths.marks, mark)
        if _is_lost(mark):
            raise EndpointError(
                f"{self.card.id}: {mark.fault}",
                next_step="Marks that came are kept: the same command goes on from there",
            )
        return mark

    def _recording(self, exhibit: Exhibit, *, sample: int) -> Recording:
        folder = exchanges_folder(self.run.paths.folder, self.card.id, exhibit, sample=sample)
        with storing(folder):
            folder.mkdir(parents=True, exist_ok=True)
        return Recording(TrialPaths(folder), Redactor.for_cards([self.card]))


def exchanges_folder(run: Path, judge: str, exhibit: Exhibit, *, sample: int) -> Path:
    """Return where the raw exchanges of one sample are kept."""
    parts = [judge, *(str(part) for part in exhibit.key), str(sample)]
    return judging_folder(run).joinpath(*(p.replace("/", "~").replace(":", "+") for p in parts))


async def _asked(
    chat: ChatModel, question: Question, exchanges: list[Exchange]
) -> tuple[Marks | None, str | None]:
    """Return marks, or why there are none; an unusable answer is asked for once more."""
    messages, fault = question.messages, ""
    for turn in range(1, ASKS + 1):
        try:
            reply = await chat.complete(messages, question.tools, turn=turn)
        except ChatFailure as failure:
            exchanges += failure.exchanges
            kind = _INVALID if failure.model_fault else _NO_REPLY
            return None, f"{kind}: {failure}"
        exchanges += reply.exchanges
        try:
            return read_answer(reply), None
        except Unusable as why:
            messages, fault = question.again(str(why)), f"{_INVALID}: {why}"
    return None, fault


def _is_lost(mark: Mark) -> bool:
    """Say whether no answer came, so that the sample is to be asked for again."""
    return mark.fault is not None and mark.fault.startswith(_NO_REPLY)
