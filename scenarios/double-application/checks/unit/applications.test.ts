import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import type { Client } from "@libsql/client";
import { type SQL, sql } from "drizzle-orm";
import { migrate } from "drizzle-orm/libsql/migrator";
import { getServerSession } from "next-auth";
import { afterEach, beforeAll, beforeEach, describe, expect, test, vi } from "vitest";
import { addNote, changeStage, removeApplicant } from "@/app/(admin)/applicants/[id]/actions";
import type { ActionResult } from "@/lib/action";
import { type Database, openDatabase, setDatabase } from "@/lib/db/client";
import { pdf } from "kit/documents";
import { inStep, insideBefore, interleave } from "./interleave";

const { disk } = vi.hoisted(() => ({ disk: { files: new Map<string, Uint8Array>(), down: false } }));

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
    put: async (key: string, bytes: Uint8Array) => {
      await new Promise(setImmediate);
      if (disk.down) throw new Error("The disk is down.");
      disk.files.set(key, bytes);
    },
    get: async (key: string) => disk.files.get(key) ?? null,
    delete: async (key: string) => {
      await new Promise(setImmediate);
      disk.files.delete(key);
    },
  }),
}));

type Submit = (previous: null, form: FormData) => Promise<ActionResult>;

interface Sent {
  email: string;
  name?: string;
  jobId?: string;
  cv?: string;
  resume?: File;
}

const ACCEPTED = { ok: true, data: undefined };
const REFUSED = {
  ok: false,
  status: 422,
  message: "Please check the highlighted fields.",
  fieldErrors: { email: "You have already applied for this position." },
};
const FAILED = { ok: false, status: 500 };

let machines: [Submit, Submit];
let folder: string;
let db: Database & { $client: Client };

/** Loads the action anew, with all that it imports: machines share the database and nothing else. */
async function machine(): Promise<Submit> {
  vi.resetModules();
  return (await import("@/app/(public)/jobs/[id]/actions")).submitApplication;
}

function form({ email, name = "Ada Holm", jobId = "job_backend", cv = "Ten years of SQL", resume }: Sent): FormData {
  const data = new FormData();
  const file = resume ?? new File([new Uint8Array(pdf(cv))], `${name}.pdf`, { type: "application/pdf" });
  for (const [key, value] of Object.entries({ jobId, name, email, resume: file })) data.set(key, value);
  return data;
}

const apply = (sent: Sent, on = 0) => machines[on]!(null, form(sent));

function fields(values: Record<string, string>): FormData {
  const data = new FormData();
  for (const [key, value] of Object.entries(values)) data.set(key, value);
  return data;
}

async function rows<Row>(query: SQL): Promise<Row[]> {
  return db.all<Row>(query);
}

interface OnFile {
  id: string;
  name: string;
  jobId: string;
  cv: string;
  file: string;
}

/** Who is on file under an address. */
function onFile(email: string): Promise<OnFile[]> {
  return rows(sql`
    select a.id, a.name, a.job_id as jobId, r.text as cv, r.storage_key as file
    from applicants a left join resumes r on r.applicant_id = a.id
    where lower(a.email) = ${email.toLowerCase()} order by a.id`);
}

const everybody = async () => ({
  applicants: await rows(sql`select id, job_id, name, email, stage, applied_at from applicants order by id`),
  resumes: await rows(sql`select * from resumes order by id`),
  notes: await rows(sql`select * from notes order by id`),
});

/** Each file belongs to a résumé, each résumé to an applicant, and has its file. */
async function expectNothingLeftBehind() {
  const kept = await rows<{ file: string; owner: string | null }>(sql`
    select r.storage_key as file, a.id as owner from resumes r left join applicants a on a.id = r.applicant_id`);
  expect([...disk.files.keys()].toSorted()).toEqual(kept.map(({ file }) => file).toSorted());
  expect(kept.map(({ owner }) => owner)).not.toContain(null);
}

beforeAll(async () => {
  machines = [await machine(), await machine()];
});

const BEFORE = `
  insert into jobs values
    ('job_backend', 'Backend Engineer', 'Engineering', 'Berlin', 'Build it.', 'open', 1),
    ('job_design', 'Designer', 'Design', 'Lisbon', 'Draw it.', 'open', 2),
    ('job_old', 'Office Manager', 'People', 'Berlin', 'Run it.', 'closed', 3);
  insert into users (id, email, name, password_hash, role)
    values ('admin', 'ines@example.com', 'Inês Cardoso', '', 'admin');
  insert into applicants values
    ('twice_1', 'job_backend', 'Tia Wice', 'Twice@example.com', 'screening', 7),
    ('twice_2', 'job_backend', 'Tia Wice', 'twice@Example.com', 'screening', 7);
  insert into resumes values
    ('resume_1', 'twice_1', 'cv.pdf', 'pdf', 9, 'resumes/twice_1.pdf', 'Twice as good'),
    ('resume_2', 'twice_2', 'cv.pdf', 'pdf', 9, 'resumes/twice_2.pdf', 'Twice as good');
  insert into notes values
    ('note_1', 'twice_1', 'admin', 'Call back.', 8),
    ('note_2', 'twice_2', 'admin', 'Call back.', 8);`;

/** A database that has been in use, brought up to date. */
beforeEach(async () => {
  disk.down = false;
  disk.files.clear();
  for (const id of ["twice_1", "twice_2"]) disk.files.set(`resumes/${id}.pdf`, pdf("Twice as good"));
  folder = await mkdtemp(path.join(tmpdir(), "applications-"));
  db = openDatabase(`file:${folder}/ats.db`) as typeof db;
  setDatabase(db);
  // Nobody pulls the plug here, and waiting for a disk would be most of the time.
  await db.run(sql`pragma synchronous = off`);
  await migrate(db, { migrationsFolder: path.join(import.meta.dirname, "before") });
  await db.$client.executeMultiple(`begin; ${BEFORE} commit;`);
  await migrate(db, { migrationsFolder: "migrations" });
  vi.mocked(getServerSession).mockResolvedValue({ user: { id: "admin" } });
});

afterEach(async () => {
  db.$client.close();
  await rm(folder, { recursive: true });
});

describe("two at the same time", () => {
  async function expectOne(results: ActionResult[], sent: Sent[]) {
    expect(results.toSorted((a, b) => Number(b.ok) - Number(a.ok))).toEqual([ACCEPTED, ...sent.slice(1).map(() => REFUSED)]);
    const { name, cv, email } = sent[results.findIndex(({ ok }) => ok)]!;
    const found = await onFile(email);
    expect(found).toMatchObject([{ name, cv, jobId: "job_backend" }]);
    expect(disk.files.get(found[0]!.file)).toEqual(pdf(cv!));
    await expectNothingLeftBehind();
  }

  test("one is accepted, wherever the other comes in", async () => {
    let statement = 0;
    for (let inside = true; inside; statement++) {
      const email = `ada.${statement}@example.com`;
      const sent = [{ email, name: "Ada One", cv: "First" }, { email, name: "Ada Two", cv: "Second" }];
      const calls = sent.map((one, on) => () => apply(one, on));

      const { results, turns } = await interleave(db, calls, insideBefore(statement));

      await expectOne(results, sent);
      inside = turns[0]! > statement;
    }
    expect(statement).toBeGreaterThan(3);
  });

  test.each([
    ["one of three is accepted when all go in step", ["ada@example.com", "ada@example.com", "ada@example.com"]],
    ["one is accepted, whatever capitals the address has", ["ada@example.com", "Ada@Example.com"]],
  ])("%s", async (_what, emails) => {
    const sent = emails.map((email, index) => ({ email, name: `Ada ${index}`, cv: `CV number ${index}` }));

    const { results } = await interleave(db, sent.map((one, index) => () => apply(one, index % 2)), inStep);

    await expectOne(results, sent);
  });

  test("different people, and one person for several positions, are all accepted", async () => {
    const sent = ["ada@example.com", "bea@example.com"].flatMap((email) =>
      ["job_backend", "job_design"].map((jobId) => ({ email, jobId })),
    );

    const { results } = await interleave(db, sent.map((one, index) => () => apply(one, index % 2)), inStep);

    expect(results).toEqual(sent.map(() => ACCEPTED));
    for (const email of ["ada@example.com", "bea@example.com"]) {
      expect((await onFile(email)).map(({ jobId }) => jobId).toSorted()).toEqual(["job_backend", "job_design"]);
    }
    await expectNothingLeftBehind();
  });
});

describe("one after the other", () => {
  test("the second is refused on every machine, and leaves nothing behind", async () => {
    expect(await apply({ email: "Ada@example.com", name: "Ada One", cv: "First" }, 0)).toEqual(ACCEPTED);

    expect(await apply({ email: "ada@example.com" }, 0)).toEqual(REFUSED);
    expect(await apply({ email: "ada@EXAMPLE.com" }, 1)).toEqual(REFUSED);
    expect(await onFile("ada@example.com")).toMatchObject([{ name: "Ada One", cv: "First" }]);
    expect(disk.files.size).toBe(3);
    await expectNothingLeftBehind();
  });

  test("whom an administrator has removed may apply again", async () => {
    await apply({ email: "ada@example.com", name: "Ada One" });
    const [first] = await onFile("ada@example.com");
    await expect(removeApplicant(null, fields({ applicantId: first!.id }))).rejects.toThrow("NEXT_REDIRECT");

    expect(await apply({ email: "ada@example.com", name: "Ada Two" }, 1)).toEqual(ACCEPTED);
    expect(await apply({ email: "ada@example.com", name: "Ada Three" })).toEqual(REFUSED);
    expect(await onFile("ada@example.com")).toMatchObject([{ name: "Ada Two" }]);
    await expectNothingLeftBehind();
  });

  test("nobody applies for a position that is closed", async () => {
    expect(await apply({ email: "ada@example.com", jobId: "job_old" })).toMatchObject({ ok: false, status: 404 });
    expect(disk.files.size).toBe(2);
  });
});

describe("what fails for another reason is told as today and does not count", () => {
  async function expectAnotherTry() {
    expect(await onFile("ada@example.com")).toEqual([]);
    expect(await apply({ email: "ada@example.com", cv: "Second try" }, 1)).toEqual(ACCEPTED);
    expect(await onFile("ada@example.com")).toMatchObject([{ cv: "Second try" }]);
    expect(await apply({ email: "ada@example.com" })).toEqual(REFUSED);
  }

  test.each([
    ["is no résumé", "letter.txt", "Dear Sir or Madam"],
    ["cannot be read", "letter.pdf", "%PDF-1.4 and nothing more"],
  ])("a résumé that %s", async (_what, name, content) => {
    const result = await apply({ email: "ada@example.com", resume: new File([content], name) });

    expect(result).toMatchObject({ ok: false, status: 422, fieldErrors: { resume: expect.any(String) } });
    expect(result).not.toHaveProperty("fieldErrors.email");
    await expectAnotherTry();
  });

  test("a storage that is down", async () => {
    const log = vi.spyOn(console, "error").mockImplementation(() => {});
    disk.down = true;
    expect(await apply({ email: "ada@example.com" })).toMatchObject(FAILED);
    expect(log).toHaveBeenCalled();
    log.mockRestore();

    disk.down = false;
    await expectAnotherTry();
  });

  test("an error of the database", async () => {
    const log = vi.spyOn(console, "error").mockImplementation(() => {});
    await db.run(sql`alter table resumes rename to lost_resumes`);
    expect(await apply({ email: "ada@example.com" })).toMatchObject(FAILED);
    expect(log).toHaveBeenCalled();
    log.mockRestore();

    await db.run(sql`alter table lost_resumes rename to resumes`);
    await expectAnotherTry();
  });
});

describe("those who are there twice", () => {
  const twice = { email: "twice@example.com" };

  test("are there as before, with all that belongs to them", async () => {
    const { applicants, resumes, notes } = await everybody();

    expect(applicants).toEqual([
      { id: "twice_1", job_id: "job_backend", name: "Tia Wice", email: "Twice@example.com", stage: "screening", applied_at: 7 },
      { id: "twice_2", job_id: "job_backend", name: "Tia Wice", email: "twice@Example.com", stage: "screening", applied_at: 7 },
    ]);
    expect(resumes).toHaveLength(2);
    expect(notes).toHaveLength(2);
  });

  test("are refused a third time, on one machine or on two", async () => {
    const before = await everybody();
    expect(await apply(twice)).toEqual(REFUSED);

    const { results } = await interleave(db, [() => apply(twice, 0), () => apply(twice, 1)], inStep);

    expect(results).toEqual([REFUSED, REFUSED]);
    expect(await everybody()).toEqual(before);
    await expectNothingLeftBehind();
  });

  test("may apply for another position", async () => {
    expect(await apply({ ...twice, jobId: "job_design" })).toEqual(ACCEPTED);
  });

  test("can be moved on and written about", async () => {
    for (const applicantId of ["twice_1", "twice_2"]) {
      expect(await changeStage(null, fields({ applicantId, stage: "offer" }))).toEqual(ACCEPTED);
      expect(await addNote(null, fields({ applicantId, body: "Hire her." }))).toEqual(ACCEPTED);
    }
    const { applicants, notes } = await everybody();
    expect(applicants).toMatchObject([{ stage: "offer" }, { stage: "offer" }]);
    expect(notes).toHaveLength(4);
  });

  test.each([
    ["twice_1", "twice_2"],
    ["twice_2", "twice_1"],
  ])("count until the last of them is removed, %s first", async (first, last) => {
    await expect(removeApplicant(null, fields({ applicantId: first }))).rejects.toThrow("NEXT_REDIRECT");
    expect(await apply(twice)).toEqual(REFUSED);
    expect(await onFile(twice.email)).toMatchObject([{ id: last, file: `resumes/${last}.pdf` }]);

    await expect(removeApplicant(null, fields({ applicantId: last }))).rejects.toThrow("NEXT_REDIRECT");
    expect(await apply(twice)).toEqual(ACCEPTED);
    expect(await apply(twice, 1)).toEqual(REFUSED);
  });
});
