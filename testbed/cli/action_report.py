"""`testbed action report`: shards -> one run, one verdict, and every form of the answer."""

from __future__ import annotations

import re
import shutil
from dataclasses import dataclass
from typing import TYPE_CHECKING

from testbed.errors import RunError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from testbed.cli.action_gather import Gathered
    from testbed.comparing.comparison import Comparison
    from testbed.comparing.outcome import ActionVerdict, Outcome
    from testbed.shards import Plan
    from testbed.store import Run

RESULTS, REPORT, OUTCOME = "results", "report", "outcome.json"


@dataclass(frozen=True, kw_only=True)
class _Judged:
    outcome: Outcome
    comparison: Comparison | None


def make_report(plan_folder: Path, shards: Path, output: Path, environ: Mapping[str, str]) -> int:
    """Do it all and return the exit code; the answers are written whatever it is.

    Raises `RunError` when the plan cannot be read, or when `output` holds something else.
    """
    from testbed.cli.action_gather import gather
    from testbed.shards import PLAN, read_plan

    plan = read_plan(plan_folder / PLAN)
    _demand_ours(output)
    gathered = gather(plan, shards, output / RESULTS)
    judged = _judge(plan, plan_folder, gathered)
    report = _build_site(plan, plan_folder, gathered.run, output)
    _answer(judged, report, output, environ)
    return judged.outcome.exit_code


def _demand_ours(output: Path) -> None:
    """Make room for the answers; refuse a folder that holds anything else."""
    known = {RESULTS, REPORT, OUTCOME, "summary.md", "comment.md"}
    output.mkdir(parents=True, exist_ok=True)
    strangers = sorted({path.name for path in output.iterdir()} - known)
    if strangers:
        raise RunError(f"{output} holds {strangers[0]}", next_step="Choose an empty folder with -o")
    shutil.rmtree(output / RESULTS, ignore_errors=True)


def _judge(plan: Plan, plan_folder: Path, gathered: Gathered) -> _Judged:
    from testbed.comparing.compare import compare
    from testbed.comparing.gate import decide
    from testbed.comparing.outcome import ActionVerdict, judge, lost_trials

    view = gathered.run.view()
    earlier = _baseline(plan, plan_folder)
    comparison = compare(
        earlier.view() if earlier else view,
        view,
        model_a=plan.baseline,
        model_b=plan.candidate,
        margin=plan.policy.margin,
    )
    faults = (*gathered.faults, *lost_trials(comparison))
    unlike = _unlike(comparison) if earlier else None
    if unlike and not gathered.broken:
        outcome = _outcome(plan, gathered.run, ActionVerdict.REFUSED, faults=(*faults, unlike))
        return _Judged(outcome=outcome, comparison=None)
    decision = decide(comparison, plan.policy)
    verdict = judge(comparison, decision, plan.policy, broken=gathered.broken)
    reasons = tuple(reason.text for reason in decision.reasons)
    outcome = _outcome(
        plan, gathered.run, verdict, faults=faults, reasons=reasons, comparison=comparison
    )
    return _Judged(outcome=outcome, comparison=comparison)


def _baseline(plan: Plan, plan_folder: Path) -> Run | None:
    from testbed.shards import BASELINE
    from testbed.store import Run

    if plan.baseline_run is None:
        return None
    folders = [path for path in (plan_folder / BASELINE).glob("*") if (path / "run.json").is_file()]
    found = [run for run in map(Run, folders) if run.config.run_id == plan.baseline_run]
    if not found:
        raise RunError(
            f"{plan_folder} lacks the baseline's run", next_step="Keep the plan's folder whole"
        )
    return found[0]


def _unlike(comparison: Comparison) -> str | None:
    """Say why earlier results cannot be used; `None` when they can."""
    from testbed.cli.action_plan import refuse_unlike

    try:
        refuse_unlike(comparison.unlike)
    except RunError as fault:
        return str(fault)
    return None


def _outcome(
    plan: Plan,
    run: Run,
    verdict: ActionVerdict,
    *,
    faults: Sequence[str],
    reasons: tuple[str, ...] = (),
    comparison: Comparison | None = None,
) -> Outcome:
    from testbed.comparing.outcome import Outcome, exit_code

    suite, tasks = (comparison.suite, comparison.tasks) if comparison else (None, None)
    span, wide = (one.interval if one else None for one in (suite, tasks))
    counts = [side.counts for side in (comparison.a, comparison.b)] if comparison else []
    return Outcome(
        verdict=verdict,
        exit_code=exit_code(verdict, plan.inputs.fail_on),
        run_id=plan.config.run_id,
        candidate=plan.candidate,
        baseline=plan.baseline,
        delta=suite.value if suite else None,
        ci_low=span.low if span else None,
        ci_high=span.high if span else None,
        p_value=suite.p if suite else None,
        tasks_delta=tasks.value if tasks else None,
        tasks_ci_low=wide.low if wide else None,
        tasks_ci_high=wide.high if wide else None,
        tasks_p_value=tasks.p if tasks else None,
        cost_usd=_cost(run),
        planned=sum(count.planned for count in counts),
        valid=sum(count.valid for count in counts),
        faults=tuple(faults),
        reasons=reasons,
    )


def _cost(run: Run) -> float | None:
    """Add up every try and preflight; what has no price has no cost, and nor has the sum."""
    from testbed.sums import Total

    counted, spoiled = run.trials()
    tries = [trial.cost_usd for trial in (*counted, *spoiled)]
    return Total.over([*tries, *(asked.cost_usd for asked in run.preflights().asked)]).value


def _build_site(plan: Plan, plan_folder: Path, run: Run, output: Path) -> Path | None:
    """Write the scoreboard; without a trial there is none."""
    from reports.site.build import SiteOptions, build_site

    earlier = _baseline(plan, plan_folder)
    if not run.paths.journal.is_file():
        return None
    runs = [one for one in (earlier, run) if one is not None]
    same = plan.candidate == plan.baseline
    options = SiteOptions(baseline=plan.baseline, margin=plan.policy.margin)
    return build_site([run] if same else runs, output / REPORT, options=options).parent


def _answer(judged: _Judged, report: Path | None, output: Path, environ: Mapping[str, str]) -> None:
    from reports import github
    from runner.github.commands import annotate, append_summary, write_outputs
    from testbed.store import write_atomically, write_record

    outcome, comparison = judged.outcome, judged.comparison
    markdown = github.summary(outcome, comparison)
    said = github.comment(outcome, comparison, link=_link(environ))
    write_atomically(output / "summary.md", markdown.encode())
    write_atomically(output / "comment.md", said.encode())
    write_record(output / OUTCOME, outcome)
    append_summary(markdown, environ)
    results = str(output / RESULTS)
    found = github.outputs(outcome, report=str(report) if report else None, results=results)
    write_outputs(found, environ)
    for one in github.remarks(outcome, comparison):
        annotate(one.level, one.text, title=one.title)


def _link(environ: Mapping[str, str]) -> str | None:
    """Give the address of the job's page; `None` for anything that is no plain address."""
    server, name, run = (
        environ.get(f"GITHUB_{part}", "") for part in ("SERVER_URL", "REPOSITORY", "RUN_ID")
    )
    link = f"{server}/{name}/actions/runs/{run}"
    plain = re.fullmatch(r"https?://[A-Za-z0-9.:-]+/[A-Za-z0-9_./-]+/actions/runs/\d+", link)
    return link if plain else None
