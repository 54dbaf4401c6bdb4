"""Three witnesses -> checks: the runner's exit code, its report, and the manifest.

What one step shows, and what follows:

| exit code | report | tests of the manifest | other entries | verdict |
| --- | --- | --- | --- | --- |
| 0 | read | all passed | none failed | pass |
| 0 | read | one failed | - | fail: the test, and the exit code contradicts the report |
| 0 | read | all passed | one failed | fail: the exit code contradicts the report |
| any | read | one skipped, todo or missing | - | fail: that test did not run |
| not 0 | read | one failed | - | fail: the test; exit code and report agree |
| not 0 | read | none failed | one failed | fail: forged, or an error outside every test |
| not 0 | read | none failed | none failed | fail: an error that the report does not show |
| killed in time | read | all passed | none failed | fail: the runner never ended |
| any, killed, or sandbox lost | none | unknown | - | asks for a control run, below |

Without a report nothing shows that the suite ran. The same step then runs on the seeded tree,
in a fresh sandbox: if that reports, the missing report is the patch's doing and the verdict is
fail; if it does not, the machine or the kit is at fault and the trial is ungraded.

Code under test shares the machine, and in part the process, with the tests. Hence the runner's
main process must not run code of the patch itself (workers or child processes do), and each
step gets a sandbox of its own.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from runner.grading.junit import Outcome, Result, Results
from testbed.records import Check, CheckKind

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Sequence

_SHOWN: Final = 3


@dataclass(frozen=True, kw_only=True)
class StepRun:
    """One grading step, run once on one tree."""

    step: str
    exit_code: int | None
    """`None` when it was killed at its deadline, or with its sandbox."""
    ended: str
    """How it ended, for people: `exit code 1`, `killed at 60 s`, ..."""
    results: Results | None
    """`None` without a usable report."""
    missing: str = ""
    """Why there is no usable report."""
    report: bytes = b""
    """The report as it stood inside."""
    disturbed: tuple[str, ...] = ()
    """Files of the harness that changed while it ran."""
    lost: bool = False
    """The sandbox went away."""
    log: str = ""


def judge(
    runs: Sequence[StepRun],
    *,
    fail_to_pass: Iterable[str],
    pass_to_pass: Iterable[str],
) -> tuple[Check, ...]:
    """List what the runs show. A run without results counts as the patch's doing."""
    results = _merge(runs)
    listed = {*(fail_to_pass := tuple(fail_to_pass)), *(pass_to_pass := tuple(pass_to_pass))}
    silent = "; ".join(f"{run.step}: no report: {run.ended}" for run in runs if not run.results)
    return (
        *(_test(name, CheckKind.FAIL_TO_PASS, results, silent) for name in fail_to_pass),
        *(_test(name, CheckKind.PASS_TO_PASS, results, silent) for name in pass_to_pass),
        *(_witness(run, listed) for run in runs),
        *(_undisturbed(run) for run in runs),
    )


def _merge(runs: Sequence[StepRun]) -> dict[str, Result]:
    merged: dict[str, Result] = {}
    for run in runs:
        for name, result in (run.results or {}).items():
            merged[name] = max(merged.get(name, result), result, key=lambda r: r.outcome)
    return merged


def _test(name: str, kind: CheckKind, results: Results, silent: str) -> Check:
    result = results.get(name)
    if result is None:
        return Check(id=name, kind=kind, passed=False, detail=_absence(name, results, silent))
    words = {Outcome.SKIPPED: "skipped", Outcome.ERROR: "error", Outcome.FAILED: "failed"}
    word = words.get(result.outcome, "")
    detail = f"{word}: {result.message}" if word and result.message else word
    return Check(id=name, kind=kind, passed=result.outcome is Outcome.PASSED, detail=detail)


def _absence(name: str, results: Results, silent: str) -> str:
    # A file that fails to load is reported as one test named like the file.
    file = name.partition("::")[0]
    loading = results.get(f"{file}::{file}")
    if loading and loading.red:
        return f"did not run: {file} failed to load: {loading.message}"
    return f"did not run: {silent}" if silent else "did not run: not in the report"


def _witness(run: StepRun, listed: set[str]) -> Check:
    if run.results is None:
        passed, detail = False, f"{run.missing}: {run.ended}"
    elif run.exit_code is None:
        passed, detail = False, f"the runner did not end: {run.ended}"
    else:
        red = {name for name, result in run.results.items() if result.red}
        passed, detail = _agreement(run, red, listed)
    return Check(id=f"witness:{run.step}", kind=CheckKind.WITNESS, passed=passed, detail=detail)


def _agreement(run: StepRun, red: set[str], listed: set[str]) -> tuple[bool, str]:
    if run.exit_code == 0:
        return (False, f"exit code 0, but failed: {_some(red)}") if red else (True, "")
    if red & listed:
        return True, run.ended
    if red:
        return False, f"{run.ended}, though no listed test failed: {_some(red)}"
    return False, f"{run.ended}, though no test in the report failed"


def _undisturbed(run: StepRun) -> Check:
    detail = f"changed during the run: {_some(run.disturbed)}" if run.disturbed else ""
    return Check(
        id=f"undisturbed:{run.step}",
        kind=CheckKind.WITNESS,
        passed=not run.disturbed,
        detail=detail,
    )


def _some(names: Collection[str]) -> str:
    rest = len(names) - _SHOWN
    return ", ".join(sorted(names)[:_SHOWN]) + (f" and {rest} more" if rest > 0 else "")
