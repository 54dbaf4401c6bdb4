"""The figures over all trials of a player: foretold from its parts, and as the metrics say."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from runner.cast.expectation import Computed, Exactly
from runner.cast.expectations import funnel, passes, violated
from testbed.records import Stage

if TYPE_CHECKING:
    from collections.abc import Sequence

    from runner.cast.expectation import Expectation
    from runner.cast.part import Part
    from testbed.figures import ModelFigures

EXECUTED: Final = (Stage.EXECUTABLE, Stage.EFFECTIVE)


def expected_rates(parts: Sequence[Part]) -> dict[str, Expectation]:
    """Foretell a player's rates from its parts, repeats in their order."""
    tallies: dict[str, list[bool]] = {}
    for part in parts:
        tallies.setdefault(part.scenario.id, []).append(passes(part))
    scenarios, repeats = len(tallies), min(map(len, tallies.values()))
    rates = {
        "pass@1": sum(sum(tally) / len(tally) for tally in tallies.values()) / scenarios,
        f"pass@{repeats}": sum(map(any, tallies.values())) / scenarios,
        f"pass^{repeats}": sum(map(all, tallies.values())) / scenarios,
        "tool-call accuracy": _accuracy(parts),
    }
    first = [part for part in parts if part.performance.repeat == 1]
    return {
        "single prompt": Exactly(f"{sum(map(passes, first))}/{scenarios}"),
        "adherence": Exactly(f"{sum(not violated(part) for part in first)}/{scenarios}"),
        **{n: Computed(rate) for n, rate in rates.items()},
    }


def _accuracy(parts: Sequence[Part]) -> float:
    stages = [funnel(part, part.answers())[0] for part in parts]
    executed = sum(count[stage] for count in stages for stage in EXECUTED)
    return executed / sum(count.total() for count in stages)


def measured_rates(figures: ModelFigures) -> dict[str, object]:
    """Read the same from a model's figures."""
    single, adherence = figures.single_prompt, figures.adherence
    return {
        "single prompt": f"{single.hits}/{single.of}",
        "adherence": f"{adherence.hits}/{adherence.of}",
        **{f"pass^{k}": rate for k, rate in figures.pass_all.items()},
        **{f"pass@{k}": rate for k, rate in figures.pass_at.items()},
        "tool-call accuracy": figures.measures.tool_calls.micro,
    }
