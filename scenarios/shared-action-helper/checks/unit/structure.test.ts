import { duplicatedTokens, escapes, sourceFiles } from "kit/structure";
import { expect, test } from "vitest";

/** What the tree had before the refactoring. */
const DUPLICATED_BEFORE = 2686;

const files = sourceFiles("{app,lib}/**/*.ts", { except: ["lib/db/"] });

test("at least 60 percent of the duplicated code is gone", () => {
  expect(duplicatedTokens(files)).toBeLessThanOrEqual(DUPLICATED_BEFORE * 0.4);
});

test("the type checker is not silenced", () => {
  expect(escapes(files)).toEqual([]);
});
