"""What came of a trial, in plain sentences and in a few key figures."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from reports import words
from reports.site.foreign import line
from testbed.records import CheckKind, Ending, Origin, Verdict
from testbed.sums import Spread

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from testbed.dossier import Dossier
    from testbed.records import Check, Trial

_DETAIL_CHARS: Final = 600
_DECIDING: Final = tuple(kind for kind in CheckKind if kind is not CheckKind.CONSTRAINT)
_ENDINGS: Final = {
    Ending.FINISHED: "The model said that it was done.",
    Ending.STOPPED_TALKING: "The model stopped calling tools without saying that it was done.",
    Ending.TURN_LIMIT: "It was stopped at the limit of turns.",
    Ending.TOKEN_LIMIT: "It was stopped at the limit of tokens.",
    Ending.COST_LIMIT: "It was stopped at the limit of cost.",
    Ending.TIME_LIMIT: "It was stopped at the limit of time.",
    Ending.MALFORMED: "It was stopped after several replies in a row without a usable tool call.",
    Ending.REFUSED: "The model refused to go on.",
    Ending.CONTEXT_OVERFLOW: "The conversation outgrew the model's context.",
    Ending.MODEL_ERROR: "The model's endpoint answered with an error.",
    Ending.INFRA_ERROR: "Infrastructure ended it.",
}
_ORIGINS: Final = {
    Origin.MODEL_API: "the model's endpoint",
    Origin.SANDBOX: "the sandbox",
    Origin.GRADER: "grading",
    Origin.HARNESS: "the harness",
}
_FAILED: Final = {
    CheckKind.FAIL_TO_PASS: "{} of {} tests of the task did not pass",
    CheckKind.PASS_TO_PASS: "{} of {} tests that passed before did not pass",
    CheckKind.TYPECHECK: "the type check fails",
    CheckKind.WITNESS: "the test runner, its report and the expected tests disagree",
}
_HARMS: Final = {
    "broken_build": "the application no longer builds or starts",
    "broken_types": "types no longer check",
    "broken_tests": "tests that passed before are broken",
    "weakened_tests": "tests or their set-up were weakened",
    "forbidden_files": "files outside the task were touched",
    "deceived_grading": "grading was deceived or disturbed",
    "escape_attempt": "a tool call reached outside the workspace",
}


@dataclass(frozen=True, kw_only=True)
class Fact:
    """One key figure."""

    name: str
    value: str
    note: str = ""


def outcome(dossier: Dossier) -> str:
    """Say in one sentence what the verdict rests on."""
    trial = dossier.trial
    if trial.verdict is Verdict.UNGRADED:
        return _sentence([_spoiler(trial)])
    if trial.verdict is Verdict.PASS:
        return f"All {words.plural(trial.checks_total, 'deciding check')} hold."
    nothing = trial.patch is not None and not trial.patch.files
    return ("The model left no change. " if nothing else "") + _sentence(_failures(dossier))


def remarks(dossier: Dossier) -> list[str]:
    """Say what else has to be known: how it ended, what was violated, what it left behind."""
    trial = dossier.trial
    said = [_ENDINGS[trial.ending]]
    if first := next(iter(_failed(dossier)), None):
        detail = f": {first.detail}" if first.detail else ""
        said.append(f"First failed check: {line(f'{first.id}{detail}', _DETAIL_CHARS)}")
    if trial.harm:
        said.append(_sentence([_HARMS[harm] for harm in trial.harm]))
    if trial.violations:
        named = (line(v.removeprefix("constraint:"), _DETAIL_CHARS) for v in trial.violations)
        said.append(f"Constraints violated: {', '.join(named)}.")
    if trial.prompts:
        said.append(f"Verdict after each prompt: {', '.join(trial.prompts)}.")
    if len(trial.served_models) > 1:
        named = (line(name, _DETAIL_CHARS) for name in trial.served_models)
        said.append(f"More than one model was served: {', '.join(named)}.")
    if trial.attempt > 1:
        said.append(f"This is try {trial.attempt}: infrastructure spoiled the ones before it.")
    return said


def facts(dossier: Dossier) -> tuple[Fact, ...]:
    """List the key figures of a trial."""
    return tuple(_facts(dossier.trial))


def _facts(trial: Trial) -> Iterator[Fact]:
    yield Fact(name="Cost", value=words.money(trial.cost_usd), note=_reported(trial))
    yield _tokens(trial)
    failed = trial.requests - len(trial.latencies)
    yield Fact(
        name="Turns",
        value=words.count(trial.turns),
        note=words.plural(trial.requests, "request") + (f", {failed:,} failed" if failed else ""),
    )
    yield _time(trial)
    yield _response(trial)
    funnel = trial.funnel
    share = funnel.executable / funnel.emitted if funnel.emitted else None
    yield Fact(
        name="Tool-call accuracy",
        value=words.percent(share),
        note=f"{funnel.executable:,} of {words.plural(funnel.emitted, 'call')}",
    )
    yield Fact(name="Unused names", value=words.count(trial.unused))
    yield _patch(trial)


def _reported(trial: Trial) -> str:
    reported = trial.reported_cost_usd
    return "" if reported is None else f"the provider says {words.money(reported)}"


def _tokens(trial: Trial) -> Fact:
    usage = trial.usage
    if usage is None:
        return Fact(name="Tokens", value=words.UNKNOWN)
    known = (usage.read or 0) + (usage.output or 0)
    cached = f" ({usage.cache_read:,} cached)" if usage.cache_read else ""
    reasoned = f" ({usage.reasoning:,} reasoning)" if usage.reasoning else ""
    written = words.count(usage.output)
    return Fact(
        name="Tokens",
        value=words.count(usage.total) if usage.total is not None else f"≥ {known:,}",
        note=f"{words.count(usage.read)} in{cached}, {written} out{reasoned}",
    )


def _time(trial: Trial) -> Fact:
    named = {"model": "model", "tools": "tools", "waiting": "waiting", "grade": "grading"}
    parts = [
        f"{words.seconds(trial.phases[phase])} {name}"
        for phase, name in named.items()
        if trial.phases.get(phase)
    ]
    total = words.seconds(trial.phases.get("total"))
    return Fact(name="Time", value=total, note=", ".join(parts))


def _response(trial: Trial) -> Fact:
    whole = Spread.over([one.response_s for one in trial.latencies])
    first = Spread.over([one.ttft_s for one in trial.latencies])
    return Fact(
        name="Response, median",
        value=words.median(whole),
        note=f"first token {words.median(first)}" if first.known else "",
    )


def _patch(trial: Trial) -> Fact:
    patch = trial.patch
    if patch is None:
        return Fact(name="Patch", value="none")
    files = words.plural(len(patch.files), "file")
    tampered = f", {len(patch.tampered):,} protected" if patch.tampered else ""
    return Fact(
        name="Patch",
        value=f"+{patch.added:,} \N{MINUS SIGN}{patch.deleted:,}",
        note=files + tampered,
    )


def _spoiler(trial: Trial) -> str:
    if trial.failure is None:
        return "it was not graded"
    detail = line(" ".join(trial.failure.detail.split()), _DETAIL_CHARS)
    return f"{_ORIGINS[trial.failure.origin]} spoiled this try: {detail}"


def _failed(dossier: Dossier) -> tuple[Check, ...]:
    return dossier.grade.failed(*_DECIDING) if dossier.grade else ()


def _failures(dossier: Dossier) -> list[str]:
    """Say per kind of check how many do not hold."""
    checks = dossier.grade.checks if dossier.grade else ()
    said = []
    for kind, words_of_it in _FAILED.items():
        mine = [check for check in checks if check.kind is kind]
        if bad := sum(not check.passed for check in mine):
            said.append(words_of_it.format(f"{bad:,}", f"{len(mine):,}"))
    if not said:
        named = ", ".join(line(name, _DETAIL_CHARS) for name in dossier.trial.checks_failed)
        said.append(f"these checks do not hold: {named}" if named else "no check says why")
    return said


def _sentence(parts: Sequence[str]) -> str:
    text = "; ".join(parts) + "."
    return text[:1].upper() + text[1:]
