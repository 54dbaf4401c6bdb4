import path from "node:path";
import { eq, sql } from "drizzle-orm";
import { migrate } from "drizzle-orm/libsql/migrator";
import { getServerSession } from "next-auth";
import { afterEach, beforeAll, beforeEach, describe, expect, test, vi } from "vitest";
import { addNote, changeStage, removeApplicant } from "@/app/(admin)/applicants/[id]/actions";
import { POST } from "@/app/api/applicants/[id]/resume/route";
import { findApplicant } from "@/lib/applicants/queries";
import { listChanges } from "@/lib/changes/queries";
import { type Database, openDatabase, setDatabase } from "@/lib/db/client";
import { applicants, resumes, type Stage, users } from "@/lib/db/schema";
import { createTestDatabase, insertApplicant, insertJob, insertUser } from "@/lib/db/testing";
import { docx, pdf } from "kit/documents";
import { countRows } from "kit/rows";
import { comeBetween, contents, contentsOfAllTables, contentsOfNewTables, forbid, forbidLogging } from "./tables";

const { files } = vi.hoisted(() => ({ files: new Map<string, Uint8Array>() }));

vi.mock("next-auth", () => ({ getServerSession: vi.fn() }));
vi.mock("next/cache", () => ({
  refresh: vi.fn(),
  revalidatePath: vi.fn(),
  revalidateTag: vi.fn(),
  unstable_cache: (read: unknown) => read,
  updateTag: vi.fn(),
}));
vi.mock("@/lib/storage", () => ({
  storage: () => ({
    put: async (key: string, bytes: Uint8Array) => void files.set(key, bytes),
    get: async (key: string) => files.get(key) ?? null,
    delete: async (key: string) => void files.delete(key),
  }),
}));

let db: Database;

function signedInAs(id: string | null) {
  vi.mocked(getServerSession).mockResolvedValue(id ? { user: { id } } : null);
}

function form(values: Record<string, string | File>): FormData {
  const data = new FormData();
  for (const [name, value] of Object.entries(values)) data.set(name, value);
  return data;
}

const move = (stage: string, applicantId = "mara", others = {}) => changeStage(null, form({ applicantId, stage, ...others }));
const note = (body: string, applicantId = "mara", others = {}) => addNote(null, form({ applicantId, body, ...others }));
const remove = (applicantId = "mara", others = {}) => removeApplicant(null, form({ applicantId, ...others }));

function upload(name: string, bytes: Uint8Array, applicantId = "mara", others = {}): Promise<Response> {
  const resume = new File([new Uint8Array(bytes)], name);
  const request = new Request("http://localhost/", { method: "POST", body: form({ resume, ...others }) });
  return POST(request, { params: Promise.resolve({ id: applicantId }) });
}

const uploadPdf = () => upload("Mara Lindqvist.pdf", pdf("Ten years of SQL"));

async function removed(applicantId = "mara", others = {}) {
  await expect(remove(applicantId, others)).rejects.toThrow("NEXT_REDIRECT");
}

async function lines() {
  return (await listChanges({})).rows.map(({ what, from, to, authorId }) => [what, from, to, authorId]);
}

async function populated(): Promise<Database> {
  const fresh = await createTestDatabase();
  await insertJob(fresh);
  await insertApplicant(fresh, { id: "mara", name: "Mara Lindqvist", email: "mara@example.com" });
  await insertApplicant(fresh, { id: "udo", name: "Udo Lind", email: "udo@example.com", stage: "screening" });
  await insertUser(fresh, { id: "robin", name: "Robin Okafor" });
  await insertUser(fresh, { id: "ada", name: "Ada Admin", email: "ada@example.com", role: "admin" });
  signedInAs("robin");
  return fresh;
}

beforeEach(async () => {
  files.clear();
  db = await populated();
});

afterEach(() => {
  vi.useRealTimers();
  vi.restoreAllMocks();
});

describe("a change leaves one line:", () => {
  test("another stage", async () => {
    await move("offer");

    await expect(listChanges({})).resolves.toMatchObject({
      rows: [{ applicantId: "mara", what: "stage", from: "applied", to: "offer", authorId: "robin", author: "Robin Okafor" }],
      total: 1,
    });
  });

  test("a note, without what it says", async () => {
    await note("Speaks fluent Estonian.");

    await expect(listChanges({})).resolves.toMatchObject({
      rows: [{ applicantId: "mara", what: "note", from: null, to: null, authorId: "robin", author: "Robin Okafor" }],
      total: 1,
    });
  });

  test("a résumé, with the kind of the one that it replaces", async () => {
    await uploadPdf();
    await upload("Mara Lindqvist.docx", docx("Eleven years of SQL"));

    await expect(listChanges({})).resolves.toMatchObject({
      rows: [
        { applicantId: "mara", what: "resume", from: "pdf", to: "docx", authorId: "robin", author: "Robin Okafor" },
        { applicantId: "mara", what: "resume", from: null, to: "pdf", authorId: "robin", author: "Robin Okafor" },
      ],
      total: 2,
    });
  });

  test("a removal", async () => {
    signedInAs("ada");
    await removed("udo");

    await expect(listChanges({})).resolves.toMatchObject({
      rows: [{ applicantId: "udo", what: "removal", from: "screening", to: null, authorId: "ada", author: "Ada Admin" }],
      total: 1,
    });
  });

  test("with the time at which it was made", async () => {
    const before = Date.now();
    await move("offer");
    const after = Date.now();

    const [line] = (await listChanges({})).rows;
    expect(line?.at).toBeGreaterThan(before - 1000);
    expect(line?.at).toBeLessThan(after + 1000);
  });

  test("by whoever is signed in, whatever the request says", async () => {
    const forged = { author: "Ada Admin", authorId: "ada", userId: "ada", user: "ada", by: "ada" };
    await move("offer", "mara", forged);
    await note("Call back.", "mara", forged);
    await upload("cv.pdf", pdf("Ten years of SQL"), "mara", forged);
    signedInAs("ada");
    await removed("mara", { ...forged, author: "Robin Okafor", authorId: "robin" });

    const { rows } = await listChanges({});
    expect(rows.map(({ what, authorId }) => [what, authorId])).toEqual([
      ["removal", "ada"],
      ["resume", "robin"],
      ["note", "robin"],
      ["stage", "robin"],
    ]);
  });

  test("under the name that the author has now", async () => {
    await move("offer");
    await db.update(users).set({ name: "Robin Reyes" }).where(eq(users.id, "robin"));

    await expect(listChanges({})).resolves.toMatchObject({ rows: [{ authorId: "robin", author: "Robin Reyes" }] });
  });
});

describe("there is no line", () => {
  test("for the stage that it was already", async () => {
    await expect(move("applied")).resolves.toMatchObject({ ok: true });

    await expect(lines()).resolves.toEqual([]);
  });

  test("for what is refused", async () => {
    await expect(move("promoted")).resolves.toMatchObject({ ok: false, status: 422 });
    await expect(note("  ")).resolves.toMatchObject({ ok: false, status: 422 });
    await expect(remove()).resolves.toMatchObject({ ok: false, status: 403 });
    expect((await upload("cv.exe", pdf("Ten years of SQL"))).status).toBe(422);
    signedInAs(null);
    await expect(move("offer")).resolves.toMatchObject({ ok: false, status: 401 });
    await expect(note("Hello?")).resolves.toMatchObject({ ok: false, status: 401 });
    await expect(remove()).resolves.toMatchObject({ ok: false, status: 401 });
    expect((await uploadPdf()).status).toBe(401);

    await expect(lines()).resolves.toEqual([]);
  });

  test("about an applicant who is not there", async () => {
    signedInAs("ada");
    const notFound = { ok: false, status: 404, message: "This applicant was not found." };

    await expect(move("offer", "nobody")).resolves.toMatchObject(notFound);
    await expect(note("Hello?", "nobody")).resolves.toMatchObject(notFound);
    await expect(remove("nobody")).resolves.toMatchObject(notFound);
    expect((await upload("cv.pdf", pdf("Ten years of SQL"), "nobody")).status).toBe(404);
    await expect(lines()).resolves.toEqual([]);
  });

  test.each<[string, string, () => Promise<unknown>]>([
    ["a move", "UPDATE ON applicants", () => move("offer")],
    ["a note", "INSERT ON notes", () => note("Call back.")],
    ["an upload", "INSERT ON resumes", uploadPdf],
    ["a removal", "DELETE ON applicants", () => remove()],
  ])("for %s that fails", async (_what, forbidden, change) => {
    vi.spyOn(console, "error").mockImplementation(() => {});
    signedInAs("ada");
    await forbid(db, forbidden);

    await expect(change()).resolves.toMatchObject({ status: 500 });

    await expect(lines()).resolves.toEqual([]);
  });
});

describe("if the line cannot be written, there is", () => {
  beforeEach(async () => {
    vi.spyOn(console, "error").mockImplementation(() => {});
    signedInAs("ada");
    await uploadPdf();
    await note("Call back.");
    await forbidLogging(db);
  });

  test.each<[string, () => Promise<unknown>]>([
    ["no move", () => move("offer")],
    ["no note", () => note("Speaks fluent Estonian.")],
    ["no new résumé", () => upload("cv.docx", docx("Eleven years of SQL"))],
    ["no removal", () => remove()],
  ])("%s", async (_what, change) => {
    const before = await contents(db);

    await expect(change()).resolves.toMatchObject({ status: 500 });

    await expect(contents(db)).resolves.toEqual(before);
  });

  test("the old file of the résumé", async () => {
    await upload("cv.docx", docx("Eleven years of SQL"));

    const found = await findApplicant("mara");
    expect(found?.resume?.fileName).toBe("Mara Lindqvist.pdf");
    expect(files.has(found?.resume?.storageKey ?? "")).toBe(true);
  });
});

describe("what a change replaced is told, although a colleague came between:", () => {
  test("the stage before a move", async () => {
    await db.run(sql`CREATE TABLE replaced (value text)`);
    await db.run(sql`CREATE TRIGGER told AFTER UPDATE OF stage ON applicants BEGIN INSERT INTO replaced VALUES (old.stage); END`);

    await comeBetween(db, {
      after: /\bapplicants\b/,
      colleague: () => setStage("interview"),
      run: () => move("offer"),
    });

    await expect(listChanges({})).resolves.toMatchObject({ rows: [{ from: await lastReplaced(), to: "offer" }] });
  });

  test("the stage at the end", async () => {
    await db.run(sql`CREATE TABLE replaced (value text)`);
    await db.run(sql`CREATE TRIGGER told AFTER DELETE ON applicants BEGIN INSERT INTO replaced VALUES (old.stage); END`);
    signedInAs("ada");

    await comeBetween(db, {
      after: /\b(applicants|resumes)\b/,
      colleague: () => setStage("interview"),
      run: () => removed(),
    });

    await expect(listChanges({})).resolves.toMatchObject({ rows: [{ what: "removal", from: await lastReplaced() }] });
  });

  test("the kind of the old résumé", async () => {
    await uploadPdf();
    await db.run(sql`CREATE TABLE replaced (value text)`);
    await db.run(sql`CREATE TRIGGER told AFTER DELETE ON resumes BEGIN INSERT INTO replaced VALUES (old.kind); END`);

    await comeBetween(db, {
      after: /\b(applicants|resumes)\b/,
      colleague: () => db.update(resumes).set({ kind: "docx" }),
      run: uploadPdf,
    });

    const [line] = (await listChanges({})).rows;
    expect(line).toMatchObject({ what: "resume", from: await lastReplaced(), to: "pdf" });
  });

  function setStage(stage: Stage) {
    return db.update(applicants).set({ stage }).where(eq(applicants.id, "mara"));
  }

  async function lastReplaced() {
    const rows = await db.all<{ value: string }>(sql`SELECT value FROM replaced ORDER BY rowid DESC`);
    return rows[0]?.value ?? "nothing";
  }
});

describe("of the applicant", () => {
  const personal = /Lindqvist|mara@example|Estonian|\.pdf|years of SQL/i;

  test("the log holds nothing personal", async () => {
    await move("interview");
    await note("Speaks fluent Estonian.");
    await uploadPdf();

    const log = JSON.stringify(await contentsOfNewTables(db));
    expect(log).toContain("mara");
    expect(log).not.toMatch(personal);
  });

  test("the lines stay after the removal, and nothing else does", async () => {
    await move("interview");
    await note("Speaks fluent Estonian.");
    await uploadPdf();
    signedInAs("ada");
    await removed();

    await expect(lines()).resolves.toEqual([
      ["removal", "interview", null, "ada"],
      ["resume", null, "pdf", "robin"],
      ["note", null, null, "robin"],
      ["stage", "applied", "interview", "robin"],
    ]);
    await expect(findApplicant("mara")).resolves.toBeNull();
    expect(JSON.stringify(await contentsOfAllTables(db))).not.toMatch(personal);
  });
});

describe("the log is read", () => {
  const ROUND: Stage[] = ["interview", "offer", "applied"];

  /** Moves Mara so often, and Udo once in the middle. */
  async function moveAround(times: number) {
    for (let turn = 0; turn < times; turn++) {
      if (turn === Math.floor(times / 2)) await move("hired", "udo");
      await move(ROUND[turn % ROUND.length]!);
    }
  }

  let long: Database;

  beforeAll(async () => {
    long = await populated();
    await moveAround(59);
  });

  test("in pages of 25, the latest first, each line once", async () => {
    setDatabase(long);

    const pages = await Promise.all([1, 2, 3].map((page) => listChanges({ page })));

    expect(pages.map(({ rows, ...counts }) => [rows.length, counts])).toEqual([
      [25, { total: 60, page: 1, pageCount: 3 }],
      [25, { total: 60, page: 2, pageCount: 3 }],
      [10, { total: 60, page: 3, pageCount: 3 }],
    ]);
    const ofMara = pages.flatMap(({ rows }) => rows).filter(({ applicantId }) => applicantId === "mara");
    expect(ofMara.map(({ to }) => to)).toEqual(Array.from({ length: 59 }, (_, turn) => ROUND[turn % ROUND.length]).toReversed());
  });

  test("in the order in which things happened, also within a millisecond", async () => {
    vi.useFakeTimers({ toFake: ["Date"], now: Date.UTC(2026, 4, 4) });
    await moveAround(12);

    const { rows } = await listChanges({});

    expect(rows.filter(({ applicantId }) => applicantId === "mara").map(({ to }) => to)).toEqual(
      Array.from({ length: 12 }, (_, turn) => ROUND[turn % ROUND.length]).toReversed(),
    );
    expect(rows[6]).toMatchObject({ applicantId: "udo", from: "screening", to: "hired" });
  });

  test("to its last page, whatever page past it is asked for", async () => {
    setDatabase(long);

    const last = await listChanges({ page: 9 });

    expect(last).toMatchObject({ total: 60, page: 3, pageCount: 3 });
    expect(last.rows).toHaveLength(10);
    expect(last.rows.at(-1)).toMatchObject({ from: "applied", to: "interview" });
  });

  test("as one empty page, if nothing was changed", async () => {
    await expect(listChanges({ page: 3 })).resolves.toEqual({ rows: [], total: 0, page: 1, pageCount: 1 });
  });

  test("for one applicant alone", async () => {
    setDatabase(long);

    await expect(listChanges({ applicantId: "udo" })).resolves.toMatchObject({
      rows: [{ applicantId: "udo", from: "screening", to: "hired" }],
      total: 1,
      page: 1,
      pageCount: 1,
    });
    await expect(listChanges({ applicantId: "mara", page: 3 })).resolves.toMatchObject({ total: 59, page: 3, pageCount: 3 });
    await expect(listChanges({ applicantId: "nobody" })).resolves.toMatchObject({ rows: [], total: 0 });
  });

  test("without more rows than the page takes", async () => {
    setDatabase(long);

    // The lines, perhaps their authors beside them, and a few numbers.
    await expect(countRows(long, () => listChanges({ page: 2 }))).resolves.toBeLessThanOrEqual(2 * 25 + 5);
  });
});

test("a database that is in use gets the log and keeps what it holds", async () => {
  const old = openDatabase(":memory:");
  await migrate(old, { migrationsFolder: path.join(import.meta.dirname, "before") });
  await insertJob(old);
  await insertApplicant(old, { id: "mara" });
  await insertUser(old, { id: "robin" });
  const before = await contents(old);

  await migrate(old, { migrationsFolder: "migrations" });
  setDatabase(old);

  await expect(contents(old)).resolves.toEqual(before);
  await expect(move("offer")).resolves.toMatchObject({ ok: true });
  await expect(lines()).resolves.toEqual([["stage", "applied", "offer", "robin"]]);
});
