"""What the fixture's `quality` command takes for an export that nobody imports."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from runner.grading.facts import read_facts
from runner.workspace import pristine_tree

if TYPE_CHECKING:
    from tests.runner.grading.conftest import Shop

pytestmark = pytest.mark.fixture

UNITS = {
    "lib/near.ts": "export const near = 1, nearIdle = 2;\n",
    "lib/aliased.mts": "export function aliased() {}\nexport function aliasedIdle() {}\n",
    "lib/renamed.ts": "const a = 1, b = 2;\nexport { a as shown, b as shownIdle };\n",
    "lib/space.ts": "export const a = 1, b = 2;\nexport default a;\n",
    "lib/later.tsx": "export const Later = 1;\nexport default Later;\n",
    "lib/required.js": "export const required = 1;\n",
    "lib/equals.ts": "export const equals = 1;\n",
    "lib/tested.ts": "export class Tested {}\nexport class TestedIdle {}\n",
    "lib/checked.ts": "export enum Checked { A }\nexport enum CheckedIdle { A }\n",
    "lib/helped.ts": "export const helped = 1;\n",
    "lib/mocked.ts": "export const mocked = 1;\n",
    "lib/defaults.ts": "export default function () {}\n",
    "lib/idle.ts": "export default function () {}\n",
    "lib/types.ts": "export type A = 1;\nexport interface B {}\nclass C {}\nexport type { C };\n",
    "lib/typed.ts": "export class Typed {}\nexport class Inline {}\n",
    "lib/named.tsx": "export const named = 1;\n",
    "lib/own.ts": 'import { own } from "./own";\nexport const own = 1, { inner: [deep] } = own;\n',
    "lib/bare.ts": "export const bare = 1;\n",
    "lib/bag/index.ts": """\
export const bag = 1, bagIdle = 2;
export { taken, left } from "./items";
export { default as Deep } from "./deep";
export * from "./stars";
export * as packed from "./packed";
""",
    "lib/bag/items.ts": "export const taken = 1, left = 2;\n",
    "lib/bag/deep.tsx": 'export { default } from "./deeper";\n',
    "lib/bag/deeper.tsx": "export default class {}\nexport const beside = 1;\n",
    "lib/bag/stars.ts": """\
export const star = 1, starIdle = 2;
export default 3;
export * from ".";
""",
    "lib/bag/packed.ts": "export const one = 1;\n",
    "lib/wide.ts": 'export { wide } from "./far";\nexport * from "./farther";\n',
    "lib/far.ts": "export const wide = 1;\n",
    "lib/farther.ts": "export const wider = 1;\n",
    "lib/closed.ts": 'export * from "./behind";\n',
    "lib/behind.ts": "export const behind = 1;\n",
    "app/(in)/page.tsx": "export const dynamic = 1;\nexport default function Page() {}\n",
    "app/api/route.ts": 'export function GET() {}\nexport { POST } from "../handler";\n',
    "app/handler.ts": "export function POST() {}\nexport function PUT() {}\n",
    "app/icon2.tsx": "export default function Icon() {}\n",
    "app/pages.tsx": "export default function Pages() {}\n",
    "proxy.ts": "export function proxy() {}\n",
    "lib/proxy.ts": "export function proxy() {}\n",
    "next.config.ts": "export default {};\n",
    "types/x.d.ts": "export const x: number;\n",
}
USERS = {
    "lib/user.ts": """\
import { near } from "./near";
import { aliased } from "@/lib/aliased";
import { shown as other } from "../lib/renamed.ts";
import * as space from "./space";
import * as wide from "./wide";
import anything from "./defaults";
import type { Typed } from "./typed";
import { named } from "./named.js";
import "./bare";
import equals = require("./equals");
import bagged, { bag, taken, Deep as D, star, packed } from "./bag";
const later = () => import(`./later`), old = require("./required"), gone = import(where);
type Inline = import("./typed").Inline;
""",
    "lib/user.test.ts": 'import { Tested } from "./tested";\nvi.mock("./mocked");\n',
    "lib/testing.ts": 'export { helped } from "./helped";\nexport const unseen = 1;\n',
    "lib/more.test.tsx": 'import { helped } from "@/lib/testing";\n',
    ".testbed/checks/unit/a.test.ts": 'import { Checked } from "@/lib/checked";\n',
    ".testbed/checks/app/b.ts": 'import { CheckedIdle } from "../../../lib/none";\n'
    "export const idle = 1;\n",
}


def test_an_export_that_no_other_file_imports_is_unused(shop: Shop) -> None:
    assert shop.facts({**UNITS, **USERS}).unused_exports == {
        "lib/near.ts": ("nearIdle",),
        "lib/aliased.mts": ("aliasedIdle",),
        "lib/renamed.ts": ("shownIdle",),
        "lib/tested.ts": ("TestedIdle",),
        "lib/checked.ts": ("CheckedIdle",),
        "lib/mocked.ts": ("mocked",),
        "lib/idle.ts": ("default",),
        "lib/own.ts": ("own", "deep"),
        "lib/bare.ts": ("bare",),
        "lib/bag/index.ts": ("bagIdle",),
        "lib/bag/items.ts": ("left",),
        "lib/bag/deeper.tsx": ("beside",),
        "lib/bag/stars.ts": ("starIdle", "default"),
        "lib/behind.ts": ("behind",),
        "app/handler.ts": ("PUT",),
        "app/pages.tsx": ("default",),
        "lib/proxy.ts": ("proxy",),
    }


def test_the_untouched_fixture_has_no_unused_exports(shop: Shop) -> None:
    facts = read_facts(shop.run(pristine_tree(shop.fixture)).stdout)

    assert facts
    assert facts.unused_exports == {}


@pytest.mark.parametrize("path", ["a.ts", "a.test.ts", "lib/testing.ts", ".testbed/checks/x.ts"])
def test_a_file_that_cannot_be_read_may_import_anything(shop: Shop, path: str) -> None:
    facts = shop.facts({path: "const = ;\n", "good.ts": "export const a = 1;\n"})

    assert list(facts.files) == ["good.ts"]
    assert list(facts.unparsed) == [path]
    assert facts.unused_exports is None
