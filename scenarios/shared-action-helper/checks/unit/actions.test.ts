import { eq, sql } from "drizzle-orm";
import { getServerSession } from "next-auth";
import { revalidatePath, updateTag } from "next/cache";
import { redirect } from "next/navigation";
import { beforeEach, describe, expect, test, vi } from "vitest";
import { addNote, changeStage, removeApplicant } from "@/app/(admin)/applicants/[id]/actions";
import { closeOpening, createOpening } from "@/app/(admin)/openings/actions";
import { changePassword, updateProfile } from "@/app/(admin)/settings/actions";
import { signUp } from "@/app/(auth)/signup/actions";
import { submitApplication } from "@/app/(public)/jobs/[id]/actions";
import { hashPassword, passwordMatches } from "@/lib/auth/password";
import type { Database } from "@/lib/db/client";
import { applicants, jobs, notes, users } from "@/lib/db/schema";
import { createTestDatabase, insertApplicant, insertJob, insertUser } from "@/lib/db/testing";
import { env } from "@/lib/env";
import { pdf } from "kit/documents";

vi.mock("next-auth", () => ({ getServerSession: vi.fn() }));
vi.mock("next/cache", () => ({
  refresh: vi.fn(),
  revalidatePath: vi.fn(),
  revalidateTag: vi.fn(),
  unstable_cache: (read: unknown) => read,
  updateTag: vi.fn(),
}));

const opening = {
  title: "Data Engineer",
  department: "Engineering",
  location: "Berlin",
  description: "Build the pipelines behind our reports.",
};
const passwords = { current: "old-password", next: "a-new-password", repeated: "a-new-password" };

type AnyAction = (previous: null, form: FormData) => Promise<unknown>;

const ACTIONS: Record<string, { action: AnyAction; valid: Record<string, string>; writes: string }> = {
  changeStage: { action: changeStage, valid: { applicantId: "applicant_mara", stage: "offer" }, writes: "UPDATE ON applicants" },
  addNote: { action: addNote, valid: { applicantId: "applicant_mara", body: "Call back." }, writes: "INSERT ON notes" },
  removeApplicant: { action: removeApplicant, valid: { applicantId: "applicant_mara" }, writes: "DELETE ON applicants" },
  createOpening: { action: createOpening, valid: opening, writes: "INSERT ON jobs" },
  closeOpening: { action: closeOpening, valid: { jobId: "job_backend" }, writes: "UPDATE ON jobs" },
  updateProfile: { action: updateProfile, valid: { name: "Robin O." }, writes: "UPDATE ON users" },
  changePassword: { action: changePassword, valid: passwords, writes: "UPDATE ON users" },
};
const NAMES = Object.keys(ACTIONS);

let db: Database;

function form(values: Record<string, string | File>): FormData {
  const data = new FormData();
  for (const [name, value] of Object.entries(values)) data.set(name, value);
  return data;
}

function signedInAs(id: string | null) {
  vi.mocked(getServerSession).mockResolvedValue(id ? { user: { id } } : null);
}

async function run(name: string, values?: Record<string, string>) {
  const { action, valid } = ACTIONS[name]!;
  return action(null, form(values ?? valid));
}

async function contents() {
  return {
    applicants: await db.select().from(applicants),
    jobs: await db.select().from(jobs),
    notes: await db.select().from(notes),
    users: await db.select().from(users),
  };
}

beforeEach(async () => {
  vi.clearAllMocks();
  db = await createTestDatabase();
  await insertJob(db);
  await insertApplicant(db);
  await insertUser(db, { id: "admin", email: "admin@example.com", role: "admin", passwordHash: hashPassword("old-password") });
  await insertUser(db, { id: "recruiter", email: "recruiter@example.com", passwordHash: hashPassword("old-password") });
  signedInAs("admin");
});

describe("nothing is written and nobody is let in", () => {
  test.each(NAMES)("%s: without a session, valid input or not", async (name) => {
    signedInAs(null);
    const before = await contents();
    const refused = { ok: false, status: 401, message: "Please sign in again.", fieldErrors: {} };

    expect(await run(name)).toEqual(refused);
    expect(await run(name, {})).toEqual(refused);
    expect(await contents()).toEqual(before);
  });

  test.each(NAMES)("%s: with the session of a user who is gone", async (name) => {
    signedInAs("somebody-else");

    expect(await run(name)).toMatchObject({ ok: false, status: 401 });
  });

  test.each([
    ["createOpening", "Only administrators can manage openings."],
    ["closeOpening", "Only administrators can manage openings."],
    ["removeApplicant", "Only administrators can remove applicants."],
  ])("%s: as a recruiter, valid input or not", async (name, message) => {
    signedInAs("recruiter");
    const before = await contents();
    const refused = { ok: false, status: 403, message, fieldErrors: {} };

    expect(await run(name)).toEqual(refused);
    expect(await run(name, {})).toEqual(refused);
    expect(await contents()).toEqual(before);
  });

  test.each(["changeStage", "addNote", "updateProfile", "changePassword"])("%s: but a recruiter may", async (name) => {
    signedInAs("recruiter");

    expect(await run(name)).toEqual({ ok: true, data: undefined });
  });
});

describe("invalid input is refused at its field", () => {
  test.each([
    ["changeStage", "an unknown stage", { applicantId: "applicant_mara", stage: "promoted" }, { stage: "Please choose a stage." }],
    ["addNote", "a blank note", { applicantId: "applicant_mara", body: "  " }, { body: "Please write something." }],
    ["createOpening", "two fields at once", { ...opening, title: "x", location: "" }, { title: "Please give the position a title.", location: "Please say where." }],
    ["updateProfile", "a single letter", { name: "R" }, { name: "Please enter your name." }],
    ["changePassword", "two different passwords", { ...passwords, repeated: "another" }, { repeated: "The two passwords differ." }],
    ["changePassword", "a wrong password", { ...passwords, current: "wrong" }, { current: "This is not your current password." }],
  ])("%s with %s", async (name, _what, values, fieldErrors) => {
    const before = await contents();

    expect(await run(name, values)).toEqual({
      ok: false,
      status: 422,
      message: "Please check the highlighted fields.",
      fieldErrors,
    });
    expect(await contents()).toEqual(before);
    expect(revalidatePath).not.toHaveBeenCalled();
    expect(updateTag).not.toHaveBeenCalled();
  });

  test("closeOpening without an opening", async () => {
    expect(await run("closeOpening", {})).toMatchObject({ ok: false, status: 422, fieldErrors: { jobId: expect.any(String) } });
  });
});

test.each([
  ["changeStage", { applicantId: "nobody", stage: "offer" }, "This applicant was not found."],
  ["addNote", { applicantId: "nobody", body: "Hello?" }, "This applicant was not found."],
  ["removeApplicant", { applicantId: "nobody" }, "This applicant was not found."],
  ["closeOpening", { jobId: "nothing" }, "This opening was not found."],
])("%s says what was not found", async (name, values, message) => {
  expect(await run(name, values)).toEqual({ ok: false, status: 404, message, fieldErrors: {} });
});

test.each(NAMES)("%s logs an unexpected error and keeps it to itself", async (name) => {
  const log = vi.spyOn(console, "error").mockImplementation(() => {});
  await db.run(sql.raw(`CREATE TRIGGER broken BEFORE ${ACTIONS[name]!.writes} BEGIN SELECT RAISE(ABORT, 'disk is full'); END`));

  expect(await run(name)).toEqual({
    ok: false,
    status: 500,
    message: "Something went wrong. Please try again.",
    fieldErrors: {},
  });
  expect(log).toHaveBeenCalledOnce();
  log.mockRestore();
});

test.each(["addNote", "createOpening", "closeOpening", "updateProfile"])("%s lets the signals of Next through", async (name) => {
  vi.mocked(revalidatePath).mockImplementationOnce(() => redirect("/login"));

  await expect(run(name)).rejects.toThrow("NEXT_REDIRECT");
});

describe("success", () => {
  test("changeStage", async () => {
    expect(await run("changeStage")).toEqual({ ok: true, data: undefined });
    expect((await contents()).applicants[0]?.stage).toBe("offer");
    expect(updateTag).toHaveBeenCalledWith("applicants");
  });

  test("addNote", async () => {
    expect(await run("addNote")).toEqual({ ok: true, data: undefined });
    expect((await contents()).notes).toMatchObject([{ body: "Call back.", authorId: "admin" }]);
    expect(revalidatePath).toHaveBeenCalledWith("/applicants/applicant_mara");
  });

  test("removeApplicant, which leads back to the list", async () => {
    await expect(run("removeApplicant")).rejects.toThrow("NEXT_REDIRECT");
    expect(await db.$count(applicants)).toBe(0);
    expect(updateTag).toHaveBeenCalledWith("applicants");
  });

  test("createOpening", async () => {
    expect(await run("createOpening")).toEqual({ ok: true, data: { id: expect.stringMatching(/^job_/) } });
    expect(await db.$count(jobs)).toBe(2);
    expect(revalidatePath).toHaveBeenCalledWith("/openings");
  });

  test("closeOpening", async () => {
    expect(await run("closeOpening")).toEqual({ ok: true, data: undefined });
    expect((await contents()).jobs[0]?.status).toBe("closed");
    expect(revalidatePath).toHaveBeenCalledWith("/openings");
  });

  test("updateProfile", async () => {
    expect(await run("updateProfile")).toEqual({ ok: true, data: undefined });
    expect(await db.query.users.findFirst({ where: eq(users.id, "admin") })).toMatchObject({ name: "Robin O." });
    expect(revalidatePath).toHaveBeenCalledWith("/", "layout");
  });

  test("changePassword", async () => {
    expect(await run("changePassword")).toEqual({ ok: true, data: undefined });
    const user = await db.query.users.findFirst({ where: eq(users.id, "admin") });
    expect(await passwordMatches("a-new-password", user?.passwordHash ?? "")).toBe(true);
  });
});

describe("submitApplication needs no session", () => {
  const application = { jobId: "job_backend", name: "Udo Lind", email: "udo@example.com" };

  beforeEach(() => signedInAs(null));

  test("and takes an application in", async () => {
    const resume = new File([pdf("Ten years of SQL")], "cv.pdf", { type: "application/pdf" });

    expect(await submitApplication(null, form({ ...application, resume }))).toEqual({ ok: true, data: undefined });
    expect(await db.$count(applicants)).toBe(2);
    expect(updateTag).toHaveBeenCalledWith("applicants");
  });

  test("and refuses an incomplete one", async () => {
    expect(await submitApplication(null, form({ ...application, email: "udo" }))).toEqual({
      ok: false,
      status: 422,
      message: "Please check the highlighted fields.",
      fieldErrors: { email: "Please enter a valid e-mail address.", resume: "Please choose your résumé." },
    });
  });
});

describe("signUp needs no session", () => {
  const account = {
    name: "Udo Lind",
    email: "udo@example.com",
    password: "correct horse",
    repeated: "correct horse",
    role: "recruiter",
    department: "People",
    invitation: "a-code-for-the-tests",
  };

  beforeEach(() => {
    env.INVITATION_CODE = account.invitation;
    signedInAs(null);
  });

  test("and creates an account", async () => {
    expect(await signUp(null, form(account))).toEqual({ ok: true, data: undefined });
    expect(await db.query.users.findFirst({ where: eq(users.email, account.email) })).toMatchObject({ name: "Udo Lind" });
  });

  test("and refuses a wrong code at its field", async () => {
    expect(await signUp(null, form({ ...account, invitation: "guessed" }))).toEqual({
      ok: false,
      status: 422,
      message: "Please check the highlighted fields.",
      fieldErrors: { invitation: "This code is not valid." },
    });
    expect(await db.$count(users)).toBe(2);
  });
});
