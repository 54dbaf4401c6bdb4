import { type ApplicantRow, listApplicants } from "@/lib/applicants/queries";
import { parseFilters } from "@/lib/applicants/filters";
import type { Database } from "@/lib/db/client";
import { STAGES } from "@/lib/db/schema";
import { createTestDatabase, insertApplicant, insertJob } from "@/lib/db/testing";
import { countRows } from "kit/rows";
import { beforeAll, describe, expect, test } from "vitest";

const NAMES = ["Ada", "Berit", "Cem", "Dunja", "Emil"];

/** 37 applicants of one moment. Their ids follow neither names nor stages nor the order in which they came in. */
const people = Array.from({ length: 37 }, (_, index) => {
  const number = (index * 11) % 37;
  return {
    id: `applicant_${String(number).padStart(2, "0")}`,
    name: NAMES[(number * 3) % NAMES.length] ?? "",
    email: number % 3 === 0 ? `fair.${number}@example.org` : `person.${number}@example.com`,
    stage: STAGES[number % 2 === 0 ? 2 : (number * 5) % STAGES.length] ?? "applied",
    jobId: number % 4 === 0 ? "job_design" : "job_backend",
    appliedAt: Date.UTC(2026, 2, 14, 9, 30),
  };
});

type Person = (typeof people)[number];
type Params = Record<string, string>;

let db: Database;

beforeAll(async () => {
  db = await createTestDatabase();
  await insertJob(db);
  await insertJob(db, { id: "job_design", title: "Product Designer" });
  for (const person of people) await insertApplicant(db, person);
});

const list = (params: Params) => listApplicants(parseFilters(params));
const ids = (rows: Pick<ApplicantRow, "id">[]) => rows.map(({ id }) => id);

function byId(a: Person, b: Person): number {
  return a.id < b.id ? -1 : 1;
}

const comparisons: Record<string, (a: Person, b: Person) => number> = {
  newest: byId,
  oldest: byId,
  name: (a, b) => (a.name === b.name ? byId(a, b) : a.name < b.name ? -1 : 1),
  stage: (a, b) => STAGES.indexOf(a.stage) - STAGES.indexOf(b.stage) || byId(a, b),
};

function expected(sort: string, matches: (person: Person) => boolean = () => true): string[] {
  return ids(people.filter(matches).toSorted(comparisons[sort]));
}

/** Goes through the pages one after the other. */
async function walk(params: Params) {
  const first = await list(params);
  const pages = [first];
  for (let page = 2; page <= first.pageCount; page++) pages.push(await list({ ...params, page: String(page) }));
  return pages;
}

describe("the pages together hold everybody once, in order", () => {
  test.each([
    ["newest", "10", [10, 10, 10, 7]],
    ["oldest", "10", [10, 10, 10, 7]],
    ["name", "10", [10, 10, 10, 7]],
    ["stage", "10", [10, 10, 10, 7]],
    ["newest", "25", [25, 12]],
    ["name", "25", [25, 12]],
    ["newest", "50", [37]],
  ])("sorted by %s, %s a page", async (sort, size, lengths) => {
    const pages = await walk({ sort, size });

    expect(ids(pages.flatMap(({ rows }) => rows))).toEqual(expected(sort));
    expect(pages.map(({ rows }) => rows.length)).toEqual(lengths);
  });

  test("however often and in whatever order they are asked for", async () => {
    const order = [3, 1, 4, 2, 3, 1];

    const pages = await Promise.all(order.map((page) => list({ sort: "name", page: String(page) })));

    const all = expected("name");
    expect(pages.map(({ rows }) => ids(rows))).toEqual(order.map((page) => all.slice((page - 1) * 10, page * 10)));
  });
});

describe("under a filter", () => {
  test.each<[string, Params, (person: Person) => boolean]>([
    ["stage", { stage: "interview" }, ({ stage }) => stage === "interview"],
    ["position", { job: "job_backend" }, ({ jobId }) => jobId === "job_backend"],
    ["text", { q: "fair" }, ({ email }) => email.startsWith("fair")],
    [
      "stage, position and text",
      { stage: "interview", job: "job_backend", q: "person" },
      ({ stage, jobId, email }) => stage === "interview" && jobId === "job_backend" && email.startsWith("person"),
    ],
  ])("by %s the total and the pages are those of who matches", async (_filter, params, matches) => {
    const all = expected("newest", matches);
    const pageCount = Math.ceil(all.length / 10);

    const pages = await walk(params);

    expect(ids(pages.flatMap(({ rows }) => rows))).toEqual(all);
    expect(pages.map(({ total, page, pageCount: count }) => [total, page, count])).toEqual(
      Array.from({ length: pageCount }, (_, index) => [all.length, index + 1, pageCount]),
    );
  });

  test("a page past the end is the last one", async () => {
    const matching = expected("newest", ({ stage }) => stage === "interview");
    const last = Math.ceil(matching.length / 10);

    const { rows, ...counts } = await list({ stage: "interview", page: "4" });

    expect(ids(rows)).toEqual(matching.slice((last - 1) * 10));
    expect(counts).toMatchObject({ total: matching.length, page: last, pageCount: last });
  });

  test("that nobody matches there is one empty page", async () => {
    await expect(list({ q: "nobody", page: "3" })).resolves.toMatchObject({ rows: [], total: 0, page: 1, pageCount: 1 });
  });
});

describe("the edges", () => {
  test("the last page holds the rest", async () => {
    const { rows, ...counts } = await list({ page: "4" });

    expect(ids(rows)).toEqual(expected("newest").slice(30));
    expect(counts).toMatchObject({ total: 37, page: 4, pageCount: 4 });
  });

  test.each(["5", "99"])("page %s is the last one", async (page) => {
    const { rows, ...counts } = await list({ page });

    expect(ids(rows)).toEqual(expected("newest").slice(30));
    expect(counts).toMatchObject({ total: 37, page: 4, pageCount: 4 });
  });

  test.each(["0", "-1", "abc"])("page %s is the first one", async (page) => {
    const { rows, ...counts } = await list({ page });

    expect(ids(rows)).toEqual(expected("newest").slice(0, 10));
    expect(counts).toMatchObject({ total: 37, page: 1, pageCount: 4 });
  });

  test("a row is an applicant with the title of the position", async () => {
    const { rows } = await list({});

    const first = people.find(({ id }) => id === "applicant_00");
    expect(rows[0]).toMatchObject({ ...first, jobTitle: "Product Designer" });
  });
});

describe("few rows are read", () => {
  // The rows, perhaps their keys before them, and a few numbers.
  const ENOUGH = 2 * 10 + 5;

  test.each([
    ["the first page", {}],
    ["the third page", { page: "3" }],
    ["the last page", { page: "4" }],
    ["a page past the end", { page: "9" }],
    ["a filtered page", { stage: "interview" }],
    ["a page sorted by name", { sort: "name", page: "2" }],
  ])("for %s", async (_which, params: Params) => {
    const { rows } = await list(params);
    expect(rows.length).toBeLessThanOrEqual(10);

    await expect(countRows(db, () => list(params))).resolves.toBeLessThanOrEqual(ENOUGH);
  });
});
