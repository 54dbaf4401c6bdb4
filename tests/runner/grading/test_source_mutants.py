"""The fixture's own `mutants` command, over its real sources and over what is written here."""

from __future__ import annotations

import json
import re
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from runner.workspace import pristine_tree
from testbed.tree import File, matches

if TYPE_CHECKING:
    from collections.abc import Mapping

    from tests.runner.grading.conftest import Shop

pytestmark = pytest.mark.fixture
PAGE = Path(__file__).parents[3] / "docs" / "scenarios.md"

CASES: list[tuple[str, str, list[str]]] = [
    ("negate-condition", "if (a) b();", ["if (!a) b();"]),
    ("negate-condition", "x = !a ? 1 : b;", ["x = a ? 1 : b;"]),
    ("negate-condition", "if (a < b || c) d();", ["if (!(a < b || c)) d();"]),
    ("negate-condition", "if (a <= b) c();", ["if (a > b) c();"]),
    ("negate-condition", "x = <p>{a && <b />}</p>;", ["x = <p>{!a && <b />}</p>;"]),
    ("swap-equality", "x = a !== b;", ["x = a === b;"]),
    ("swap-logical", "x = (a /* && */ && b);", ["x = (a /* && */ || b);"]),
    (
        "drop-operand",
        "x = (a || b) && c && d;",
        [
            "x = (a || b) && c;",
            "x = d;",
            "x = (a || b) && d;",
            "x = c && d;",
            "x = (a) && c && d;",
            "x = (b) && c && d;",
        ],
    ),
    ("drop-operand", "x = a ?? b;", ["x = a;", "x = b;"]),
    ("shift-bound", "x = a < b;", ["x = a <= b;"]),
    ("shift-bound", "x = (page - 1) * size;", ["x = (page) * size;"]),
    ("shift-number", "x = [0, 1_000];", ["x = [1, 1_000];", "x = [0, 1001];", "x = [0, 999];"]),
    ("swap-arithmetic", "x = a * b + c;", ["x = a / b + c;", "x = a * b - c;"]),
    ("swap-arithmetic", 'x = a + "s" + b;', []),
    ("swap-assignment", "x ??= y; n += 1;", ["x = y; n += 1;", "x ??= y; n -= 1;"]),
    (
        "swap-order",
        'x = [asc(a), { s: "desc" }];',
        [
            'x = [desc(a), { s: "desc" }];',
            'x = [asc(a), { s: "asc" }];',
        ],
    ),
    (
        "swap-order",
        "r.toSorted((a, b) => b.n - a.n || c);",
        [
            "r.toSorted((a, b) => a.n - b.n || c);",
        ],
    ),
    ("flip-boolean", "x = true;", ["x = false;"]),
    ("empty-string", 'x = f("a", `b`, "");', ['x = f("", `b`, "");', 'x = f("a", "", "");']),
    ("drop-flag", "x = /a/gi;", ["x = /a/i;", "x = /a/g;"]),
    (
        "drop-await",
        "async () => { await f(); return g(await h()); };",
        [
            "async () => { f(); return g(await h()); };",
            "async () => { await f(); return g(h()); };",
        ],
    ),
    ("drop-await", "async () => { return await f(); };", []),
    (
        "drop-await",
        "async () => { try { return await f(); } catch {} };",
        [
            "async () => { try { return f(); } catch {} };",
        ],
    ),
    ("drop-call", "a();\nvoid b.c?.();\n", ["void b.c?.();\n", "a();\n"]),
    ("drop-call", "if (a) b();", []),
    ("drop-assignment", "{\n  a.b = c;\n  d++;\n}", ["{\n  d++;\n}", "{\n  a.b = c;\n}"]),
    ("drop-guard", "() => {\n  if (a) return;\n  b();\n};", ["() => {\n  b();\n};"]),
    ("drop-guard", "if (!a) notFound();\nb();", ["b();"]),
    ("drop-guard", "if (a) { b(); throw c; } else d();", []),
    ("drop-branch", "{ if (a) b(); }", ["{  }"]),
    (
        "drop-dependency",
        "useEffect(() => f(a), [a, b]);",
        [
            "useEffect(() => f(a), [b]);",
            "useEffect(() => f(a), [a]);",
        ],
    ),
    ("drop-element", "x = [a, [b]];", ["x = [[b]];", "x = [a];", "x = [a, []];"]),
    ("drop-element", "x = [\n  a,\n  b,\n];", ["x = [\n  b,\n];", "x = [\n  a,\n];"]),
    ("drop-argument", "f(a, b); g(a);", ["f(a); g(a);"]),
    (
        "drop-argument",
        "and(a, b); Math.max(1, n);",
        [
            "and(b); Math.max(1, n);",
            "and(a); Math.max(1, n);",
            "and(a, b); Math.max(n);",
            "and(a, b); Math.max(1);",
        ],
    ),
    ("drop-argument", "x = new A(b, { c });", ["x = new A(b);"]),
    ("drop-property", "x = { a, b: 1 };", ["x = { b: 1 };", "x = { a };"]),
    ("drop-property", "const { a, b } = x;", []),
    (
        "drop-spread",
        "x = <A {...b} c={[...d, e]} />;",
        [
            "x = <A c={[...d, e]} />;",
            "x = <A {...b} c={[e]} />;",
        ],
    ),
    (
        "drop-attribute",
        'x = <A className="b" key={c} onClick={d} />;',
        [
            'x = <A className="b" key={c} />;',
        ],
    ),
    (
        "drop-link",
        "db\n  .from(a)\n  .where(b)\n  .limit(1);",
        [
            "db\n  .from(a)\n  .limit(1);",
            "db\n  .from(a)\n  .where(b);",
        ],
    ),
    (
        "drop-link",
        "x = a.trim(); y = Math.min(b); z = a?.trim();",
        [
            "x = a; y = Math.min(b); z = a?.trim();",
        ],
    ),
    (
        "drop-case",
        "switch (a) {\n  case 1:\n    b();\n  default:\n}",
        [
            "switch (a) {\n  default:\n}",
        ],
    ),
    (
        "drop-cleanup",
        "useEffect(() => {\n  a();\n  return () => b();\n}, []);",
        [
            "useEffect(() => {\n  a();\n}, []);",
        ],
    ),
]
"""Operator, text, and what its mutants leave of the text."""
SILENT = [
    'import a from "b";\nexport * from "c";\nexport { d } from "e";\n',
    'type A = "b" | 1;\ninterface C { d: "e" }\ndeclare const f: { g: true };\n',
    "const a: 1 | 2 = b as 3 satisfies 4;\n",
    '"use client";\n',
    'export const x = <svg viewBox="0 0 24 24"><path d="M0" /></svg>;\n',
    'const FACE = { a: "b" };\nexport const x = <p className={FACE.a} style={{ c: "d" }} />;\n',
    'console.error("went wrong", 1);\n',
    "// if (a < 1) return true;\n",
    "const x = a?.b;\n",
    "const = ;\n",
]
"""What is no code of the application's, or shows in no behaviour."""


def printed(shop: Shop, texts: Mapping[str, str]) -> list[dict[str, Any]]:
    """Return the mutants of a tree, as they are printed."""
    done = shop.run({path: File(text.encode()) for path, text in texts.items()}, "mutants")
    assert done.returncode == 0, done.stderr
    mutants: list[dict[str, Any]] = json.loads(done.stdout)
    return mutants


def mutated(text: str, mutant: Mapping[str, Any]) -> str:
    data, after = text.encode(), str(mutant["after"])
    assert data[mutant["start"] : mutant["end"]] == mutant["before"].encode()
    return (data[: mutant["start"]] + after.encode() + data[mutant["end"] :]).decode()


def test_the_real_sources_have_mutants_of_every_operator_and_they_are_all_different(
    shop: Shop,
) -> None:
    tree = pristine_tree(shop.fixture)
    texts = {path: file.data.decode() for path, file in tree.items() if path.endswith((".ts", "x"))}

    mutants = printed(shop, texts)

    assert {mutant["operator"] for mutant in mutants} == {operator for operator, _, _ in CASES}
    assert len(mutants) > 3000
    left = Counter((m["path"], mutated(texts[m["path"]], m)) for m in mutants)
    assert set(left.values()) == {1}, left.most_common(1)
    assert not [m for m in mutants if matches(m["path"], shop.fixture.card.tests)]
    assert not [m for m in mutants if m["path"].endswith((".d.ts", "testing.ts", ".config.ts"))]
    assert mutants == printed(shop, texts)


def test_the_documentation_names_every_operator() -> None:
    page = PAGE.read_text(encoding="utf-8")
    section = page.partition("| operator | leaves |")[2].partition("\n\n")[0]

    named = set(re.findall(r"^\| `([\w-]+)` \|", section, re.MULTILINE))
    assert named == {operator for operator, _, _ in CASES}


def test_each_operator_leaves_what_is_written_here(shop: Shop) -> None:
    texts = {f"lib/{number}.tsx": text for number, (_, text, _) in enumerate(CASES)}
    left: dict[str, list[str]] = {path: [] for path in texts}
    operators = dict(zip(texts, (operator for operator, _, _ in CASES), strict=True))

    for mutant in printed(shop, texts):
        if mutant["operator"] == operators[mutant["path"]]:
            left[mutant["path"]].append(mutated(texts[mutant["path"]], mutant))

    found = [
        (operator, text, sorted(left[path]))
        for path, (operator, text, _) in zip(texts, CASES, strict=True)
    ]
    assert found == [(operator, text, sorted(expected)) for operator, text, expected in CASES]


def test_what_shows_in_no_behaviour_has_no_mutant(shop: Shop) -> None:
    assert printed(shop, {f"lib/{number}.tsx": text for number, text in enumerate(SILENT)}) == []


def test_offsets_are_bytes_and_lines_are_those_of_what_is_changed(shop: Shop) -> None:
    text = 'const ü = "😀";\nconst v = rows\n  .filter(ü)\n  .map(f);\n'

    word, link = printed(shop, {"lib/a.ts": text})

    assert (word["line"], word["start"], word["before"]) == (1, 11, '"😀"')
    assert (link["line"], link["before"]) == (3, "\n  .filter(ü)")
    assert mutated(text, link) == 'const ü = "😀";\nconst v = rows\n  .map(f);\n'


def test_tests_and_what_a_tool_reads_have_no_mutants(shop: Shop) -> None:
    text = "const x = true;\n"
    names = ("a.test.ts", "lib/testing.ts", "a.d.ts", "next.config.ts", "vitest.setup.ts", "a.css")

    assert [m["path"] for m in printed(shop, dict.fromkeys((*names, "lib/a.mjs"), text))] == [
        "lib/a.mjs"
    ]
