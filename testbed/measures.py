"""What a set of trials did, beside whether it passed.

Tries that infrastructure spoiled stay out of every figure about the model's work, but their
money, requests and waiting were spent: those are over every try.
"""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Final

from testbed.figures import (
    Cost,
    Harms,
    Measures,
    PriceCheck,
    Times,
    Tokens,
    ToolCalls,
    Unused,
    Waits,
)
from testbed.records import Stage, Trial, Usage, Verdict
from testbed.sums import Mean, Share, Spread, Total, exact_sum

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from testbed.findings import Harm
    from testbed.records import Funnel
    from testbed.tries import Tries

TOLERANCE: Final = 0.01
"""Of the reported cost: what a price card may be off before it is said."""


def measure(tries: Tries) -> Measures:
    """Compute every figure that needs no more than the tries themselves."""
    valid = tries.valid
    return Measures(
        tool_calls=tool_calls(valid),
        unused=_unused(valid),
        tokens=_tokens([t.usage for t in valid]),
        cost=cost(tries),
        times=_times(valid),
        waits=_waits(tries.all),
        harms=_harms(valid),
        served=ranked(name for t in tries.all for name in t.served_models),
        endings=ranked(t.ending for t in tries.trials),
        verdicts=ranked(t.verdict for t in tries.trials),
        spoiled_by=ranked(
            t.failure.origin if t.failure else "not_stated"
            for t in tries.all
            if t.verdict is Verdict.UNGRADED
        ),
    )


def tool_calls(trials: Sequence[Trial]) -> ToolCalls:
    """Pour the trials' funnels together."""
    funnels = [t.funnel for t in trials]
    stages, causes = _summed([f.stages for f in funnels]), _summed([f.causes for f in funnels])
    emitted, executable = sum(f.emitted for f in funnels), sum(f.executable for f in funnels)
    order = list(Stage)
    return ToolCalls(
        emitted=emitted,
        executable=executable,
        micro=executable / emitted if emitted else None,
        macro=Mean.over([f.executable / f.emitted if f.emitted else None for f in funnels]),
        reached={s: sum(stages[later] for later in order[i:]) for i, s in enumerate(order)},
        causes=ranked(causes.elements()),
        causes_by_tool=_by_tool(funnels),
        schema=Share.counted(
            sum(t.schema_valid_replies for t in trials), sum(t.tool_replies for t in trials)
        ),
    )


def _by_tool(funnels: Sequence[Funnel]) -> dict[str, dict[str, int]]:
    tools = sorted({tool for funnel in funnels for tool in funnel.causes_by_tool})
    return {
        tool: ranked(_summed([f.causes_by_tool.get(tool, {}) for f in funnels]).elements())
        for tool in tools
    }


def cost(tries: Tries) -> Cost:
    """Add up what the tries, and the marks that judges gave them, have cost."""
    costs = [t.cost_usd for t in tries.valid]
    counted = Total.over(costs)
    # A try that sent no request is known to have cost nothing.
    spent = [t.cost_usd if t.cost_usd is not None or t.requests else 0.0 for t in tries.all]
    return Cost(
        counted=counted,
        all_tries=Total.over(spent),
        with_judges=Total.over([*spent, *tries.judged]),
        judges=Total.over(tries.judged),
        per_trial=Mean.over(costs),
        per_solved=counted.divided(tries.passes) if tries.passes else None,
        check=_price_check(tries.all),
    )


def _price_check(tries: Sequence[Trial]) -> PriceCheck:
    both = [
        (t.cost_usd, t.reported_cost_usd)
        for t in tries
        if t.cost_usd is not None and t.reported_cost_usd is not None
    ]
    differing = sum(abs(ours - theirs) > TOLERANCE * theirs for ours, theirs in both)
    return PriceCheck(
        reported=Total.over([t.reported_cost_usd for t in tries]),
        differing=Share.counted(differing, len(both), of=len(tries)),
        ours=Total.over([ours for ours, _ in both]),
        theirs=Total.over([theirs for _, theirs in both]),
    )


def _unused(trials: Sequence[Trial]) -> Unused:
    counts = [t.unused for t in trials]
    return Unused(
        total=Total.over(counts),
        per_trial=Mean.over(counts),
        trials_with=Share.over([None if c is None else c > 0 for c in counts]),
    )


def _tokens(usages: Sequence[Usage | None]) -> Tokens:
    reports = [usage or Usage() for usage in usages]
    return Tokens(
        fresh_input=Total.over([u.fresh_input for u in reports]),
        cache_read=Total.over([u.cache_read for u in reports]),
        cache_write=Total.over([u.cache_write for u in reports]),
        output=Total.over([u.output for u in reports]),
        reasoning=Total.over([u.reasoning for u in reports]),
    )


def _times(trials: Sequence[Trial]) -> Times:
    replies = [reply for trial in trials for reply in trial.latencies]
    return Times(
        response=Spread.over([r.response_s for r in replies]),
        ttft=Spread.over([r.ttft_s for r in replies]),
        ttfo=Spread.over([r.ttfo_s for r in replies]),
        output_speed=Spread.over([r.output_tokens_per_s for r in replies]),
        wall=Spread.over([t.phases.get("total") for t in trials]),
    )


def _waits(tries: Sequence[Trial]) -> Waits:
    requests, limited = sum(t.requests for t in tries), sum(t.rate_limited for t in tries)
    both = [t.phases for t in tries if {"waiting", "total"} <= t.phases.keys()]
    wall = exact_sum([p["total"] for p in both])
    return Waits(
        requests=requests,
        rate_limited=limited,
        per_100_requests=100 * limited / requests if requests else None,
        seconds=Total.over([t.phases.get("waiting") for t in tries]),
        share_of_wall=exact_sum([p["waiting"] for p in both]) / wall if wall else None,
        quota=_quota(tries),
    )


def _quota(tries: Sequence[Trial]) -> dict[str, str]:
    seen: dict[str, str] = {}
    for one in sorted(tries, key=lambda one: one.started_at):
        seen |= one.quota
    return dict(sorted(seen.items()))


def _harms(trials: Sequence[Trial]) -> Harms:
    failed = [t.harm for t in trials if t.verdict is Verdict.FAIL]
    passed = [t.harm for t in trials if t.verdict is Verdict.PASS]
    return Harms(
        harmless=_without(failed),
        failed=_harmed(failed),
        passed_harmless=_without(passed),
        passed=_harmed(passed),
    )


def _without(harms: Sequence[tuple[Harm, ...] | None]) -> Share:
    return Share.over([None if harm is None else not harm for harm in harms])


def _harmed(harms: Sequence[tuple[Harm, ...] | None]) -> dict[str, int]:
    return ranked(kind for harm in harms for kind in set(harm or ()))


def ranked(words: Iterable[str]) -> dict[str, int]:
    """Count the words, most frequent first, then by name."""
    return dict(sorted(Counter(map(str, words)).items(), key=lambda item: (-item[1], item[0])))


def _summed(counts: Sequence[Mapping[str, int]]) -> Counter[str]:
    total = Counter[str]()
    for count in counts:
        for word, times in count.items():
            total[word] += times
    return total
