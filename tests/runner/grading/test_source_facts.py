"""The fixture's own `quality` command, over its real sources and over what is written here."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from runner.grading.changes import read_changes
from runner.grading.factors import measure
from runner.grading.facts import read_facts
from runner.workspace import diff_trees, pristine_tree
from testbed.findings import Quality
from testbed.tree import File

if TYPE_CHECKING:
    from tests.runner.grading.conftest import Shop

pytestmark = pytest.mark.fixture

BEFORE = """\
import { useState } from "react";

export function Total({ rows }: { rows: number[] }) {
  return <b>{rows.length}</b>;
}
"""
AFTER = """\
import { useState } from "react";

/** Adds them up. */
export const sum = (rows: any[]) => {
  let s = 0;
  for (const row of rows) {
    // @ts-ignore
    if (row && row.ok) s += row.n ?? 0; // and no more
    else if (row) s -= 1;
  }

  return s;
};

export function Total({ rows }: { rows: number[] }) {
  return <b>{sum(rows)}</b>;
}

export function Totals() {
  const [rows] = useState<number[][]>([]);
  return (
    <ul>
      {/* one a line */}
      {rows.map((row, index) => (
        <Total key={index} rows={row} />
      ))}
    </ul>
  );
}
"""


def test_a_patch_on_the_real_sources_has_the_figures_counted_by_hand(shop: Shop) -> None:
    app = pristine_tree(shop.fixture)
    trees = [{**app, "lib/totals.tsx": File(text.encode())} for text in (BEFORE, AFTER)]
    before, after = (read_facts(shop.run(tree).stdout) for tree in trees)
    assert before
    assert after

    quality = measure(before, after, read_changes(diff_trees(*trees)), lint=3)

    assert not before.unparsed
    assert before.unused_exports == {"lib/totals.tsx": ("Total",)}
    assert not [path for path in before.files if ".test." in path or path.endswith("/testing.ts")]
    assert len(before.files) > 100
    assert quality == Quality(
        longest_function=11,  # Totals
        most_complex_function=6,  # sum: for, if, &&, ??, else if
        complexity_added=8,  # sum 6, Totals 1, its callback 1; Total was there
        functions_per_file=4.0,
        largest_component=11,
        comment_share=3 / 22,
        identifier_length=(3 + 4 + 1 + 3 + 6 + 4 + 3 + 5) / 8,
        single_letter_names=1,
        deepest_nesting=2,
        duplicated_lines=0,
        type_escapes=2,
        unused_exports=2,  # sum, Totals; nobody imported Total before
        lint_findings=3,
        exported_units=2,
    )


def test_a_copy_counts_on_both_sides_even_with_other_names(shop: Shop) -> None:
    copy = AFTER.replace("sum", "adder").replace("row", "line")
    one, two = (shop.facts(t) for t in ({"a.tsx": AFTER}, {"a.tsx": AFTER, "b.tsx": copy}))

    assert one.duplicated == {}
    assert set(two.duplicated) == {"a.tsx", "b.tsx"}
    assert two.duplicated["a.tsx"] == two.duplicated["b.tsx"]
    assert {4, 5, 8, 20, 24} <= set(two.duplicated["a.tsx"])
    assert 1 not in two.duplicated["a.tsx"], "the same import is no copy"


def test_a_table_of_data_is_no_copy_of_itself(shop: Shop) -> None:
    rows = "".join(f'  {{ name: "n{number}", age: {number} }},\n' for number in range(40))

    assert shop.facts({"a.ts": f"export const rows = [\n{rows}];\n"}).duplicated == {}


def test_functions_are_named_and_counted_apart_from_those_inside(shop: Shop) -> None:
    text = """\
export const Card = memo(function (props: Props) {
  return <p onClick={() => (props.on ? props.go() : undefined)} />;
});
class Store {
  get size() {
    try {
      switch (this.kind) {
        case 1: return 1;
        case 2: return 2;
        default: return 0;
      }
    } catch { return -1; }
  }
}
"""

    functions = shop.facts({"a.tsx": text}).files["a.tsx"].functions

    assert [(f.name, f.line, f.end, f.complexity, f.nesting, f.component) for f in functions] == [
        ("Card", 1, 3, 1, 0, True),
        ("", 2, 2, 2, 0, False),
        ("size", 5, 13, 4, 2, False),
    ]


def test_only_comments_that_a_checker_heeds_are_escapes(shop: Shop) -> None:
    text = """\
// eslint-disable-next-line no-console
const text = "@ts-ignore any"; // we never @ts-ignore here
/* oxlint-disable */
/**
 * @ts-expect-error
 */
type Any = any | Company;
"""

    assert shop.facts({"a.ts": text}).files["a.ts"].escapes == (
        ("eslint-disable-next-line", 1),
        ("oxlint-disable", 3),
        ("@ts-expect-error", 5),
        ("any", 7),
    )


def test_exported_types_and_foreign_units_are_no_exported_units(shop: Shop) -> None:
    text = """\
export type A = string;
export interface B {}
export { x } from "./x";
export * from "./y";
export default function page() {}
export const [c, { d }] = pair();
class E {}
type F = E;
export { E, type F };
"""

    assert shop.facts({"a.ts": text}).files["a.ts"].exports == 4


def test_what_cannot_be_parsed_is_said_and_the_rest_is_measured(shop: Shop) -> None:
    facts = shop.facts({"good.ts": "export const a = 1;\n", "bad.ts": "const = ;\n"})

    assert list(facts.files) == ["good.ts"]
    assert list(facts.unparsed) == ["bad.ts"]


@pytest.mark.parametrize(
    "text",
    [
        "x = " + "[" * 60_000,
        "x = " + "(" * 60_000 + "1" + ")" * 60_000,
        "\x00\xff",
        "a" * (1 << 20),
    ],
    ids=["open brackets", "deep", "binary", "large"],
)
def test_hostile_sources_give_no_figure_and_never_a_false_one(shop: Shop, text: str) -> None:
    done = shop.run({"good.ts": File(b"export {};\n"), "bad.ts": File(text.encode())})

    facts = read_facts(done.stdout)

    assert facts is None or list(facts.unparsed) == ["bad.ts"]
