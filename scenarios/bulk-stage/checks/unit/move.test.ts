import { eq, sql } from "drizzle-orm";
import { getServerSession } from "next-auth";
import { revalidatePath, revalidateTag, updateTag } from "next/cache";
import { beforeEach, describe, expect, test, vi } from "vitest";
import { changeStage } from "@/app/(admin)/applicants/[id]/actions";
import { moveApplicants } from "@/app/(admin)/applicants/actions";
import type { Database } from "@/lib/db/client";
import { applicants, type Stage } from "@/lib/db/schema";
import { createTestDatabase, insertApplicant, insertJob, insertUser } from "@/lib/db/testing";
import { watchStatements } from "./statements";

vi.mock("next-auth", () => ({ getServerSession: vi.fn() }));
vi.mock("next/cache", () => ({
  refresh: vi.fn(),
  revalidatePath: vi.fn(),
  revalidateTag: vi.fn(),
  unstable_cache: (read: unknown) => read,
  updateTag: vi.fn(),
}));

type Answer =
  | { ok: true; data: { applicantId: string; outcome: string }[] }
  | { ok: false; status: number; message: string; fieldErrors: Record<string, string> };

let db: Database;

function form(ids: string[], stage?: string): FormData {
  const data = new FormData();
  for (const id of ids) data.append("applicantId", id);
  if (stage !== undefined) data.set("stage", stage);
  return data;
}

async function move(ids: string[], stage?: string): Promise<Answer> {
  return (await moveApplicants(null, form(ids, stage))) as Answer;
}

async function outcomes(ids: string[], stage: Stage): Promise<string[][]> {
  const answer = await move(ids, stage);
  if (!answer.ok) throw new Error(`Refused with ${answer.status}: ${answer.message}`);
  return answer.data.map(({ applicantId, outcome }) => [applicantId, outcome]);
}

async function stages(): Promise<Record<string, Stage>> {
  const rows = await db.select().from(applicants);
  return Object.fromEntries(rows.map(({ id, stage }) => [id, stage]));
}

async function insertCrowd(count: number, stage: Stage = "applied"): Promise<string[]> {
  const ids = Array.from({ length: count }, (_, index) => `${stage}_${index}`);
  for (const id of ids) await insertApplicant(db, { id, stage });
  return ids;
}

/** Whether the next visitor sees list and dashboard as they are: by their tag, by every path, or by all of them. */
function listAndDashboardAreFresh(): boolean {
  const tags = [
    ...vi.mocked(updateTag).mock.calls.map(([tag]) => tag),
    ...vi.mocked(revalidateTag).mock.calls.flatMap(([tag, profile]) => (isExpiredAtOnce(profile) ? [tag] : [])),
  ];
  const paths = vi.mocked(revalidatePath).mock.calls.map(([path, type]) => (type === "layout" ? `${path} and below` : path));
  return tags.includes("applicants") || paths.includes("/ and below") || ["/applicants", "/dashboard"].every((path) => paths.includes(path));
}

function isExpiredAtOnce(profile: unknown): boolean {
  return typeof profile === "object" && (profile as { expire?: number } | null)?.expire === 0;
}

beforeEach(async () => {
  vi.clearAllMocks();
  db = await createTestDatabase();
  await insertJob(db);
  await insertApplicant(db, { id: "mara" });
  await insertApplicant(db, { id: "udo", stage: "screening" });
  await insertApplicant(db, { id: "zoe", stage: "offer" });
  await insertApplicant(db, { id: "ada", stage: "applied" });
  await insertUser(db, { id: "recruiter" });
  vi.mocked(getServerSession).mockResolvedValue({ user: { id: "recruiter" } });
});

describe("of several applicants", () => {
  test("all who are chosen are moved, and nobody else", async () => {
    await expect(outcomes(["mara", "udo"], "interview")).resolves.toEqual([
      ["mara", "moved"],
      ["udo", "moved"],
    ]);

    await expect(stages()).resolves.toEqual({ mara: "interview", udo: "interview", zoe: "offer", ada: "applied" });
  });

  test("each has the outcome of their own, in the order in which they were chosen", async () => {
    await expect(outcomes(["zoe", "nobody", "udo", "' or 1=1 --", "mara"], "offer")).resolves.toEqual([
      ["zoe", "unchanged"],
      ["nobody", "not-found"],
      ["udo", "moved"],
      ["' or 1=1 --", "not-found"],
      ["mara", "moved"],
    ]);

    await expect(stages()).resolves.toEqual({ mara: "offer", udo: "offer", zoe: "offer", ada: "applied" });
  });

  test("one who is chosen twice counts once", async () => {
    await expect(outcomes(["udo", "mara", "udo", "nobody", "nobody", "mara"], "hired")).resolves.toEqual([
      ["udo", "moved"],
      ["mara", "moved"],
      ["nobody", "not-found"],
    ]);
  });

  test("none has to be there", async () => {
    await expect(outcomes(["nobody", "no-one"], "offer")).resolves.toEqual([
      ["nobody", "not-found"],
      ["no-one", "not-found"],
    ]);
  });

  test("none has to be moved", async () => {
    await expect(outcomes(["zoe"], "offer")).resolves.toEqual([["zoe", "unchanged"]]);
  });

  test("nothing but the stage is changed", async () => {
    const before = await db.select().from(applicants);

    await move(["mara", "zoe"], "rejected");

    await expect(db.select().from(applicants)).resolves.toEqual(
      before.map((row) => ({ ...row, stage: ["mara", "zoe"].includes(row.id) ? "rejected" : row.stage })),
    );
  });

  test("a second move starts from where the first one ended", async () => {
    await move(["mara", "udo"], "offer");

    await expect(outcomes(["udo", "ada"], "offer")).resolves.toEqual([
      ["udo", "unchanged"],
      ["ada", "moved"],
    ]);
  });
});

describe("how many", () => {
  test("a hundred are moved at once, whoever is named twice", async () => {
    const crowd = await insertCrowd(100);

    const all = await outcomes([...crowd, ...crowd.slice(0, 7)], "interview");

    expect(all).toEqual(crowd.map((id) => [id, "moved"]));
    expect(Object.values(await stages()).filter((stage) => stage === "interview")).toHaveLength(100);
  });

  test("of more than a hundred nobody is moved", async () => {
    const crowd = await insertCrowd(101);
    const before = await stages();

    await expect(move(crowd, "interview")).resolves.toEqual({
      ok: false,
      status: 422,
      message: "Please check the highlighted fields.",
      fieldErrors: { applicantId: "At most 100 applicants at a time." },
    });
    await expect(stages()).resolves.toEqual(before);
  });

  test("the statements for ninety-nine are no more than those for three", async () => {
    const few = ["mara", "zoe", "nobody"];
    const many = [
      ...(await insertCrowd(33)),
      ...(await insertCrowd(33, "offer")),
      ...Array.from({ length: 33 }, (_, index) => `nobody_${index}`),
    ];

    const forFew = await watchStatements(db, { run: () => outcomes(few, "offer") });
    const forMany = await watchStatements(db, { run: () => outcomes(many, "offer") });

    expect(forMany).toBeLessThanOrEqual(forFew);
  });
});

describe("nobody is moved", () => {
  test.each([
    ["without a session", null],
    ["with the session of somebody who is gone", { user: { id: "somebody-else" } }],
  ])("%s, whatever is sent", async (_what, session) => {
    vi.mocked(getServerSession).mockResolvedValue(session);
    const before = await stages();
    const refused = { ok: false, status: 401, message: "Please sign in again.", fieldErrors: {} };

    await expect(move(["mara", "udo"], "offer")).resolves.toEqual(refused);
    await expect(move([], "promoted")).resolves.toEqual(refused);
    await expect(stages()).resolves.toEqual(before);
  });

  test.each<[string, string[], string | undefined, Record<string, string>]>([
    ["an empty choice", [], "offer", { applicantId: "Please choose at least one applicant." }],
    ["an unknown stage", ["mara", "udo"], "promoted", { stage: "Please choose a stage." }],
    ["a stage that every object has", ["mara"], "constructor", { stage: "Please choose a stage." }],
    ["no stage", ["mara", "udo"], undefined, { stage: "Please choose a stage." }],
    ["nothing at all", [], undefined, { applicantId: "Please choose at least one applicant.", stage: "Please choose a stage." }],
  ])("by %s, which is refused at its field", async (_what, ids, stage, fieldErrors) => {
    const before = await stages();

    await expect(move(ids, stage)).resolves.toEqual({
      ok: false,
      status: 422,
      message: "Please check the highlighted fields.",
      fieldErrors,
    });
    await expect(stages()).resolves.toEqual(before);
  });
});

test("administrators move applicants, too", async () => {
  await insertUser(db, { id: "admin", email: "admin@example.com", role: "admin" });
  vi.mocked(getServerSession).mockResolvedValue({ user: { id: "admin" } });

  await expect(outcomes(["mara"], "offer")).resolves.toEqual([["mara", "moved"]]);
});

test("list and dashboard show the new stages to whoever looks next", async () => {
  await move(["mara", "zoe", "nobody"], "offer");

  expect(listAndDashboardAreFresh()).toBe(true);
});

test("of somebody who is removed meanwhile it says what was done", async () => {
  await db.run(sql`CREATE TABLE moves_done (id text)`);
  await db.run(sql`CREATE TRIGGER move_done AFTER UPDATE OF stage ON applicants WHEN new.stage <> old.stage
    BEGIN INSERT INTO moves_done VALUES (old.id); END`);
  let removed = false;
  let told: string[][] = [];

  await watchStatements(db, {
    async between(statement) {
      if (removed || !/\bapplicants\b/.test(statement)) return;
      removed = true;
      await db.delete(applicants).where(eq(applicants.id, "udo"));
    },
    run: async () => {
      told = await outcomes(["mara", "udo", "zoe"], "offer");
    },
  });

  const done = new Set((await db.all<{ id: string }>(sql`SELECT id FROM moves_done`)).map(({ id }) => id));
  expect(told).toEqual([
    ["mara", "moved"],
    ["udo", done.has("udo") ? "moved" : "not-found"],
    ["zoe", "unchanged"],
  ]);
  expect(done.has("mara")).toBe(true);
});

test("a single applicant is moved as before", async () => {
  const single = new FormData();
  single.set("applicantId", "mara");
  single.set("stage", "offer");

  await expect(changeStage(null, single)).resolves.toEqual({ ok: true, data: undefined });
  await expect(stages()).resolves.toMatchObject({ mara: "offer" });
});
