import { eq } from "drizzle-orm";
import { getServerSession } from "next-auth";
import { revalidatePath } from "next/cache";
import { beforeEach, describe, expect, test, vi } from "vitest";
import { closeOpening, createOpening } from "@/app/(admin)/openings/actions";
import { updateProfile } from "@/app/(admin)/settings/actions";
import { submitApplication } from "@/app/(public)/jobs/[id]/actions";
import { GET as getApplicant } from "@/app/api/applicants/[id]/route";
import { GET as getHealth } from "@/app/api/health/route";
import { GET as getResume } from "@/app/api/resumes/[id]/route";
import type { Database } from "@/lib/db/client";
import { applicants, jobs, resumes, users } from "@/lib/db/schema";
import { pdf } from "kit/documents";
import { CLOSED, openOffice, RESUME } from "./office";
import { countStatements } from "./statements";

const { files } = vi.hoisted(() => ({ files: new Map<string, Uint8Array>() }));

vi.mock("next-auth", () => ({ getServerSession: vi.fn() }));
vi.mock("next/cache", () => ({
  refresh: vi.fn(),
  revalidatePath: vi.fn(),
  revalidateTag: vi.fn(),
  unstable_cache: (read: unknown) => read,
  updateTag: vi.fn(),
}));
vi.mock("next/server", async (original) => ({ ...(await original<object>()), connection: async () => {} }));
vi.mock("@/lib/storage", () => ({
  storage: () => ({
    put: async (key: string, bytes: Uint8Array) => void files.set(key, bytes),
    get: async (key: string) => files.get(key) ?? null,
    delete: async (key: string) => void files.delete(key),
  }),
}));

const opening = {
  title: "Data Engineer",
  department: "Engineering",
  location: "Berlin",
  description: "Build the pipelines behind our reports.",
};

let db: Database;

function signedInAs(id: string | null) {
  vi.mocked(getServerSession).mockResolvedValue(id ? { user: { id } } : null);
}

function form(values: Record<string, string | File>): FormData {
  const data = new FormData();
  for (const [name, value] of Object.entries(values)) data.set(name, value);
  return data;
}

const context = (id: string) => ({ params: Promise.resolve({ id }) });
const applicant = (id: string) => getApplicant(new Request("http://localhost/"), context(id));
const resume = (id: string) => getResume(new Request("http://localhost/"), context(id));

function apply(jobId: string) {
  const file = new File([new Uint8Array(pdf("Ten years of SQL"))], "cv.pdf", { type: "application/pdf" });
  return submitApplication(null, form({ jobId, name: "Nia Berg", email: "nia@example.com", resume: file }));
}

beforeEach(async () => {
  vi.clearAllMocks();
  files.clear();
  files.set(RESUME.storageKey, new Uint8Array([37, 80, 68, 70]));
  db = await openOffice();
  signedInAs("ada");
});

describe("GET /api/applicants/[id]", () => {
  test("has every field, and the notes in the order in which they were taken", async () => {
    signedInAs("robin");

    const response = await applicant("mara");

    expect(response.status).toBe(200);
    const day = 24 * 60 * 60 * 1000;
    await expect(response.json()).resolves.toEqual({
      ...(await db.query.applicants.findFirst({ where: eq(applicants.id, "mara") })),
      jobTitle: "Backend Engineer",
      resume: { id: "resume_mara", fileName: "Mara & Söhne.pdf", kind: "pdf", size: 2048 },
      notes: [
        { id: "note_a", body: "First note", createdAt: day, author: "Ada Admin" },
        { id: "note_b", body: "Second note", createdAt: 2 * day, author: "Robin Okafor" },
        { id: "note_c", body: "Third note", createdAt: 2 * day, author: "Robin Okafor" },
        { id: "note_d", body: "Fourth note", createdAt: 3 * day, author: "Robin Okafor" },
      ],
    });
  });

  test("has no résumé where there is none", async () => {
    await expect((await applicant("cem")).json()).resolves.toMatchObject({ jobTitle: "Zoo Keeper", resume: null, notes: [] });
  });

  test("knows nobody under a wrong id, and tells visitors nothing", async () => {
    const unknown = await applicant("nobody");
    expect(unknown.status).toBe(404);
    await expect(unknown.json()).resolves.toEqual({ message: "This applicant was not found.", fieldErrors: {} });

    signedInAs(null);
    expect((await applicant("mara")).status).toBe(401);
  });
});

describe("GET /api/resumes/[id]", () => {
  test("answers with the file, under its name", async () => {
    const response = await resume("resume_mara");

    expect(response.status).toBe(200);
    expect(response.headers.get("Content-Disposition")).toBe("attachment; filename*=UTF-8''Mara%20%26%20S%C3%B6hne.pdf");
    expect(response.headers.get("Content-Type")).toBe("application/octet-stream");
    await expect(response.text()).resolves.toBe("%PDF");
  });

  test("finds neither an unknown résumé nor one whose file is missing", async () => {
    expect((await resume("resume_nobody")).status).toBe(404);
    files.clear();
    const missing = await resume("resume_mara");
    expect(missing.status).toBe(404);
    await expect(missing.json()).resolves.toEqual({ message: "This résumé was not found.", fieldErrors: {} });
  });

  test("is for the signed-in", async () => {
    signedInAs(null);

    expect((await resume("resume_mara")).status).toBe(401);
  });
});

test("GET /api/health is well as long as the database answers", async () => {
  const response = await getHealth();
  expect(response.status).toBe(200);
  await expect(response.json()).resolves.toEqual({ status: "ok" });

  db.$client.close();
  await expect(getHealth()).rejects.toThrow();
});

describe("createOpening", () => {
  test("publishes a job", async () => {
    const before = Date.now();
    const result = await createOpening(null, form(opening));

    expect(result).toEqual({ ok: true, data: { id: expect.stringMatching(/^job_/) } });
    const [created] = await db.select().from(jobs).where(eq(jobs.title, "Data Engineer"));
    expect(created).toMatchObject({ ...opening, id: result.ok && result.data.id, status: "open" });
    expect(created?.createdAt).toBeGreaterThanOrEqual(before);
    expect(revalidatePath).toHaveBeenCalledWith("/openings");
  });

  test.each([
    [null, 401, "Please sign in again."],
    ["robin", 403, "Only administrators can manage openings."],
  ])("refuses %s", async (id, status, message) => {
    signedInAs(id);

    await expect(createOpening(null, form(opening))).resolves.toMatchObject({ ok: false, status, message });
    expect(await db.$count(jobs)).toBe(6);
  });
});

describe("closeOpening", () => {
  test("closes one job", async () => {
    await expect(closeOpening(null, form({ jobId: "job_b" }))).resolves.toEqual({ ok: true, data: undefined });

    const closed = await db.select({ id: jobs.id }).from(jobs).where(eq(jobs.status, "closed"));
    expect(closed.map(({ id }) => id).toSorted()).toEqual(["job_b", ...CLOSED].toSorted());
    expect(revalidatePath).toHaveBeenCalledWith("/openings");
  });

  test("may be repeated", async () => {
    await expect(closeOpening(null, form({ jobId: "job_c" }))).resolves.toEqual({ ok: true, data: undefined });
  });

  test("says that there is no such job, and refuses recruiters", async () => {
    await expect(closeOpening(null, form({ jobId: "job_nowhere" }))).resolves.toEqual({
      ok: false,
      status: 404,
      message: "This opening was not found.",
      fieldErrors: {},
    });
    signedInAs("robin");
    await expect(closeOpening(null, form({ jobId: "job_b" }))).resolves.toMatchObject({ ok: false, status: 403 });
    expect(revalidatePath).not.toHaveBeenCalled();
    expect(await db.$count(jobs, eq(jobs.status, "closed"))).toBe(2);
  });
});

test("updateProfile renames whoever is signed in, and nobody else", async () => {
  signedInAs("robin");

  await expect(updateProfile(null, form({ name: " Robin Reyes " }))).resolves.toEqual({ ok: true, data: undefined });

  const names = await db.select({ name: users.name }).from(users);
  expect(names.map(({ name }) => name).toSorted()).toEqual(["Ada Admin", "Robin Reyes"]);
  expect(revalidatePath).toHaveBeenCalledWith("/", "layout");
});

describe("submitApplication", () => {
  beforeEach(() => signedInAs(null));

  test("takes applications for an open job", async () => {
    await expect(apply("job_d")).resolves.toEqual({ ok: true, data: undefined });

    expect(await db.$count(applicants, eq(applicants.jobId, "job_d"))).toBe(1);
    expect(await db.$count(resumes)).toBe(2);
  });

  test.each([...CLOSED, "job_nowhere"])("takes none for %s, and no file", async (jobId) => {
    await expect(apply(jobId)).resolves.toEqual({
      ok: false,
      status: 404,
      message: "This position was not found.",
      fieldErrors: {},
    });
    expect(await db.$count(applicants)).toBe(5);
    expect(files.size).toBe(1);
  });
});

// What they needed before, the user included.
test.each<[string, number, () => Promise<unknown>]>([
  ["GET /api/applicants/[id]", 3, () => applicant("mara")],
  ["GET /api/resumes/[id]", 2, () => resume("resume_mara")],
  ["GET /api/health", 1, () => getHealth()],
  ["createOpening", 2, () => createOpening(null, form(opening))],
  ["closeOpening", 2, () => closeOpening(null, form({ jobId: "job_b" }))],
  ["updateProfile", 2, () => updateProfile(null, form({ name: "Ada A." }))],
  ["submitApplication", 7, () => apply("job_d")],
])("%s takes no more statements than before: %i", async (_what, statements, run) => {
  await expect(countStatements(db, run)).resolves.toBeLessThanOrEqual(statements);
});
