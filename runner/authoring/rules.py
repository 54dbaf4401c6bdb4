"""What a scenario's files must keep to: each rule yields where, what is wrong, what to do."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from pathlib import PurePosixPath
from typing import TYPE_CHECKING, Final

from runner.authoring.leaks import leaks, named
from runner.grading.archive import KIT_FOLDER
from runner.grading.constraints import TEST_FILE, check_constraints
from runner.grading.grade import graded_tree
from testbed.certified import CERTIFICATE, standings
from testbed.equivalents import EQUIVALENT, read_equivalents
from testbed.errors import ScenarioError
from testbed.scenario import Kind
from testbed.tree import digest_tree, matches

if TYPE_CHECKING:
    from runner.authoring.material import Candidate, Material

Faults = Iterator[tuple[str, str, str]]
"""File below the scenario's folder, what is wrong, what to do."""

RIGHT_PATCHES: Final = 2
PLACEHOLDER: Final = re.compile(r"\{\{[^{}]*(?:\}\}|$)")
"""What `testbed scenarios new` leaves to be written."""
_SHOWN: Final = 5
_KNOWN: Final = (
    *("scenario.toml", "prompt.md", "seed.patch", "reference.patch", "tour.toml"),
    *("right/*.patch", "wrong/*.patch", "checks/fail_to_pass.txt", "checks/pass_to_pass.txt"),
    *(CERTIFICATE, EQUIVALENT),
)
_CHECKS: Final = f"{KIT_FOLDER}/checks/"


def _card(material: Material) -> Faults:
    card = material.scenario.card
    if card.title != card.title.strip() or not card.title or card.title.endswith("."):
        yield "scenario.toml", f"`title`: `{card.title}` is no title", "Write it like a headline"
    for name in ("scenario.toml", "prompt.md"):
        for number, line in enumerate(material.files[name].data.decode().splitlines(), 1):
            if found := PLACEHOLDER.search(line):
                yield f"{name}:{number}", f"`{found[0]}` is still to be written", "Write it"


def _stray_files(material: Material) -> Faults:
    steps = [f"checks/{step.id}/**" for step in material.scenario.fixture.card.steps]
    for path in material.files:
        if not matches(path, (*_KNOWN, *steps)):
            yield path, "is no part of a scenario", "Remove it, or move it to where it belongs"


def _seed(material: Material) -> Faults:
    card = material.scenario.card
    if not material.seed:
        if card.kind is not Kind.REFACTOR:
            yield "seed.patch", "changes nothing", f"Plant the {card.kind} into the fixture"
        return
    for glob in card.seeded_files:
        if not any(matches(path, (glob,)) for path in material.seed):
            todo = f"It changes {', '.join(sorted(material.seed)[:_SHOWN])}"
            yield "scenario.toml", f"`seeded_files`: the seed does not change `{glob}`", todo


def _prompt(material: Material) -> Faults:
    """Look for what would spare the model the search, which is half of a bug's task."""
    card = material.scenario.card
    if card.kind is not Kind.BUG:
        return
    everything = {*material.pristine, *material.seeded}
    seeded = [PurePosixPath(p) for p in everything if matches(p, card.seeded_files)]
    names = {n for p in seeded for n in (str(p), str(p.with_suffix("")), p.name) if "." in n}
    names |= {str(path.with_suffix("")) for path in seeded if len(path.parts) > 1}
    for number, name in named(material.scenario.prompt, sorted(names, key=len, reverse=True)):
        yield f"prompt.md:{number}", f"names the seeded file by `{name}`", "Tell the symptom only"


def _manifests(material: Material) -> Faults:
    scenario = material.scenario
    record = f"Run `testbed verify --record {scenario.id}`"
    if not scenario.fail_to_pass:
        yield "checks/fail_to_pass.txt", "names no test", record
    for test in sorted({*scenario.fail_to_pass} & {*scenario.pass_to_pass}):
        yield "checks", f"`{test}` is in both manifests", record
    known = {f"{_CHECKS}{path}" for path in material.checks} | material.seeded.keys()
    known |= {path for candidate in material.candidates[:1] for path in candidate.tree}
    for name in ("fail_to_pass", "pass_to_pass"):
        for number, test in enumerate(getattr(scenario, name), 1):
            where = f"checks/{name}.txt:{number}"
            if test.partition("::")[0] not in known:
                yield where, f"`{test}` is in no file", record
            elif name == "fail_to_pass" and not test.startswith(_CHECKS):
                todo = "Let the seed remove or loosen that test"
                yield where, f"the visible test `{test}` is red and gives the task away", todo


def _checks(material: Material) -> Faults:
    scenario = material.scenario
    listed = {test.partition("::")[0] for test in (*scenario.fail_to_pass, *scenario.pass_to_pass)}
    for path in material.checks if listed else ():
        if TEST_FILE.search(path) and f"{_CHECKS}{path}" not in listed:
            todo = f"Run `testbed verify --record {scenario.id}`, or remove it"
            yield f"checks/{path}", "no manifest names a test of it", todo


def _patches(material: Material) -> Faults:
    right = [c for c in material.candidates if c.file.startswith("right/")]
    if len(right) < RIGHT_PATCHES:
        todo = f"Write {RIGHT_PATCHES} of really different design: checks must accept them all"
        yield "right", f"{len(right)} right patches beside the reference", todo
    if all(candidate.right for candidate in material.candidates):
        yield "wrong", "no wrong patch", "Write each tempting one: checks must reject them all"
    seen: dict[str, str] = {digest_tree(material.seeded): "the seeded tree"}
    for candidate in material.candidates:
        if candidate.fault:
            yield candidate.file, candidate.fault, "Mend it, or save it anew"
            continue
        same = seen.setdefault(digest_tree(candidate.tree), candidate.name)
        if same != candidate.name:
            yield candidate.file, f"leaves the same as {same}", "Remove one of them"
        yield from _protected(material, candidate)


def _protected(material: Material, candidate: Candidate) -> Faults:
    card = material.scenario.fixture.card
    kept = graded_tree(card, material.seeded, candidate.tree)
    put_back = [p for p in candidate.changes if kept.get(p) != candidate.tree.get(p)]
    if candidate.right and put_back:
        todo = "A right patch must do without it, as it is put back before grading"
        yield candidate.file, f"changes the protected file {put_back[0]}", todo


def _caught_by(material: Material) -> Faults:
    known = _check_ids(material)
    for candidate in material.candidates:
        unknown = not candidate.right and not candidate.fault and candidate.caught_by not in known
        if unknown and material.scenario.fail_to_pass:
            what = f"`Caught-by:` no manifest and no constraint has `{candidate.caught_by}`"
            yield candidate.file, what, "Name the check that must fail"


def _equivalents(material: Material) -> Faults:
    try:
        read_equivalents(material.scenario.root)
    except ScenarioError as fault:
        yield EQUIVALENT, fault.what.rpartition(f"{EQUIVALENT}: ")[2], fault.next_step


def _certificate(material: Material) -> Faults:
    """Look at one that is there; `lint` demands one where it is asked to."""
    scenario = material.scenario
    found = standings([scenario])[scenario.id]
    for fault in found.faults if found.state != "none" else ():
        yield CERTIFICATE, fault, f"Run `testbed certify {scenario.id}`"


def _check_ids(material: Material) -> set[str]:
    scenario = material.scenario
    fixed = check_constraints(
        scenario.card.constraints,
        {},
        protected=scenario.fixture.card.protected,
        before=material.seeded,
        after=material.seeded,
    )
    witnesses = {f"{kind}:{s.id}" for kind in ("witness", "undisturbed") for s in scenario.steps()}
    tests = {*scenario.fail_to_pass, *scenario.pass_to_pass}
    return {"typecheck", *witnesses, *tests, *(check.id for check in fixed)}


RULES: Final[tuple[Callable[[Material], Faults], ...]] = (
    _card,
    _stray_files,
    _seed,
    _prompt,
    leaks,
    _manifests,
    _checks,
    _patches,
    _caught_by,
    _equivalents,
    _certificate,
)
