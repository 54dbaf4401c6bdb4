"""What the pipeline says of a trial, under the names of the expectations."""

from __future__ import annotations

from statistics import median
from typing import TYPE_CHECKING, Final

from testbed.findings import Harm

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from testbed.records import Trial, Usage


def _usage(field: str) -> Callable[[Trial], object]:
    return lambda trial: None if trial.usage is None else _class(trial.usage, field)


def _class(usage: Usage, field: str) -> object:
    return usage.model_dump()[field]


def _median(field: str) -> Callable[[Trial], object]:
    def read(trial: Trial) -> object:
        known = [v for v in (latency.model_dump()[field] for latency in trial.latencies) if v]
        return median(known) if known else None

    return read


def _streamed_s(trial: Trial) -> float:
    return sum(known.response_s - (known.ttft_s or 0.0) for known in trial.latencies)


def _breaks_visible(trial: Trial) -> bool:
    # The record names only the first of many failed checks; its harm rests on all of them.
    return Harm.BROKEN_TESTS in (trial.harm or ())


FIGURES: Final[Mapping[str, Callable[[Trial], object]]] = {
    "verdict": lambda trial: trial.verdict,
    "ending": lambda trial: trial.ending,
    "served models": lambda trial: trial.served_models,
    "turns": lambda trial: trial.turns,
    "requests": lambda trial: trial.requests,
    "rate limits": lambda trial: trial.rate_limited,
    "seconds waited": lambda trial: trial.phases.get("waiting"),
    "calls by stage": lambda trial: dict(trial.funnel.stages),
    "causes": lambda trial: dict(trial.funnel.causes),
    "tool replies": lambda trial: trial.tool_replies,
    "schema-valid replies": lambda trial: trial.schema_valid_replies,
    "TTFT, median s": _median("ttft_s"),
    "TTFO, median s": _median("ttfo_s"),
    "response, median s": _median("response_s"),
    "first to last token, s": _streamed_s,
    "output speed, median": _median("output_tokens_per_s"),
    "output tokens": _usage("output"),
    "reasoning tokens": _usage("reasoning"),
    "fresh input": _usage("fresh_input"),
    "cache read": _usage("cache_read"),
    "cost, $": lambda trial: trial.cost_usd,
    "changed files": lambda trial: trial.patch and trial.patch.files,
    "tampered": lambda trial: trial.patch and trial.patch.tampered,
    "violations": lambda trial: trial.violations,
    "localised": lambda trial: trial.localised,
    "unused names": lambda trial: trial.unused,
    "breaks visible tests": _breaks_visible,
    "harm": lambda trial: trial.harm,
}
"""Figure -> how it is read from a trial's record."""
