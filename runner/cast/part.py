"""One player in one trial, and what it says there: foretold from its script alone."""

from __future__ import annotations

from dataclasses import dataclass, replace
from decimal import Decimal
from http import HTTPStatus
from itertools import chain, islice, repeat, takewhile
from typing import TYPE_CHECKING, Final

from runner.players.cast import ROLES, performance_of
from runner.players.wire import counted, pieces
from runner.workspace import apply_patch, seed_workspace
from testbed.records import Ending

if TYPE_CHECKING:
    from collections.abc import Iterator

    from runner.players.player import Answer, Bill, Performance, Rejection
    from runner.players.roles import Role
    from testbed.catalog import ModelCard
    from testbed.plan import RunConfig, TrialLimits
    from testbed.pricing import Rates
    from testbed.scenario import Scenario, Suite

OVERLOADS: Final = (HTTPStatus.TOO_MANY_REQUESTS, HTTPStatus.SERVICE_UNAVAILABLE)


@dataclass(frozen=True, kw_only=True)
class Part:
    """One player in one trial."""

    role: Role
    card: ModelCard
    scenario: Scenario
    performance: Performance
    limits: TrialLimits

    def answers(self) -> list[Answer]:
        """List the answers that are asked for until the ending; the last one may repeat."""
        script = self.role.script(self.performance)
        endless = chain(script, repeat(script[-1]))
        if self.role.ending is Ending.TURN_LIMIT:
            return list(islice(endless, self.limits.max_turns))
        if self.role.ending is Ending.TOKEN_LIMIT:
            return list(self._until_out_of_tokens(endless))
        # Who stops talking is told once to go on.
        return list(islice(endless, len(script) + (self.role.ending is Ending.STOPPED_TALKING)))

    def _until_out_of_tokens(self, endless: Iterator[Answer]) -> Iterator[Answer]:
        used = 0
        for answer in endless:
            yield answer
            bill = bill_of(answer)
            used += bill.prompt + bill.completion
            if used >= (self.limits.max_tokens or 0):
                return

    def refused(self) -> tuple[Rejection, ...]:
        """List the rejections that are the player's own fault: each takes a turn."""
        return tuple(r for r in self.role.rejections if r.status not in OVERLOADS)

    def limited(self) -> tuple[Rejection, ...]:
        """List the rejections that ask to wait: each is followed by the same request again."""
        return tuple(r for r in self.role.rejections if r.status in OVERLOADS)


def parts_of(config: RunConfig, suite: Suite) -> Iterator[Part]:
    """Yield the part of every planned trial, in plan order."""
    performances = {scenario.id: _performance(scenario) for scenario in suite.scenarios}
    scenarios = {scenario.id: scenario for scenario in suite.scenarios}
    for planned in config.trials():
        card = config.card(planned.model)
        yield Part(
            role=ROLES[card.player or ""],
            card=card,
            scenario=scenarios[planned.scenario],
            performance=replace(performances[planned.scenario], repeat=planned.repeat),
            limits=config.limits,
        )


def _performance(scenario: Scenario) -> Performance:
    workspace = seed_workspace(scenario)
    reference = apply_patch(workspace, scenario.reference.read_bytes())
    return performance_of(scenario, seeded=workspace.tree, reference=reference)


def bill_of(answer: Answer) -> Bill:
    """Return what an answer reports; its input is known only if the script states it."""
    return answer.bill or counted(answer, prompt=0)


def tokens_sent(answer: Answer) -> tuple[int, int]:
    """Count the streamed events that carry tokens: those of reasoning, and the others."""
    thought = len(pieces(answer.reasoning, answer.deltas))
    calls = sum(1 + len(pieces(made.arguments, answer.deltas)) for made in answer.calls)
    return thought, len(pieces(answer.text, answer.deltas)) + calls


def asked_wait_s(rejection: Rejection) -> float:
    """Read how long a rejection asks to wait, in seconds."""
    headers = dict(rejection.headers)
    if "Retry-After-Ms" in headers:
        return float(headers["Retry-After-Ms"]) / 1000
    return float(headers["Retry-After"])


def price(bill: Bill, card: ModelCard) -> Decimal | None:
    """Price an answer by its card, `None` without a price: the whole call at its tier's rates."""
    if not card.prices:
        return None
    (whole,) = card.prices
    tiers = sorted(whole.tiers, key=lambda tier: tier.above_input_tokens)
    reached = takewhile(lambda tier: bill.prompt > tier.above_input_tokens, tiers)
    rates: Rates = ([whole, *reached])[-1]
    parts = (
        (bill.prompt - bill.cached, rates.input),
        (bill.cached, rates.cache_read or 0.0),
        (bill.completion, rates.output),
    )
    return sum((count * Decimal(str(rate)) for count, rate in parts), Decimal(0)) / 1_000_000
