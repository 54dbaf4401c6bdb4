from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from runner.grading.changes import read_changes
from runner.grading.constraints import check_constraints
from runner.workspace import diff_trees
from testbed.records import CheckKind
from testbed.scenario import Constraints
from testbed.tree import File

if TYPE_CHECKING:
    from collections.abc import Mapping

PROTECTED = ("**/*.test.ts", "package.json", "vitest.config.mts")
BEFORE = {
    "lib/a.ts": "one\ntwo\n",
    "lib/a.test.ts": "it('is', () => {});\nit('does', () => {});\n",
    "package.json": '{"dependencies": {"next": "1.0"}, "scripts": {"test": "vitest"}}',
    "vitest.config.mts": "export default {};\n",
}


def violated(rules: Constraints, change: Mapping[str, str | None]) -> dict[str, str]:
    merged = {**BEFORE, **change}
    before = {path: File(text.encode()) for path, text in BEFORE.items()}
    after = {path: File(text.encode()) for path, text in merged.items() if text is not None}
    checks = check_constraints(
        rules,
        read_changes(diff_trees(before, after)),
        protected=PROTECTED,
        before=before,
        after=after,
    )
    assert all(check.kind is CheckKind.CONSTRAINT for check in checks)
    return {
        check.id.removeprefix("constraint:"): check.detail for check in checks if not check.passed
    }


@pytest.mark.parametrize(
    ("rules", "change", "expected"),
    [
        ({"allowed_paths": ("lib/**",)}, {"lib/a.ts": "x"}, {}),
        ({"allowed_paths": ("lib/**",)}, {"app/b.ts": "x"}, {"allowed-paths": "app/b.ts"}),
        ({"allowed_paths": ()}, {"lib/a.ts": None}, {"allowed-paths": "lib/a.ts"}),
        ({"allowed_paths": ("lib/**",)}, {"app/new.test.ts": "it('x');\n"}, {}),
        ({"forbidden_paths": ("lib/*",)}, {"lib/a.ts": "x"}, {"forbidden-paths": "lib/a.ts"}),
        ({"forbidden_paths": ("app/*",)}, {"lib/a.ts": "x"}, {}),
        ({"required_paths": ("app/chat/*",)}, {}, {"required-paths": "no app/chat/*"}),
        ({"required_paths": ("app/chat/*",)}, {"app/chat/page.tsx": "x"}, {}),
        ({"required_paths": ("lib/a.ts",)}, {"lib/a.ts": None}, {"required-paths": "no lib/a.ts"}),
        ({"max_changed_lines": 3}, {"lib/a.ts": "one\n2\n3\n"}, {}),
        (
            {"max_changed_lines": 2},
            {"lib/a.ts": "one\n2\n3\n"},
            {"max-changed-lines": "3 lines, at most 2"},
        ),
        ({"max_changed_lines": 1}, {"lib/b.test.ts": "1\n2\n3\n"}, {}),
    ],
)
def test_a_declared_constraint_names_what_breaks_it(
    rules: dict[str, object], change: dict[str, str | None], expected: dict[str, str]
) -> None:
    assert violated(Constraints.model_validate(rules), change) == expected


def test_constraints_that_are_not_declared_are_not_checked() -> None:
    checks = check_constraints(Constraints(), {}, protected=(), before={}, after={})

    assert [check.id for check in checks] == [
        "constraint:no-new-dependency",
        "constraint:no-deleted-test",
        "constraint:no-skipped-test",
        "constraint:no-tampering",
    ]


@pytest.mark.parametrize(
    ("package", "named"),
    [
        ('{"dependencies": {"next": "1.0", "left-pad": "2"}}', "left-pad 2"),
        ('{"dependencies": {"next": "1.1"}}', "next 1.1"),
        ('{"dependencies": {"next": "1.0"}, "devDependencies": {"x": "1"}}', "x 1"),
        ("{", "package.json cannot be read"),
    ],
)
def test_a_new_dependency_is_a_violation(package: str, named: str) -> None:
    found = violated(Constraints(), {"package.json": package})

    assert found == {"no-new-dependency": named, "no-tampering": "package.json"}


@pytest.mark.parametrize(
    "package", ["[]", '{"dependencies": []}', '{"scripts": {"test": "true"}}', '{"x": 1}']
)
def test_other_changes_of_the_manifest_are_tampering_only(package: str) -> None:
    assert violated(Constraints(), {"package.json": package}) == {"no-tampering": "package.json"}


def test_a_package_of_the_patchs_own_may_bring_no_dependency_either() -> None:
    found = violated(Constraints(), {"packages/x/package.json": '{"dependencies": {"y": "1"}}'})

    assert found == {"no-new-dependency": "y 1"}


def test_adding_tests_violates_nothing() -> None:
    old = str(BEFORE["lib/a.test.ts"])
    change = {"lib/a.test.ts": f"{old}it('adds', () => {{}});\n", "lib/b.test.ts": "it('b');\n"}

    assert violated(Constraints(), change) == {}


IMPORTS = """import { expect, test } from "vitest";
import { sum } from "./sum";
import type { Pair } from "./pair";
test("adds", () => {});
"""


def tampered_by(old: str, new: str) -> list[str]:
    """List what is violated when this changes in the imports and a test is added."""
    path = "lib/imports.test.ts"
    assert old in IMPORTS
    changed = IMPORTS.replace(old, new) + 'test("more", () => {});\n'
    checks = check_constraints(
        Constraints(),
        read_changes(diff_trees({path: File(IMPORTS.encode())}, {path: File(changed.encode())})),
        protected=PROTECTED,
        before={},
        after={},
    )
    return [check.id for check in checks if not check.passed]


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("{ expect, test }", "{ beforeEach, expect, test }"),
        ('{ sum } from "./sum";', "{ product, sum } from './sum'"),
        ("{ Pair }", "{ Pair, Triple }"),
        ('"vitest";', '"vitest";\nimport { helper } from "./helper";'),
    ],
)
def test_importing_more_for_added_tests_is_no_tampering(old: str, new: str) -> None:
    assert tampered_by(old, new) == []


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("{ expect, test }", "{ test, vi }"),
        ("{ expect, test }", "{ expect as is, test }"),
        ('{ sum } from "./sum"', '{ sum, zero } from "./my-sum"'),
        ("import type { Pair }", "import { Pair }"),
        ("import { sum }", "import sum, { product }"),
        ('import { sum } from "./sum";', 'const { sum, zero } = await import("./sum");'),
    ],
)
def test_importing_less_or_from_elsewhere_is_tampering(old: str, new: str) -> None:
    assert tampered_by(old, new) == ["constraint:no-tampering"]


def test_deleting_a_test_file_is_a_violation() -> None:
    assert violated(Constraints(), {"lib/a.test.ts": None}) == {
        "no-deleted-test": "lib/a.test.ts",
        "no-tampering": "lib/a.test.ts",
    }


def test_deleting_one_test_of_a_file_is_a_violation() -> None:
    assert violated(Constraints(), {"lib/a.test.ts": "it('is', () => {});\n"}) == {
        "no-deleted-test": "lib/a.test.ts: 1 fewer",
        "no-tampering": "lib/a.test.ts",
    }


@pytest.mark.parametrize(
    "call", ["it.skip(", "it.only(", "it.todo(", "describe.skip(", "test.skipIf(true)(", "xit("]
)
def test_a_skipped_test_is_a_violation(call: str) -> None:
    change = {"lib/new.test.ts": f"{call}'is', () => {{}});\n"}

    assert violated(Constraints(), change) == {"no-skipped-test": "lib/new.test.ts"}


def test_skip_is_an_ordinary_word_outside_tests() -> None:
    assert violated(Constraints(), {"lib/a.ts": "it.skip(1);\ntest.only(2);\n"}) == {}


def test_a_new_file_that_is_protected_and_no_test_is_tampering() -> None:
    found = violated(Constraints(), {"vitest.config.mts": "export default { retry: 9 };\n"})

    assert found == {"no-tampering": "vitest.config.mts"}


def test_a_long_list_is_one_short_line() -> None:
    rules = Constraints(allowed_paths=("lib/**",))

    detail = violated(rules, {f"app/{number}.ts": "x" for number in range(99)})["allowed-paths"]

    assert len(detail) == 300
