"""Figures of several parts -> text, and what has to be said beside a model's row."""

from __future__ import annotations

from typing import TYPE_CHECKING

from reports import words

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from testbed.figures import (
        BestTrial,
        ModelFigures,
        PreflightFigures,
        PriceCheck,
        PromptFigures,
    )
    from testbed.mark_figures import RaterFigures
    from testbed.marks import Agreement
    from testbed.quality_figures import Beside
    from testbed.sums import Mean, Share

FOLLOW_UPS = (
    "Follow-ups: {}. A trial passed when one of its prompts led to a passing patch, so that "
    "single-prompt success is not measured in this run and shown as \N{EN DASH}."
)


def mode(models: Sequence[ModelFigures]) -> list[str]:
    """Say what has to be known of the whole run before its figures are read."""
    found = next((m.prompts for m in models if m.prompts), None)
    return [FOLLOW_UPS.format(found.follow_ups)] if found else []


def scripted(models: Sequence[ModelFigures]) -> list[str]:
    """Say that players are no models, when there is one."""
    return [words.SCRIPTED_NOTE] if any(m.scripted for m in models) else []


def notes(model: ModelFigures) -> list[str]:
    """Say what puts a model's figures in doubt, or in another light."""
    parts = (
        f"preflight {preflight(model)}" if model.preflight and model.preflight.failed else "",
        _served(model.measures.served, model.asked),
        _price(model.measures.cost.check),
    )
    return [part for part in parts if part]


def _served(served: Mapping[str, int], asked: str) -> str:
    if len(served) > 1:
        return f"more than one model was served (tries): {_verbatim(served)}"
    others = [name for name in served if asked and name != asked]
    return f"served as {words.clean(others[0])}, asked for {words.clean(asked)}" if others else ""


def _verbatim(counts: Mapping[str, int]) -> str:
    return ", ".join(f"{words.clean(name)} {count:,}" for name, count in counts.items())


def _price(check: PriceCheck) -> str:
    if not check.differing.hits:
        return ""
    return (
        f"the provider says {words.money(check.theirs.value)} where the price card says "
        f"{words.money(check.ours.value)}: {check.differing.hits:,} of {check.differing.known:,} "
        "tries with both differ by more than 1 %"
    )


def preflight(model: ModelFigures) -> str:
    """Print `green`, `red: tools_whole, usage`, or that nobody asked."""
    found = model.preflight
    if found is None:
        return "not asked"
    return f"red: {', '.join(map(words.clean, found.failed))}" if found.failed else "green"


def probe(found: PreflightFigures | None, name: str) -> str:
    """Print what became of one probe."""
    outcome = found.outcomes.get(name) if found else "not asked"
    return words.UNKNOWN if outcome is None else words.clean(outcome).replace("_", " ")


def answered_as(model: ModelFigures) -> str:
    """Name what the endpoint called itself when it was asked before the trials."""
    named = model.preflight.served if model.preflight else ()
    return ", ".join(map(words.clean, named)) or words.UNKNOWN


def per_point(model: ModelFigures) -> str:
    """Print the cost per percentage point of pass@1, or that none was won."""
    if model.pass_1.left_out and not model.pass_1.left_out.value:
        return "none solved"
    return words.money_total(model.cost_per_point)


def beside(found: Beside, *, share: bool = False) -> str:
    """Print `12.5 / 11`: the model's mean / the reference's, over the same trials."""
    mean = found.paired if found.paired.known else found.own
    if mean.value is None:
        return words.UNKNOWN
    text = f"{_figure(mean, share=share)} / {_figure(found.reference, share=share)}"
    return text + words.coverage(mean.known, mean.of)


def _figure(mean: Mean, *, share: bool) -> str:
    return words.percent(mean.value) if share else words.number(mean.value)


def harms(counts: Mapping[str, int], looked: Share) -> str:
    """Print `broken types 2`, `none`, or a dash when nobody looked."""
    if not looked.known:
        return words.UNKNOWN
    return words.tally(counts) + words.coverage(looked.known, looked.of)


def solved_by(found: PromptFigures | None, prompts: int) -> str:
    """Print the rate of trials solved by so many prompts."""
    return words.rate(found.solved_by[prompts]) if found else words.UNKNOWN


def solved(found: PromptFigures | None) -> str:
    """Print the trials that were solved at all: `7/9`."""
    return words.score(found.solved) if found else words.UNKNOWN


def prompts(found: PromptFigures | None) -> str:
    """Print the median of prompts to success, and over how many solved trials."""
    if found is None or found.prompts.median is None:
        return words.UNKNOWN
    return f"{words.number(found.prompts.median)} (n {found.prompts.known:,})"


def mark(found: RaterFigures | None, factor: str) -> str:
    """Print a rater's mean score."""
    return words.number(found.means.get(factor) if found else None)


def marked(found: RaterFigures | None) -> str:
    """Print how many patches have a mark of a rater: `20 of 27 (60 marks)`."""
    if found is None:
        return words.UNKNOWN
    how = "" if found.blinded else ", not blinded"
    return f"{found.marked:,} of {found.of:,} ({words.plural(found.marks, 'mark')}{how})"


def agreement(found: Agreement | None) -> str:
    """Print `92 %, alpha 0.71 (n 60)`: pairs within one point, Krippendorff's alpha, pairs."""
    if found is None or not found.pairs:
        return words.UNKNOWN
    return (
        f"{words.percent(found.within_one)}, alpha {words.number(found.alpha)} (n {found.pairs:,})"
    )


def best(chosen: BestTrial | None) -> str:
    """Print which trial is the best and what became of it: `2: pass`."""
    if chosen is None:
        return words.UNKNOWN
    return f"{chosen.repeat}: {'pass' if chosen.passed else 'fail'}"


def best_by(chosen: BestTrial | None) -> str:
    """Print what the best trial was chosen by: `0 violations, 1 unused, 14 lines, $0.02`."""
    if chosen is None:
        return ""
    return (
        f"{words.count(chosen.violations)} violations, {words.count(chosen.unused)} unused, "
        f"{words.count(chosen.changed_lines)} lines, {words.money(chosen.cost_usd)}"
    )
