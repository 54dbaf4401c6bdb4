"""What a try came to, as the one record that every figure is computed from."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from runner.chat.errors import OVERLOADS
from runner.harm import harm_of
from testbed.records import CheckKind, Ending, Grade, Latency, Trial, Verdict

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from runner.agent.budget import AgentResult
    from runner.tally import Tally
    from runner.workspace import PatchFile
    from testbed.catalog import ModelCard
    from testbed.plan import PlannedTrial
    from testbed.records import Exchange, Failure

NAMED_FAILURES: Final = 20
SPEED_TOKENS: Final = 20
"""Fewer output tokens than this say nothing about speed."""
BURST_S: Final = 0.05
"""A reply that arrives within this time was not streamed token by token."""
DECIDING: Final = tuple(kind for kind in CheckKind if kind is not CheckKind.CONSTRAINT)


@dataclass(frozen=True, kw_only=True)
class Outcome:
    """What a try came to; `None` for what it did not reach."""

    result: AgentResult | None = None
    patch: PatchFile | None = None
    grade: Grade | None = None
    failure: Failure | None = None
    prompts: tuple[Verdict, ...] | None = None
    """Verdicts after every prompt but the last; `None` without follow-ups."""


def summarise(
    planned: PlannedTrial,
    *,
    card: ModelCard,
    kind: str,
    attempt: int,
    started_at: str,
    phases: Mapping[str, float],
    tally: Tally,
    outcome: Outcome,
) -> Trial:
    """Put a try into one record. Infrastructure alone makes it `ungraded`."""
    result, patch = outcome.result, outcome.patch
    exchanges = result.exchanges if result else ()
    trial = Trial(
        model=planned.model,
        scripted=card.scripted,
        scenario=planned.scenario,
        kind=kind,
        repeat=planned.repeat,
        attempt=attempt,
        ending=result.ending if result else Ending.INFRA_ERROR,
        verdict=Verdict.UNGRADED,
        failure=outcome.failure,
        started_at=started_at,
        phases={**phases, **_agent_phases(result)},
        turns=result.turns if result else 0,
        requests=len(exchanges),
        rate_limited=sum(exchange.error in OVERLOADS for exchange in exchanges),
        usage=result.usage if result else None,
        cost_usd=result.cost_usd if result else None,
        funnel=tally.funnel(),
        latencies=tuple(latencies(exchanges)),
        patch=patch.patch if patch else None,
        tool_replies=tally.tool_replies,
        schema_valid_replies=tally.schema_valid_replies,
        served_models=served_models(exchanges),
        reported_cost_usd=reported_cost(exchanges),
        quota=quota(exchanges),
        prompts=() if outcome.prompts is None else (*outcome.prompts, Verdict.UNGRADED),
    )
    return graded(trial, outcome.grade) if outcome.grade else trial


def _agent_phases(result: AgentResult | None) -> dict[str, float]:
    if result is None:
        return {}
    parts = {"model": result.model_s, "tools": result.tool_s, "waiting": result.waited_s}
    return {phase: round(seconds, 6) for phase, seconds in parts.items()}


def graded(trial: Trial, grade: Grade) -> Trial:
    """Return the trial with this grade in place of any earlier one."""
    # Nobody looks at the constraints of a workspace that is no patch.
    told = any(check.kind is CheckKind.CONSTRAINT for check in grade.checks)
    looked = told and grade.verdict is not Verdict.UNGRADED
    failed = tuple(check.id for check in grade.failed(*DECIDING))
    violated = tuple(check.id for check in grade.failed(CheckKind.CONSTRAINT))
    return trial.model_copy(
        update={
            "verdict": grade.verdict,
            "failure": grade.failure,
            "checks_total": sum(check.kind in DECIDING for check in grade.checks),
            "checks_failed": failed[:NAMED_FAILURES],
            "violations": violated if looked else None,
            "unused": None if grade.unused is None else len(grade.unused),
            "localised": grade.localised,
            "quality": grade.quality,
            "own_tests": grade.own_tests,
            "harm": harm_of(grade, trial.patch, trial.funnel.causes) if looked else None,
            "prompts": (*trial.prompts[:-1], grade.verdict) if trial.prompts else (),
        }
    )


def served_models(exchanges: Iterable[Exchange]) -> tuple[str, ...]:
    """List what the endpoint called the model it served, once each, in order of appearance."""
    return tuple(dict.fromkeys(e.served_model for e in exchanges if e.served_model))


def reported_cost(exchanges: Sequence[Exchange]) -> float | None:
    """Sum what the provider says, in USD; `None` when a complete reply came without a word."""
    said = [e.reported_cost_usd for e in exchanges if e.reported_cost_usd is not None]
    silent = any(e.error is None and e.reported_cost_usd is None for e in exchanges)
    return None if silent or not said else sum(said)


def latencies(exchanges: Iterable[Exchange]) -> Iterable[Latency]:
    """Yield the times of every complete reply; failed attempts have none."""
    for exchange in exchanges:
        if exchange.error is None and exchange.last_byte_s is not None:
            yield Latency(
                response_s=exchange.last_byte_s,
                ttft_s=exchange.first_token_s,
                ttfo_s=exchange.first_output_s,
                output_tokens_per_s=_speed(exchange),
            )


def _speed(exchange: Exchange) -> float | None:
    """Divide the streamed tokens by the time they took to arrive.

    `None` where that says nothing: few tokens, or a reply that came in one burst. Reasoning
    that was counted but not streamed is left out.
    """
    usage, first, last = exchange.usage, exchange.first_token_s, exchange.last_token_s
    if usage is None or usage.output is None or first is None or last is None:
        return None
    hidden = usage.reasoning or 0 if first == exchange.first_output_s else 0
    streamed = usage.output - hidden
    if streamed < SPEED_TOKENS or last - first < BURST_S:
        return None
    return streamed / (last - first)


def quota(exchanges: Iterable[Exchange]) -> dict[str, str]:
    """Return the limits that response headers told, by header, as last seen."""
    return {
        name: value
        for exchange in exchanges
        for name, value in exchange.headers.items()
        if "limit" in name.split("-")
    }
