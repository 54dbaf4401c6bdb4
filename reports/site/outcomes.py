"""One scenario's results as data for its page: a row per model, and the checks that fail."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from statistics import NormalDist
from typing import TYPE_CHECKING, Final

from reports import phrases, words
from reports.leaderboard import cell
from reports.site.choice import first_of
from reports.site.foreign import line
from reports.site.links import model_fragment, pair_target, trial_target
from reports.versus import amounts
from testbed.records import Verdict
from testbed.stats import wilson

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from reports.site.board import Board
    from reports.site.links import Links
    from testbed.comparing.comparison import ScenarioPair
    from testbed.figures import BestTrial, CellFigures, ModelFigures
    from testbed.records import Trial
    from testbed.view import Key

MOST_GROUPS: Final = 20
KEPT_CHECKS: Final = 20
"""Failed checks that a trial's record names at most."""
_KIT: Final = ".testbed/"
"""The folder of what only grading sees."""
_CHECK_CHARS: Final = 160
_Z: Final = NormalDist().inv_cdf(0.975)


@dataclass(frozen=True, kw_only=True)
class Chip:
    """One trial."""

    repeat: int
    verdict: str
    href: str | None
    best: bool


@dataclass(frozen=True, kw_only=True)
class Outcome:
    """One model at the scenario; every text is clean."""

    id: str
    """Of its row."""
    model: str
    scripted: bool
    passed: str
    interval: str
    chips: tuple[Chip, ...]
    not_run: int
    best: str
    best_by: str
    against: str
    """Gain in points and p; empty without a baseline."""
    p: str
    pair: str | None
    """Address of the page that shows its first trial beside the baseline's."""
    cost: str
    wall: str
    calls: str
    accuracy: str
    violations: str


@dataclass(frozen=True, kw_only=True)
class FailedChecks:
    """Checks that the very same trials failed."""

    checks: tuple[tuple[str, str], ...]
    """File of the test, empty for what is no test, and name."""
    trials: int
    more: bool
    """Whether further trials may have failed them: those that failed more than is kept of each."""
    models: tuple[tuple[str, int], ...]
    """Model -> its trials that failed them, most often first."""


def outcomes(
    board: Board, scenario: str, trials: Mapping[str, Sequence[Trial]], links: Links
) -> tuple[Outcome, ...]:
    """Give a row per model, in the leaderboard's order; `trials` are as `trials_of` has them."""
    cells = {c.model: c for c in board.figures.cells if c.scenario == scenario}
    pairs = pairs_of(board, scenario)
    return tuple(
        _outcome(
            board,
            model,
            cells[model.model],
            trials=trials,
            pair=pairs.get(model.model),
            links=links,
        )
        for model in board.models
        if model.model in cells
    )


def trials_of(board: Board, scenario: str) -> dict[str, list[Trial]]:
    """Sort the scenario's trials by model and repeat."""
    found: dict[str, list[Trial]] = {}
    for trial in sorted(
        (t for t in board.view.trials if t.scenario == scenario), key=lambda t: t.repeat
    ):
        found.setdefault(trial.model, []).append(trial)
    return found


def pairs_of(board: Board, scenario: str) -> dict[str, ScenarioPair]:
    """Give each candidate's comparison with the baseline at the scenario."""
    comparisons = board.contest.comparisons if board.contest else ()
    return {
        comparison.b.model: pair
        for comparison in comparisons
        for pair in comparison.scenarios
        if pair.scenario == scenario
    }


def _outcome(
    board: Board,
    model: ModelFigures,
    figures: CellFigures,
    *,
    trials: Mapping[str, Sequence[Trial]],
    pair: ScenarioPair | None,
    links: Links,
) -> Outcome:
    mine, measures = trials.get(model.model, ()), figures.measures
    baseline = board.contest.baseline if board.contest else ""
    gain, p = _against(pair)
    return Outcome(
        id=links.anchor(model_fragment(model.model)),
        model=words.clean(model.model),
        scripted=model.scripted,
        passed=cell(figures),
        interval=_interval(figures),
        chips=tuple(_chips(figures, mine, links)),
        not_run=figures.counts.not_run,
        best=phrases.best(figures.best),
        best_by=_best_by(figures.best),
        against="baseline" if model.model == baseline else gain,
        p=p,
        pair=_pair(trials.get(baseline, ()), mine, links),
        cost=words.money_mean(measures.cost.per_trial),
        wall=words.median(measures.times.wall),
        calls=_per_trial(measures.tool_calls.emitted, figures.counts.valid),
        accuracy=words.percent(measures.tool_calls.micro),
        violations=_violations(mine),
    )


def _interval(figures: CellFigures) -> str:
    valid = figures.counts.valid
    return words.bounds(wilson(figures.passes / valid, valid, _Z)) if valid else ""


def _chips(figures: CellFigures, trials: Iterable[Trial], links: Links) -> Iterator[Chip]:
    best = figures.best.repeat if figures.best and figures.best.of > 1 else None
    for trial in trials:
        yield Chip(
            repeat=trial.repeat,
            verdict=trial.verdict.value,
            href=links.to(trial_target(trial.key)),
            best=trial.repeat == best,
        )


def _against(pair: ScenarioPair | None) -> tuple[str, str]:
    if pair is None or pair.gain is None:
        return words.UNKNOWN, ""
    gain = amounts.as_points(pair.gain) if pair.gain else "even"
    return gain, "" if pair.fisher_p is None else f"p {amounts.chance(pair.fisher_p)}"


def _pair(left: Sequence[Trial], right: Sequence[Trial], links: Links) -> str | None:
    """Link the page of the two first trials."""
    if not left or not right:
        return None
    return links.to(pair_target(first_of(left).key, first_of(right).key))


def _best_by(chosen: BestTrial | None) -> str:
    """Say what speaks for the best trial, as far as it is known."""
    if chosen is None:
        return ""
    counts = (
        (chosen.changed_lines, "line"),
        (chosen.violations, "violation"),
        (chosen.unused, "unused name"),
    )
    known = [words.plural(count, noun) for count, noun in counts if count is not None]
    cost = [] if chosen.cost_usd is None else [words.money(chosen.cost_usd)]
    return ", ".join([*known, *cost])


def _per_trial(count: int, trials: int) -> str:
    return words.number(count / trials, digits=1) if trials else words.UNKNOWN


def _violations(trials: Iterable[Trial]) -> str:
    known = [trial.violations for trial in trials if trial.violations is not None]
    if not known:
        return words.UNKNOWN
    counts = Counter(name.removeprefix("constraint:") for names in known for name in names)
    return words.tally(dict(counts.most_common()))


def failed_checks(
    trials: Mapping[str, Sequence[Trial]],
) -> tuple[tuple[FailedChecks, ...], int]:
    """Group what failed by who failed it, most trials first, and count the groups left out.

    Ungraded trials tell nothing.
    """
    valid = [t for mine in trials.values() for t in mine if t.verdict is not Verdict.UNGRADED]
    who: dict[str, list[Key]] = {}
    for trial in valid:
        for check in trial.checks_failed:
            who.setdefault(check, []).append(trial.key)
    groups: dict[tuple[Key, ...], list[str]] = {}
    for check, keys in who.items():
        groups.setdefault(tuple(keys), []).append(check)
    cut = frozenset(t.key for t in valid if len(t.checks_failed) >= KEPT_CHECKS)
    often = sorted(groups.items(), key=lambda item: (-len(item[0]), item[1]))
    shown = tuple(_failed(checks, keys, cut) for keys, checks in often[:MOST_GROUPS])
    return shown, len(often) - len(shown)


def _failed(checks: Sequence[str], keys: Sequence[Key], cut: frozenset[Key]) -> FailedChecks:
    models = Counter(model for model, _, _ in keys)
    return FailedChecks(
        checks=tuple(sorted(map(check_name, checks))),
        trials=len(keys),
        more=not cut.issubset(keys),
        models=tuple(
            (words.clean(model), count)
            for model, count in sorted(models.items(), key=lambda item: (-item[1], item[0]))
        ),
    )


def check_name(check: str) -> tuple[str, str]:
    """Part a check's id into the file of the test, empty for other checks, and the name."""
    place, _, name = check.rpartition("::")
    return line(place.removeprefix(_KIT), _CHECK_CHARS), line(name, _CHECK_CHARS)
