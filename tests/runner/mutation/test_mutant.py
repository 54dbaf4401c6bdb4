"""Mutants are told apart by what they change, not by where it stands."""

from __future__ import annotations

from pathlib import Path

import pytest

from runner.mutation.listing import list_mutants
from runner.mutation.mutant import Change, Mutant, apply, identify
from runner.sandbox.base import ExecResult
from runner.sandbox.fake import FakeEngine
from testbed.errors import EnvironmentFault, ScenarioError, TestbedError
from testbed.scenario import Fixture, load_fixture
from testbed.tree import File, Tree

TINY = Path(__file__).parents[2] / "suites" / "tiny"
TEXT = "f(a + b);\nf(a + b);\ng(a + b);\n"


def tree(text: str = TEXT) -> Tree:
    return {"lib/a.mjs": File(text.encode(), executable=True), "lib/b.mjs": File(b"")}


def changes(text: str = TEXT, path: str = "lib/a.mjs") -> list[Change]:
    """Turn every plus into a minus."""
    return [
        Change(
            path=path,
            line=text[:at].count("\n") + 1,
            operator="swap-arithmetic",
            start=at,
            end=at + 1,
            before="+",
            after="-",
        )
        for at, letter in enumerate(text)
        if letter == "+"
    ]


def ids(text: str = TEXT) -> list[str]:
    return [mutant.id for mutant in identify(changes(text), tree(text))]


def test_an_id_names_path_and_operator_and_counts_alike_ones() -> None:
    first, second, third = ids()

    assert first.startswith("lib/a.mjs:swap-arithmetic:")
    assert second == f"{first}:2"
    assert third.startswith("lib/a.mjs:swap-arithmetic:")
    assert third not in {first, second}


def test_an_id_survives_what_changes_elsewhere_in_the_file() -> None:
    assert ids(f"// more\n\n  {TEXT}h(c + d);\n")[:3] == ids()
    assert ids(TEXT.replace("g(a", "g(z"))[:2] == ids()[:2]
    assert ids(TEXT.replace("g(a", "g(z"))[2] != ids()[2]


def test_a_mutant_changes_its_file_and_nothing_else() -> None:
    _, second, _ = identify(changes(), tree())

    mutated = apply(tree(), second)

    assert mutated["lib/a.mjs"] == File(b"f(a + b);\nf(a - b);\ng(a + b);\n", executable=True)
    assert mutated["lib/b.mjs"] == File(b"")
    assert tree()["lib/a.mjs"].data == TEXT.encode()


@pytest.mark.parametrize("other", [tree("f(a * b);\n"), {}])
def test_a_mutant_of_another_text_is_refused(other: Tree) -> None:
    first, *_ = identify(changes(), tree())

    with pytest.raises(ValueError, match="made from another text"):
        apply(other, first)


def engine(output: str, *, exit_code: int = 0) -> FakeEngine:
    """Return an engine whose `node` prints this."""
    result = ExecResult(
        exit_code=exit_code,
        stdout=output.encode(),
        stderr=b"said why",
        cut_bytes=0,
        timed_out=False,
        seconds=0.0,
    )
    return FakeEngine({"node": lambda _: result})


def fixture() -> Fixture:
    return load_fixture(TINY / "fixtures", "tiny")


def encoded(*printed: Change) -> str:
    return f"[{','.join(change.model_dump_json() for change in printed)}]"


async def listed(
    output: str, *, exit_code: int = 0, lines: dict[str, set[int]] | None = None
) -> tuple[Mutant, ...]:
    fake = engine(output, exit_code=exit_code)
    try:
        return await list_mutants(
            fixture(), tree(), engine=fake, image="fake-none", run_id="t", lines=lines
        )
    finally:
        assert all(sandbox.closed for sandbox in fake.sandboxes)


async def test_the_command_prints_the_mutants_and_lines_keep_some_under_the_same_ids() -> None:
    everything = await listed(encoded(*changes()))
    some = await listed(encoded(*changes()), lines={"lib/a.mjs": {2, 3}, "lib/b.mjs": {1}})

    assert [mutant.id for mutant in everything] == ids()
    assert some == everything[1:]
    assert await listed(encoded(*changes()), lines={}) == ()


async def test_what_no_patch_could_mend_has_no_mutants() -> None:
    protected = {"test/a.mjs": File(TEXT.encode()), **tree()}
    output = encoded(*changes(path="test/a.mjs"), *changes())

    found = await list_mutants(
        fixture(), protected, engine=engine(output), image="fake-none", run_id="t"
    )

    assert {mutant.path for mutant in found} == {"lib/a.mjs"}


@pytest.mark.parametrize(
    ("output", "exit_code", "words"),
    [
        ("[]", 1, "exit code 1: said why"),
        ("no list", 0, "prints no mutants"),
        (encoded(*changes()).replace('"before":"+"', '"before":"*"'), 0, "another text"),
        (encoded(*changes()).replace("a.mjs", "gone.mjs"), 0, "lib/gone.mjs"),
        (encoded(*changes()).replace('"line":3', '"line":30'), 0, "prints no mutants"),
    ],
)
async def test_a_command_that_does_not_work_is_said(
    output: str, exit_code: int, words: str
) -> None:
    with pytest.raises(EnvironmentFault, match=words):
        await listed(output, exit_code=exit_code)


async def test_a_fixture_without_the_command_is_told_apart() -> None:
    card = fixture().card.model_copy(update={"mutants": None})
    bare = Fixture(card=card, root=fixture().root, kit=fixture().kit)

    with pytest.raises(ScenarioError, match=r"no `\[mutants\]`") as refused:
        await list_mutants(bare, tree(), engine=engine("[]"), image="fake-none", run_id="t")
    assert isinstance(refused.value, TestbedError)
