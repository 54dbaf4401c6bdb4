"""Fixtures, scenarios and the suite that holds them: load and validate."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Annotated, Literal, Self

from pydantic import Field, StringConstraints, model_validator

from testbed.errors import ScenarioError
from testbed.settings import Settings, load_settings

if TYPE_CHECKING:
    from pathlib import Path

Slug = Annotated[str, StringConstraints(pattern=r"^[a-z0-9][a-z0-9-]{0,62}\Z")]
RelativePath = Annotated[str, StringConstraints(pattern=r"(?s)^(?!/)(?!.*(^|/)\.\.(/|$)).+\Z")]
Argv = Annotated[tuple[str, ...], Field(min_length=1)]
Seconds = Annotated[float, Field(gt=0, le=3600)]


class Kind(StrEnum):
    """What a scenario asks for."""

    BUG = "bug"
    FEATURE = "feature"
    REFACTOR = "refactor"


class Command(Settings):
    """One grading command."""

    argv: Argv
    timeout_seconds: Seconds


class Warmup(Command):
    """A command run once on the untouched fixture, for the cache that it leaves."""

    keep: RelativePath
    """Folder that is laid out again before the step it belongs to."""


class Step(Command):
    """A test command that writes a JUnit report."""

    id: Slug
    junit: RelativePath
    takes_files: bool = False
    """Paths of test files may follow `argv`; no others are run then."""
    name_option: str = ""
    """Takes a regular expression; tests whose names it does not match are skipped then."""
    bail: tuple[str, ...] = ()
    """What follows `argv` to end it at the first failing test, which the report must name.

    Never in a grading: only where a single failure settles all.
    """
    warmup: Warmup | None = None


class Variation(Settings):
    """Conditions that must not change a verdict: `testbed verify` grades under each of them."""

    id: Slug
    environment: Annotated[dict[str, str], Field(min_length=1)]
    """Added to the fixture's; `{seed}` stands for the number that a verification draws."""


class FixtureCard(Settings):
    """The file `fixtures/<id>.toml`."""

    schema_version: Literal[1]
    id: Slug
    title: str
    language: str
    lockfile: RelativePath
    prune: tuple[str, ...] = ()
    protected: tuple[RelativePath, ...]
    """Globs put back before grading; what a patch does to them is tampering."""
    ignored: tuple[RelativePath, ...]
    """Globs that are never part of a patch."""
    tests: tuple[RelativePath, ...] = ()
    """Globs of the files that hold tests and of what only these read, such as snapshots.

    Those that a patch brings along are run apart; without a glob none are.
    """
    environment: dict[str, str] = Field(default_factory=dict)
    commands: dict[str, str]
    """Name -> command line, told to the model."""
    steps: Annotated[tuple[Step, ...], Field(min_length=1)]
    typecheck: Command
    lint: Command
    quality: Command | None = None
    """Prints facts about the sources, see `runner/grading/facts.py`; it must only read them.

    Without it no patch has figures of code quality.
    """
    mutants: Command | None = None
    """Prints small mutants of the sources, see `runner/mutation/mutant.py`; it must only read them.

    Without it neither bugs are seeded by operator nor hidden checks scored by mutants.
    """
    variations: tuple[Variation, ...] = ()

    @model_validator(mode="after")
    def variations_are_told_apart(self) -> Self:
        """`cold` and `load` are made by the harness for every fixture."""
        names = ["cold", "load", *(variation.id for variation in self.variations)]
        if doubled := {name for name in names if names.count(name) > 1}:
            raise ValueError(f"the variation `{min(doubled)}` exists already")
        return self

    @model_validator(mode="after")
    def tests_can_be_run_apart(self) -> Self:
        """A patch's own tests are run without the others."""
        if self.tests and not any(step.takes_files for step in self.steps):
            raise ValueError("`tests` needs a step with `takes_files = true`")
        return self


class Constraints(Settings):
    """What a patch must keep to; machine-checked, never part of the verdict."""

    allowed_paths: tuple[RelativePath, ...] | None = None
    forbidden_paths: tuple[RelativePath, ...] = ()
    required_paths: tuple[RelativePath, ...] = ()
    max_changed_lines: Annotated[int, Field(gt=0)] | None = None
    """Added plus deleted lines."""


class ScenarioCard(Settings):
    """The file `scenarios/<id>/scenario.toml`."""

    schema_version: Literal[1]
    id: Slug
    title: str
    kind: Kind
    fixture: Slug
    difficulty: Literal["easy", "medium", "hard"]
    seeded_files: tuple[RelativePath, ...] = ()
    constraints: Constraints = Constraints()

    @model_validator(mode="after")
    def bugs_name_their_files(self) -> Self:
        """Localisation cannot be measured for a bug without its files."""
        if self.kind is Kind.BUG and not self.seeded_files:
            raise ValueError("a bug needs `seeded_files`")
        return self


@dataclass(frozen=True, kw_only=True)
class Fixture:
    """A repository to be worked on, and the harness's own grading kit for it."""

    card: FixtureCard
    root: Path
    """The application."""
    kit: Path
    """Laid to `.testbed/` in the grading sandbox; never seen by a model."""

    @property
    def id(self) -> str:
        """Name the fixture."""
        return self.card.id


@dataclass(frozen=True, kw_only=True)
class CandidatePatch:
    """A patch of a scenario whose outcome is known: right or wrong."""

    path: Path
    right: bool
    reason: str = ""
    caught_by: str = ""
    """The id of the check that must fail on a wrong patch."""

    @property
    def name(self) -> str:
        """Name it by folder and file, e.g. `wrong/extension-only`."""
        folder = "" if self.path.name == "reference.patch" else f"{self.path.parent.name}/"
        return f"{folder}{self.path.stem}"


@dataclass(frozen=True, kw_only=True)
class Scenario:
    """One task seeded into a fixture."""

    card: ScenarioCard
    root: Path
    fixture: Fixture
    prompt: str
    fail_to_pass: tuple[str, ...]
    """Test ids `<classname>::<name>` that fail on the seeded tree and must pass."""
    pass_to_pass: tuple[str, ...]
    """Test ids that pass on the seeded tree and must still pass."""

    @property
    def id(self) -> str:
        """Name the scenario."""
        return self.card.id

    @property
    def kind(self) -> Kind:
        """Say what it asks for."""
        return self.card.kind

    @property
    def seed(self) -> Path:
        """Locate the patch that plants the task into the fixture."""
        return self.root / "seed.patch"

    @property
    def checks(self) -> Path:
        """Locate the hidden checks."""
        return self.root / "checks"

    @property
    def reference(self) -> Path:
        """Locate the reference solution."""
        return self.root / "reference.patch"

    def candidates(self) -> tuple[CandidatePatch, ...]:
        """List the patches with a known outcome: reference, right/*, wrong/*."""
        right = [self.reference, *sorted(self.root.glob("right/*.patch"))]
        wrong = sorted(self.root.glob("wrong/*.patch"))
        return (
            *(CandidatePatch(path=path, right=True) for path in right),
            *(read_wrong_patch(path) for path in wrong),
        )

    def steps(self) -> tuple[Step, ...]:
        """List the grading steps it needs: the first always, others when it has checks there."""
        first, *rest = self.fixture.card.steps
        return (first, *(step for step in rest if (self.checks / step.id).is_dir()))


@dataclass(frozen=True, kw_only=True)
class Suite:
    """Every scenario of a folder that holds `scenarios/` and `fixtures/`."""

    root: Path
    scenarios: tuple[Scenario, ...]

    def pick(self, ids: tuple[str, ...]) -> Suite:
        """Keep the named scenarios, in suite order; none named keeps all."""
        known = {scenario.id for scenario in self.scenarios}
        for wanted in ids:
            if wanted not in known:
                raise ScenarioError(
                    f"no scenario `{wanted}` in {self.root / 'scenarios'}",
                    next_step=f"Choose from: {', '.join(sorted(known))}",
                )
        kept = tuple(s for s in self.scenarios if not ids or s.id in ids)
        return Suite(root=self.root, scenarios=kept)

    def demand_recorded(self) -> Suite:
        """Raise `ScenarioError` for a scenario whose manifests are not filled yet."""
        for scenario in self.scenarios:
            _demand_manifests(scenario)
        return self


def load_suite(root: Path, *, recorded: bool = True) -> Suite:
    """Load every scenario below `root`, sorted by id; the first fault is raised.

    `recorded=False` accepts empty manifests, for whoever is about to fill them.
    """
    folder = root / "scenarios"
    cards = sorted(folder.glob("*/scenario.toml"))
    if not cards:
        raise ScenarioError(
            f"{folder}: no scenario found",
            next_step="Run inside a checkout, or name one with --suite",
        )
    fixtures: dict[str, Fixture] = {}
    scenarios = tuple(load_scenario(card.parent, fixtures) for card in cards)
    suite = Suite(root=root, scenarios=scenarios)
    return suite.demand_recorded() if recorded else suite


def load_fixture(folder: Path, name: str) -> Fixture:
    """Load `fixtures/<name>` with its card and its grading kit."""
    card_path = folder / f"{name}.toml"
    card = load_settings(FixtureCard, card_path, ScenarioError)
    if card.id != name:
        raise ScenarioError(f"{card_path}: `id`: is `{card.id}`", next_step=f"Make it `{name}`")
    fixture = Fixture(card=card, root=folder / name, kit=folder / f"{name}.grading")
    for needed in (fixture.root, fixture.kit, fixture.root / card.lockfile):
        if not needed.exists():
            raise ScenarioError(f"{needed}: missing", next_step="Restore it from the repository")
    return fixture


def load_scenario(root: Path, fixtures: dict[str, Fixture]) -> Scenario:
    """Load one scenario folder; `fixtures` holds and receives the fixtures already loaded."""
    card = load_settings(ScenarioCard, root / "scenario.toml", ScenarioError)
    if card.id != root.name:
        raise ScenarioError(
            f"{root / 'scenario.toml'}: `id`: is `{card.id}`", next_step=f"Make it `{root.name}`"
        )
    if card.fixture not in fixtures:
        fixtures[card.fixture] = load_fixture(root.parent.parent / "fixtures", card.fixture)
    scenario = Scenario(
        card=card,
        root=root,
        fixture=fixtures[card.fixture],
        prompt=_text(root / "prompt.md"),
        fail_to_pass=_manifest(root / "checks" / "fail_to_pass.txt"),
        pass_to_pass=_manifest(root / "checks" / "pass_to_pass.txt"),
    )
    _demand_whole(scenario)
    return scenario


def _demand_whole(scenario: Scenario) -> None:
    for needed in (scenario.seed, scenario.reference):
        if not needed.is_file():
            raise ScenarioError(f"{needed}: missing", next_step="Every scenario needs one")


def _demand_manifests(scenario: Scenario) -> None:
    if not scenario.fail_to_pass:
        raise ScenarioError(
            f"{scenario.checks / 'fail_to_pass.txt'}: empty",
            next_step=f"Run `testbed verify --record {scenario.id}`",
        )
    both = set(scenario.fail_to_pass) & set(scenario.pass_to_pass)
    if both:
        raise ScenarioError(
            f"{scenario.checks}: `{min(both)}` is in both manifests",
            next_step=f"Run `testbed verify --record {scenario.id}`",
        )


def _text(path: Path) -> str:
    try:
        text = path.read_text(encoding="utf-8").strip()
    except (FileNotFoundError, UnicodeDecodeError) as fault:
        raise ScenarioError(f"{path}: cannot be read", next_step="Write it as UTF-8") from fault
    if not text:
        raise ScenarioError(f"{path}: empty", next_step="Write the task's prompt")
    return text


def _manifest(path: Path) -> tuple[str, ...]:
    lines = tuple(path.read_text(encoding="utf-8").splitlines()) if path.is_file() else ()
    for number, line in enumerate(lines, 1):
        if "::" not in line:
            raise ScenarioError(
                f"{path}:{number}: `{line}` is no test id",
                next_step="Write `<file>::<describe > test>`",
            )
    if len(set(lines)) != len(lines):
        raise ScenarioError(f"{path}: a test id stands twice", next_step="Remove one")
    return lines


def read_wrong_patch(path: Path) -> CandidatePatch:
    """Read the header of a wrong patch; raise `ScenarioError` when a part of it is missing."""
    header = path.read_text(encoding="utf-8").split("diff --git", 1)[0]
    fields = dict(line.split(": ", 1) for line in header.splitlines() if ": " in line)
    for key in ("Reason", "Caught-by"):
        if not fields.get(key, "").strip():
            raise ScenarioError(
                f"{path}: header `{key}:` is missing",
                next_step="Say why the patch is wrong and which check must catch it",
            )
    return CandidatePatch(
        path=path,
        right=False,
        reason=fields["Reason"].strip(),
        caught_by=fields["Caught-by"].strip(),
    )
