import { type ApplicantRow, listApplicants } from "@/lib/applicants/queries";
import { parseFilters } from "@/lib/applicants/filters";
import { type Database, setDatabase } from "@/lib/db/client";
import { STAGES } from "@/lib/db/schema";
import { createTestDatabase, insertApplicant, insertJob } from "@/lib/db/testing";
import { countRows } from "kit/rows";
import { beforeAll, beforeEach, describe, expect, test } from "vitest";

const HOUR = 60 * 60 * 1000;
const NAMES = ["Ada", "berit", "Cem", "dunja", "Emil", "Frida", "gero"];

/** Ids follow neither names nor dates nor the order in which people came in; always two share a date. */
const people = Array.from({ length: 60 }, (_, index) => {
  const number = (index * 23) % 60;
  return {
    id: `applicant_${String(number).padStart(2, "0")}`,
    name: `${NAMES[(number * 3) % NAMES.length]} Holm`,
    email: number % 3 === 0 ? `fair.${number}@example.org` : `person.${number}@example.com`,
    stage: STAGES[number % 2 === 0 ? 2 : (number * 5) % STAGES.length] ?? "applied",
    jobId: number % 4 === 0 ? "job_design" : "job_backend",
    appliedAt: Date.UTC(2026, 2, 14) + ((number * 7) % 30) * HOUR,
  };
});

const oddities = [
  { id: "odd_percent", name: "Percy 100% Cotton", email: "percy@example.net" },
  { id: "odd_score", name: "Una", email: "una_score@example.net" },
  { id: "odd_quote", name: "Orla O'Hara", email: "orla@example.net" },
  { id: "odd_slash", name: "Back \\ Slash", email: "back@example.net" },
  { id: "odd_plain", name: "Petra Plain", email: "petra@example.net" },
];

type Person = (typeof people)[number];
type Params = Record<string, string | string[]>;

let crowd: Database;
let oddCrowd: Database;

beforeAll(async () => {
  crowd = await createTestDatabase();
  await insertJob(crowd);
  await insertJob(crowd, { id: "job_design", title: "Product Designer" });
  for (const person of people) await insertApplicant(crowd, person);

  oddCrowd = await createTestDatabase();
  await insertJob(oddCrowd);
  for (const oddity of oddities) await insertApplicant(oddCrowd, oddity);
});

beforeEach(() => setDatabase(crowd));

const list = (params: Params) => listApplicants(parseFilters(params));
const ids = (rows: Pick<ApplicantRow, "id">[]) => rows.map(({ id }) => id);

function compare<Value>(a: Value, b: Value): number {
  return a === b ? 0 : a < b ? -1 : 1;
}

const comparisons: Record<string, (a: Person, b: Person) => number> = {
  newest: (a, b) => b.appliedAt - a.appliedAt,
  oldest: (a, b) => a.appliedAt - b.appliedAt,
  name: (a, b) => compare(a.name.toLowerCase(), b.name.toLowerCase()),
  stage: (a, b) => STAGES.indexOf(a.stage) - STAGES.indexOf(b.stage) || b.appliedAt - a.appliedAt,
};

function expected(sort: string, matches: (person: Person) => boolean = () => true): string[] {
  return ids(people.filter(matches).toSorted((a, b) => comparisons[sort]?.(a, b) || compare(a.id, b.id)));
}

/** Goes through the pages one after the other. */
async function walk(params: Params) {
  const first = await list(params);
  const pages = [first];
  for (let page = 2; page <= first.pageCount; page++) pages.push(await list({ ...params, page: String(page) }));
  return pages;
}

const filters: [string, Params, (person: Person) => boolean][] = [
  ["nothing", {}, () => true],
  ["stage", { stage: "interview" }, ({ stage }) => stage === "interview"],
  ["position", { job: "job_backend" }, ({ jobId }) => jobId === "job_backend"],
  ["part of the address", { q: "fair." }, ({ email }) => email.startsWith("fair")],
  ["part of the name, in another case", { q: "BERIT" }, ({ name }) => name.startsWith("berit")],
  ["text with blanks around it", { q: "  Holm " }, () => true],
  [
    "everything at once",
    { stage: "interview", job: "job_backend", q: "person" },
    ({ stage, jobId, email }) => stage === "interview" && jobId === "job_backend" && email.startsWith("person"),
  ],
];

describe("filtered by", () => {
  test.each(filters)("%s, the pages together hold who matches, once and in order", async (_what, params, matches) => {
    const all = expected("newest", matches);
    const pageCount = Math.ceil(all.length / 10);

    const pages = await walk(params);

    expect(ids(pages.flatMap(({ rows }) => rows))).toEqual(all);
    expect(pages.map(({ total, page, pageCount: count }) => [total, page, count])).toEqual(
      Array.from({ length: pageCount }, (_, index) => [all.length, index + 1, pageCount]),
    );
  });

  test("what nobody has, the list is one empty page", async () => {
    const nobody = { rows: [], total: 0, page: 1, pageCount: 1 };

    await expect(list({ q: "nobody", page: "3" })).resolves.toMatchObject(nobody);
    await expect(list({ job: "job_unknown" })).resolves.toMatchObject(nobody);
    await expect(list({ job: "' or '1'='1" })).resolves.toMatchObject(nobody);
    await expect(list({ q: "' or 1=1 --" })).resolves.toMatchObject(nobody);
  });
});

describe("sorted by", () => {
  test.each(["newest", "oldest", "name", "stage"])("%s, equals come by id", async (sort) => {
    const pages = await walk({ sort });

    expect(ids(pages.flatMap(({ rows }) => rows))).toEqual(expected(sort));
  });

  test("name, under a filter, on page two of 25", async () => {
    const { rows, total, page } = await list({ sort: "name", job: "job_backend", size: "25", page: "2" });

    const all = expected("name", ({ jobId }) => jobId === "job_backend");
    expect(ids(rows)).toEqual(all.slice(25, 50));
    expect([total, page]).toEqual([all.length, 2]);
  });
});

describe("a page", () => {
  test.each([
    ["10", 10, 6],
    ["25", 25, 3],
    ["50", 50, 2],
  ])("of %s holds as many rows", async (size, length, pageCount) => {
    const { rows, ...counts } = await list({ size });

    expect(rows).toHaveLength(length);
    expect(counts).toMatchObject({ total: 60, page: 1, pageCount });
  });

  test.each(["7", "99"])("past the end, such as %s, is the last one", async (page) => {
    const { rows, ...counts } = await list({ page });

    expect(ids(rows)).toEqual(expected("newest").slice(50));
    expect(counts).toMatchObject({ total: 60, page: 6, pageCount: 6 });
  });

  test("has rows with everything about the applicant and the title of the position", async () => {
    const { rows } = await list({ q: "fair.0@" });

    expect(rows).toHaveLength(1);
    expect(rows[0]).toMatchObject({ ...people.find(({ id }) => id === "applicant_00"), jobTitle: "Product Designer" });
  });
});

describe("as if it were not given", () => {
  test.each<[string, Params]>([
    ["an unknown stage", { stage: "promoted" }],
    ["a stage that every object has", { stage: "constructor" }],
    ["an unknown sort", { sort: "salary" }],
    ["a sort that every object has", { sort: "constructor" }],
    ["a column as a sort", { sort: "email" }],
    ["a statement as a sort", { sort: "id desc; drop table applicants --" }],
    ["another size", { size: "1000" }],
    ["no size", { size: "0" }],
    ["a size below zero", { size: "-1" }],
    ["a size in words", { size: "many" }],
    ["page 0", { page: "0" }],
    ["page -1", { page: "-1" }],
    ["page abc", { page: "abc" }],
    ["empty values", { q: "", stage: "", job: "", sort: "", size: "", page: "" }],
  ])("%s", async (_what, params) => {
    const { rows, ...counts } = await list(params);

    expect(ids(rows)).toEqual(expected("newest").slice(0, 10));
    expect(counts).toMatchObject({ total: 60, page: 1, pageCount: 6 });
  });

  test("every repetition of a parameter", async () => {
    const { rows, page } = await list({ stage: ["interview", "offer"], sort: ["name", "oldest"], page: ["2", "1"] });

    const all = expected("name", ({ stage }) => stage === "interview");
    expect(ids(rows)).toEqual(all.slice(10, 20));
    expect(page).toBe(2);
  });
});

describe("few rows are read", () => {
  // The rows, perhaps their keys before them, and a few numbers.
  const ENOUGH = 2 * 10 + 5;

  test.each<[string, Params]>([
    ["the first page", {}],
    ["the fourth page", { page: "4" }],
    ["a page past the end", { page: "9" }],
    ["a filtered page", { stage: "interview", q: "holm" }],
    ["a page sorted by name", { sort: "name", page: "2" }],
    ["a page sorted by stage", { sort: "stage" }],
  ])("for %s", async (_which, params) => {
    const { rows } = await list(params);
    expect(rows).toHaveLength(10);

    await expect(countRows(crowd, () => list(params))).resolves.toBeLessThanOrEqual(ENOUGH);
  });
});

describe("in the text", () => {
  beforeEach(() => setDatabase(oddCrowd));

  test.each([
    ["%", "odd_percent"],
    ["0% c", "odd_percent"],
    ["_", "odd_score"],
    ["a_s", "odd_score"],
    ["'", "odd_quote"],
    ["O'Hara", "odd_quote"],
    ["\\", "odd_slash"],
    ["back \\", "odd_slash"],
  ])("%j stands for itself", async (q, id) => {
    const { rows, total } = await list({ q });

    expect(ids(rows)).toEqual([id]);
    expect(total).toBe(1);
  });

  test.each(["P%y", "U__", "\\%", "''", "%%", "P?tra", "P*"])("%j matches nobody", async (q) => {
    await expect(list({ q })).resolves.toMatchObject({ rows: [], total: 0 });
  });
});
