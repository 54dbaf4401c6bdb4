import { duplicatedTokens, escapes, sourceFiles } from "kit/structure";
import { expect, test } from "vitest";

/** What the forms and the parts that they are made of had before the refactoring. */
const DUPLICATED_BEFORE = 2266;

/** The tokens of each form before, a text counted as one. */
const FORMS_BEFORE: Record<string, number> = {
  "app/(admin)/applicants/[id]/notes.tsx": 461,
  "app/(admin)/applicants/[id]/stage-select.tsx": 363,
  "app/(admin)/openings/opening-form.tsx": 541,
  "app/(admin)/settings/password-form.tsx": 474,
  "app/(admin)/settings/profile-form.tsx": 277,
  "app/(public)/jobs/[id]/apply-form.tsx": 504,
};

const all = sourceFiles("{app,components,hooks}/**/*.{ts,tsx}");

/** Pages, tables and the like: what these repeat has nothing to do with the forms. */
const NO_FORMS =
  /(^|\/)(page|layout|route|actions|not-found)\.tsx?$|^app\/\(admin\)\/(chat|search|dashboard)\/|^app\/\(auth\)\/login\/|(remove-button|close-button|resume-upload)\.tsx$|^components\/applicant-/;

test("at least half of the duplicated code is gone", () => {
  expect(duplicatedTokens(all.filter(({ path }) => !NO_FORMS.test(path)))).toBeLessThanOrEqual(DUPLICATED_BEFORE / 2);
});

test.each(Object.keys(FORMS_BEFORE))("%s is at least a quarter shorter", (path) => {
  const text = all.find((file) => file.path === path)?.text ?? "";
  const tokens = text.match(/"[^"\n]*"|\w+|[^\s\w]/g) ?? [];

  expect(tokens.length).toBeGreaterThan(0);
  expect(tokens.length).toBeLessThanOrEqual((FORMS_BEFORE[path] ?? 0) * 0.75);
});

test("the type checker is not silenced", () => {
  expect(escapes(all)).toEqual([]);
});
