import { eq, sql } from "drizzle-orm";
import { getServerSession } from "next-auth";
import { renderToStaticMarkup } from "react-dom/server";
import { beforeEach, describe, expect, test, vi } from "vitest";
import OpeningsPage from "@/app/(admin)/openings/page";
import type { Database } from "@/lib/db/client";
import { type Applicant, applicants, type Job, jobs, notes } from "@/lib/db/schema";
import { createTestDatabase, insertUser } from "@/lib/db/testing";
import { listOpenings } from "@/lib/jobs/queries";
import { countRows } from "kit/rows";
import { countStatements } from "./statements";

vi.mock("next-auth", () => ({ getServerSession: vi.fn() }));
vi.mock("next/cache", () => ({
  revalidatePath: vi.fn(),
  revalidateTag: vi.fn(),
  unstable_cache: (read: unknown) => read,
  updateTag: vi.fn(),
}));

const DAY = 86_400_000;
const MOST_STATEMENTS = 5;

let db: Database;

const job = (id: string, values: Partial<Job> = {}): Job => ({
  id,
  title: `Title of ${id}`,
  department: "Engineering",
  location: "Berlin",
  description: "Build the services behind our product.",
  status: "open",
  createdAt: DAY,
  ...values,
});

const applicant = (id: string, jobId: string, values: Partial<Applicant> = {}): Applicant => ({
  id,
  jobId,
  name: `Name of ${id}`,
  email: `${id}@example.com`,
  stage: "applied",
  appliedAt: DAY,
  ...values,
});

async function insertNotes(applicantId: string, number: number) {
  await db.insert(notes).values(
    Array.from({ length: number }, (_, index) => ({
      id: `note_${applicantId}_${index}`,
      applicantId,
      authorId: "user_robin",
      body: "Call back on Monday.",
      createdAt: DAY,
    })),
  );
}

/** So many openings with four applicants each, of whom one has two notes. */
async function insertMany(number: number, prefix: string) {
  const ids = Array.from({ length: number }, (_, index) => `${prefix}_${String(index).padStart(3, "0")}`);
  await db.insert(jobs).values(ids.map((id) => job(id)));
  await db.insert(applicants).values(ids.flatMap((id) => [1, 2, 3, 4].map((nth) => applicant(`${id}_${nth}`, id))));
  await db.insert(notes).values(
    ids.flatMap((id) =>
      ["a", "b"].map((nth) => ({
        id: `${id}_${nth}`,
        applicantId: `${id}_2`,
        authorId: "user_robin",
        body: "Call back on Monday.",
        createdAt: DAY,
      })),
    ),
  );
  return ids;
}

const openings = async () =>
  (await listOpenings()).map(({ id, applicants: number, notes: written, latest }) => [id, number, written, latest?.id ?? null]);

beforeEach(async () => {
  db = await createTestDatabase();
  await insertUser(db, { role: "admin" });
  vi.mocked(getServerSession).mockResolvedValue({ user: { id: "user_robin" } });
});

describe("the answer", () => {
  test("is every opening: open ones first, then the newest, then by id", async () => {
    await db.insert(jobs).values([
      job("e", { status: "closed", createdAt: 9 * DAY }),
      job("b", { createdAt: 2 * DAY }),
      job("d", { createdAt: 1 * DAY }),
      job("f", { status: "closed", createdAt: 3 * DAY }),
      job("c", { createdAt: 1 * DAY }),
      job("a", { createdAt: 2 * DAY }),
    ]);
    // Their number, their names and when they applied would each lead to another order.
    await db.insert(applicants).values([
      applicant("z1", "d", { appliedAt: 9 * DAY }),
      applicant("z2", "d"),
      applicant("a1", "f", { appliedAt: 99 * DAY }),
      applicant("m1", "b"),
    ]);

    expect(await openings()).toEqual([
      ["a", 0, 0, null],
      ["b", 1, 0, "m1"],
      ["c", 0, 0, null],
      ["d", 2, 0, "z1"],
      ["e", 0, 0, null],
      ["f", 1, 0, "a1"],
    ]);
  });

  test("has all columns of the job, and who applied last", async () => {
    const closed = job("a", { status: "closed", department: "Design", location: "Lisbon", createdAt: 5 * DAY });
    await db.insert(jobs).values(closed);
    await db.insert(applicants).values([
      applicant("x", "a", { appliedAt: 1 * DAY }),
      applicant("y", "a", { appliedAt: 3 * DAY, name: "Ada Holm", stage: "rejected" }),
      applicant("w", "a", { appliedAt: 2 * DAY }),
    ]);

    expect(await listOpenings()).toMatchObject([
      { ...closed, applicants: 3, notes: 0, latest: { id: "y", name: "Ada Holm", appliedAt: 3 * DAY } },
    ]);
  });

  test("counts applicants once, however much has been written about them", async () => {
    await db.insert(jobs).values([job("a"), job("b"), job("c")]);
    await db.insert(applicants).values(["1", "2", "3"].map((nth) => applicant(`a${nth}`, "a")));
    await db.insert(applicants).values(["1", "2"].map((nth) => applicant(`b${nth}`, "b")));
    await insertNotes("a1", 3);
    await insertNotes("a3", 4);
    await insertNotes("b1", 1);

    expect(await openings()).toEqual([
      ["a", 3, 7, "a1"],
      ["b", 2, 1, "b1"],
      ["c", 0, 0, null],
    ]);
  });

  // An index decides in which order rows are met, and must not decide this.
  test.each([
    ["the usual indexes", sql`select 1`],
    ["an index on the position", sql`create index applicants_by_job on applicants (job_id)`],
  ])("names the lowest id of those who applied at the same moment, with %s", async (_which, index) => {
    await db.run(index);
    await db.insert(jobs).values([job("a"), job("b")]);
    const moments = { m: 5, p: 7, k: 7, r: 7, b: 3 };
    for (const [id, day] of Object.entries(moments)) {
      await db.insert(applicants).values([applicant(`a_${id}`, "a", { appliedAt: day * DAY })]);
    }
    // The same moment at another opening is another matter.
    await db.insert(applicants).values([applicant("b_1", "b", { appliedAt: 7 * DAY }), applicant("b_0", "b", { appliedAt: 6 * DAY })]);

    expect(await openings()).toEqual([
      ["a", 5, 0, "a_k"],
      ["b", 2, 0, "b_1"],
    ]);
    expect((await listOpenings())[0]!.latest).toMatchObject({ name: "Name of a_k", appliedAt: 7 * DAY });
  });

  test("is an empty list without openings", async () => {
    expect(await listOpenings()).toEqual([]);
  });

  test("is up to date every time", async () => {
    await db.insert(jobs).values([job("a"), job("b")]);
    await db.insert(applicants).values(applicant("x", "a"));
    expect(await openings()).toEqual([["a", 1, 0, "x"], ["b", 0, 0, null]]);

    await db.insert(applicants).values([applicant("y", "a", { appliedAt: 2 * DAY }), applicant("z", "b")]);
    await insertNotes("x", 1);
    expect(await openings()).toEqual([["a", 2, 1, "y"], ["b", 1, 0, "z"]]);

    await db.delete(applicants).where(eq(applicants.id, "y"));
    await db.update(jobs).set({ status: "closed" }).where(eq(jobs.id, "a"));
    expect(await openings()).toEqual([["b", 1, 0, "z"], ["a", 1, 1, "x"]]);
  });
});

describe("what it costs", () => {
  test.each([1, 6, 60])("is five statements at most, for %i openings", async (number) => {
    await insertMany(number, "job");

    expect(await countStatements(db, listOpenings)).toBeLessThanOrEqual(MOST_STATEMENTS);
    expect(await openings()).toHaveLength(number);
  });

  test("is no more for six hundred openings, and none is left out", async () => {
    const ids = [];
    for (const prefix of ["a", "b", "c", "d", "e", "f"]) ids.push(...(await insertMany(100, prefix)));

    expect(await countStatements(db, listOpenings)).toBeLessThanOrEqual(MOST_STATEMENTS);
    expect(await countRows(db, listOpenings)).toBeLessThanOrEqual(10 * ids.length);
    expect(await openings()).toEqual(ids.map((id) => [id, 4, 2, `${id}_1`]));
  });

  test("is no more rows with many applicants and notes than with few", async () => {
    await db.insert(jobs).values(["a", "b", "c"].map((id) => job(id)));
    for (let nth = 0; nth < 100; nth++) {
      await db.insert(applicants).values([applicant(`a${nth}`, "a"), applicant(`b${nth}`, "b")]);
    }
    await insertNotes("a7", 100);

    expect(await countRows(db, listOpenings)).toBeLessThanOrEqual(10 * 3);
    expect((await openings()).map(([, number, written]) => [number, written])).toEqual([
      [100, 100],
      [100, 0],
      [0, 0],
    ]);
  });
});

describe("the page", () => {
  /** What the page says, item by item. */
  async function items(): Promise<string[]> {
    const markup = renderToStaticMarkup(await OpeningsPage());
    const list = /<ul[^>]*aria-label="Openings".*?<\/ul>/s.exec(markup)?.[0] ?? "";
    return [...list.matchAll(/<li.*?<\/li>/gs)].map(([item]) => item.replaceAll(/<[^>]*>/g, " ").replaceAll(/\s+/g, " "));
  }

  test("shows of each opening what it has shown", async () => {
    await db.insert(jobs).values([job("a", { createdAt: Date.UTC(2026, 0, 5) }), job("b", { status: "closed" })]);
    await db.insert(applicants).values([
      applicant("x", "a", { appliedAt: Date.UTC(2026, 1, 10) }),
      applicant("y", "a", { appliedAt: Date.UTC(2026, 1, 9) }),
    ]);
    await insertNotes("y", 1);

    const [open, closed] = await items();

    for (const part of ["Title of a", "2 applicants", "1 note ", "5 Jan 2026", "Name of x", "10 Feb 2026", "Close"]) {
      expect(open).toContain(part);
    }
    for (const part of ["Title of b", "0 applicants", "0 notes", "Closed"]) expect(closed).toContain(part);
    expect(closed).not.toContain("Latest");
  });

  test("takes the same number of statements for few openings as for many", async () => {
    await insertMany(6, "few");
    const few = await countStatements(db, items);
    await insertMany(60, "many");

    expect(await countStatements(db, items)).toBe(few);
    expect(await items()).toHaveLength(66);
  });
});
