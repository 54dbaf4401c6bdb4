"""A scenario made ready: everything its trials share, made once per run."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import TYPE_CHECKING

from runner.grading.grade import Baseline, GradeResult, baseline, grade, reference_quality
from runner.grading.terms import USUAL, Terms
from runner.grading.warmth import COLD, Warmth, warm_up
from runner.sandbox.dependencies import install
from runner.workspace import Workspace, apply_patch, seed_workspace
from testbed.briefs import Brief, Briefs
from testbed.certified import standings
from testbed.findings import References
from testbed.store import write_record
from testbed.tree import File, Tree, digest_tree, read_tree

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from pathlib import Path

    from runner.sandbox.base import Engine, Progress
    from testbed.briefs import CertificateBrief
    from testbed.findings import Quality
    from testbed.scenario import Fixture, Scenario
    from testbed.store import Run


@dataclass(frozen=True, kw_only=True)
class Scene:
    """One scenario with its seeded workspace, its image and the seeded tree's own faults."""

    scenario: Scenario
    workspace: Workspace
    image: str
    baseline: Baseline
    warmth: Warmth = COLD

    async def grade(
        self, diff: bytes, *, engine: Engine, run_id: str, name: str, terms: Terms = USUAL
    ) -> GradeResult:
        """Grade a patch of this scenario; the terms of every trial are the usual ones."""
        return await grade(
            self.scenario,
            self.workspace,
            diff,
            baseline=self.baseline,
            engine=engine,
            image=self.image,
            run_id=run_id,
            name=name,
            warmth=COLD if terms.cold else self.warmth,
            terms=terms,
        )

    async def reference_quality(self, *, engine: Engine, run_id: str) -> Quality | None:
        """Measure the code quality of the reference solution; `None` when it cannot be done."""
        return await reference_quality(
            self.scenario,
            self.workspace,
            baseline=self.baseline,
            engine=engine,
            image=self.image,
            run_id=run_id,
        )

    def reference(self) -> Tree:
        """Return the seeded tree after the reference solution, for players."""
        diff = self.scenario.reference.read_bytes()
        return apply_patch(self.workspace, diff, source=str(self.scenario.reference))


def seed_all(scenarios: Iterable[Scenario]) -> dict[str, Workspace]:
    """Seed every scenario's workspace; the first seed that does not apply is raised."""
    return {scenario.id: seed_workspace(scenario) for scenario in scenarios}


async def build_images(
    scenarios: Iterable[Scenario], *, engine: Engine, cache: Path, progress: Progress
) -> dict[str, str]:
    """Install every fixture's packages and build its image, or reuse both; fixture -> image."""
    fixtures = {scenario.fixture.id: scenario.fixture for scenario in scenarios}
    return {
        name: await build_image(fixture, engine=engine, cache=cache, progress=progress)
        for name, fixture in fixtures.items()
    }


async def build_image(fixture: Fixture, *, engine: Engine, cache: Path, progress: Progress) -> str:
    """Install a fixture's packages and build its image, or reuse both; return its name."""
    packages = await install(fixture.root, prune=fixture.card.prune, cache=cache, progress=progress)
    return await engine.prepare(packages, progress)


async def warm_all(
    scenarios: Iterable[Scenario],
    images: Mapping[str, str],
    *,
    engine: Engine,
    cache: Path,
    progress: Progress,
) -> dict[str, Warmth]:
    """Make every fixture's build caches, or reuse them; fixture -> caches."""
    fixtures = {scenario.fixture.id: scenario.fixture for scenario in scenarios}
    return {
        name: await warm_up(
            fixture,
            engine=engine,
            image=images[name],
            cache=cache,
            run_id="warm-up",
            progress=progress,
        )
        for name, fixture in fixtures.items()
    }


async def set_scene(
    scenario: Scenario,
    workspace: Workspace,
    *,
    image: str,
    engine: Engine,
    run_id: str,
    warmth: Warmth = COLD,
) -> Scene:
    """Measure the seeded tree once, so that only what a patch introduced is held against it."""
    measured = await baseline(
        scenario,
        workspace,
        engine=engine,
        image=image,
        run_id=run_id,
        name=f"baseline-{scenario.id}",
    )
    return Scene(
        scenario=scenario, workspace=workspace, image=image, baseline=measured, warmth=warmth
    )


async def write_references(run: Run, scenes: Mapping[str, Scene], *, engine: Engine) -> None:
    """Write what the reference solutions measure, once per run: figures of patches need it."""
    if run.paths.references.is_file():
        return
    run_id = run.config.run_id
    quality = {
        name: await scene.reference_quality(engine=engine, run_id=run_id)
        for name, scene in scenes.items()
    }
    write_record(run.paths.references, References(quality=quality))


def write_briefs(run: Run, scenarios: Iterable[Scenario]) -> None:
    """Write what the scenarios ask for, once per run: whoever reads it needs no suite."""
    if run.paths.briefs.is_file():
        return
    scenarios = tuple(scenarios)
    certificates = {name: found.brief() for name, found in standings(scenarios).items()}
    briefs = {s.id: _brief(s, certificates[s.id]) for s in scenarios}
    write_record(run.paths.briefs, Briefs(scenarios=briefs))


def _brief(scenario: Scenario, certificate: CertificateBrief) -> Brief:
    return Brief(
        prompt=scenario.prompt,
        seed=scenario.seed.read_text(encoding="utf-8", errors="replace"),
        seeded_files=scenario.card.seeded_files,
        constraints=_asked(scenario),
        commands=dict(scenario.fixture.card.commands),
        fail_to_pass=len(scenario.fail_to_pass),
        pass_to_pass=len(scenario.pass_to_pass),
        certificate=certificate,
    )


def _asked(scenario: Scenario) -> dict[str, str]:
    """Say in words what the scenario declares, and what every scenario demands."""
    rules = scenario.card.constraints
    protected = ", ".join(scenario.fixture.card.protected)
    paths = {
        "allowed_paths": rules.allowed_paths,
        "forbidden_paths": rules.forbidden_paths,
        "required_paths": rules.required_paths,
    }
    size = {"max_changed_lines": str(rules.max_changed_lines)} if rules.max_changed_lines else {}
    return {
        **{name: ", ".join(globs) for name, globs in paths.items() if globs},
        **size,
        "no_new_dependency": "no package.json names a new package or another version",
        "no_deleted_test": "no test is deleted",
        "no_skipped_test": "no test is skipped",
        "no_tampering": f"left alone, new tests apart: {protected}",
    }


def digest_fixture(fixture: Fixture) -> str:
    """Digest the repository, the grading kit and the card (sha256)."""
    return digest_tree(
        {
            **_under("app", read_tree(fixture.root, fixture.card.ignored)),
            **_under("kit", read_tree(fixture.kit)),
            "card": File(fixture.card.model_dump_json().encode()),
        }
    )


def digest_scenario(scenario: Scenario, workspace: Workspace) -> str:
    """Digest all that decides a trial's outcome: seeded tree, prompt, checks, constraints."""
    digest = hashlib.sha256(workspace.digest.encode())
    digest.update(digest_tree(read_tree(scenario.checks)).encode())
    digest.update(scenario.prompt.encode())
    digest.update(scenario.card.model_dump_json().encode())
    return digest.hexdigest()


def _under(folder: str, tree: Tree) -> dict[str, File]:
    return {f"{folder}/{path}": file for path, file in tree.items()}
