import { eq } from "drizzle-orm";
import { beforeEach, expect, test } from "vitest";
import { findApplicant, listNotes } from "@/lib/applicants/queries";
import type { Database } from "@/lib/db/client";
import { pingDatabase } from "@/lib/db/queries";
import { jobs, users } from "@/lib/db/schema";
import { NotFoundError } from "@/lib/errors";
import { closeJob, createJob } from "@/lib/jobs/mutations";
import { findOpenJob, listOpenings, listOpenJobs, listPositions } from "@/lib/jobs/queries";
import { findResume } from "@/lib/resumes/queries";
import { findUser } from "@/lib/users/queries";
import { renameUser } from "@/lib/users/mutations";
import { OPEN, openOffice, RESUME } from "./office";
import { countStatements } from "./statements";

const values = {
  title: "Data Engineer",
  department: "Engineering",
  location: "Berlin",
  description: "Build the pipelines behind our reports.",
};

let db: Database;

beforeEach(async () => {
  db = await openOffice();
});

test("listOpenJobs has the open jobs, newest first, equals by id", async () => {
  const rows = await listOpenJobs();

  expect(rows.map(({ id }) => id)).toEqual(OPEN);
  expect(rows[1]).toEqual(await db.query.jobs.findFirst({ where: eq(jobs.id, "job_b") }));
});

test("findOpenJob has an open job, no closed and no unknown one", async () => {
  await expect(findOpenJob("job_a")).resolves.toEqual(await db.query.jobs.findFirst({ where: eq(jobs.id, "job_a") }));
  await expect(findOpenJob("job_c")).resolves.toBeNull();
  await expect(findOpenJob("job_nowhere")).resolves.toBeNull();
});

test("listOpenings has every job, open ones first, with its applicants but for the rejected", async () => {
  const rows = await listOpenings();

  expect(rows.map(({ id, applicants }) => [id, applicants])).toEqual([
    ["job_a", 1],
    ["job_b", 2],
    ["job_d", 0],
    ["job_f", 0],
    ["job_e", 0],
    ["job_c", 0],
  ]);
  const job = await db.query.jobs.findFirst({ where: eq(jobs.id, "job_b") });
  expect(rows[1]).toEqual({ ...job, applicants: 2 });
});

test("listPositions has id and title of every job, by title, equals by id", async () => {
  await expect(listPositions()).resolves.toEqual([
    { id: "job_c", title: "Analyst" },
    { id: "job_b", title: "Backend Engineer" },
    { id: "job_d", title: "Designer" },
    { id: "job_e", title: "Designer" },
    { id: "job_a", title: "Zoo Keeper" },
    { id: "job_f", title: "iOS Developer" },
  ]);
});

test("createJob opens a job now and tells its id", async () => {
  const before = Date.now();
  const id = await createJob(values);

  const job = await findOpenJob(id);
  expect(id).toMatch(/^job_/);
  expect(job).toMatchObject({ ...values, id, status: "open" });
  expect(job?.createdAt).toBeGreaterThanOrEqual(before);
  expect(job?.createdAt).toBeLessThanOrEqual(Date.now());
  expect(await db.$count(jobs)).toBe(7);
});

test("closeJob closes one job, and none that is not there", async () => {
  await closeJob("job_b");

  expect((await listOpenJobs()).map(({ id }) => id)).toEqual(["job_a", "job_d", "job_f"]);
  await expect(closeJob("job_nowhere")).rejects.toThrow(NotFoundError);
  await expect(closeJob("job_nowhere")).rejects.toThrow("This opening was not found.");
});

test("findResume has the row, or nothing", async () => {
  await expect(findResume("resume_mara")).resolves.toEqual(RESUME);
  await expect(findResume("resume_nobody")).resolves.toBeNull();
});

test("renameUser renames one user", async () => {
  const robin = (await findUser("robin"))!;

  await renameUser(robin, "Robin Reyes");

  await expect(findUser("robin")).resolves.toEqual({ ...robin, name: "Robin Reyes" });
  expect(await db.$count(users, eq(users.name, "Robin Reyes"))).toBe(1);
});

test("pingDatabase asks the database, and fails if that does not answer", async () => {
  await expect(countStatements(db, () => pingDatabase())).resolves.toBe(1);

  db.$client.close();
  await expect(pingDatabase()).rejects.toThrow();
});

test("findApplicant and listNotes are as they were", async () => {
  await expect(findApplicant("mara")).resolves.toMatchObject({
    applicant: { id: "mara", stage: "offer" },
    job: { id: "job_b", title: "Backend Engineer" },
    resume: RESUME,
  });
  await expect(findApplicant("udo")).resolves.toMatchObject({ resume: null });
  await expect(findApplicant("nobody")).resolves.toBeNull();
  expect((await listNotes("mara")).map(({ id, author }) => [id, author])).toEqual([
    ["note_d", "Robin Okafor"],
    ["note_b", "Robin Okafor"],
    ["note_c", "Robin Okafor"],
    ["note_a", "Ada Admin"],
  ]);
});

test.each<[string, () => Promise<unknown>]>([
  ["listOpenJobs", () => listOpenJobs()],
  ["findOpenJob", () => findOpenJob("job_a")],
  ["listOpenings", () => listOpenings()],
  ["listPositions", () => listPositions()],
  ["createJob", () => createJob(values)],
  ["closeJob", () => closeJob("job_a")],
  ["findResume", () => findResume("resume_mara")],
])("%s is one statement", async (_name, run) => {
  await expect(countStatements(db, run)).resolves.toBe(1);
});
