import type { Database } from "@/lib/db/client";
import { notes, resumes } from "@/lib/db/schema";
import { createTestDatabase, insertApplicant, insertJob, insertUser } from "@/lib/db/testing";

const DAY = 24 * 60 * 60 * 1000;

export const OPEN = ["job_a", "job_b", "job_d", "job_f"];
export const CLOSED = ["job_e", "job_c"];

export const RESUME = {
  id: "resume_mara",
  applicantId: "mara",
  fileName: "Mara & Söhne.pdf",
  kind: "pdf",
  size: 2048,
  storageKey: "resumes/secret.pdf",
  text: "Ten years of SQL",
} as const;

/** Jobs and notes of which some share a date, a title or a stage, in an order that follows none of these. */
export async function openOffice(): Promise<Database> {
  const db = await createTestDatabase();
  await insertUser(db, { id: "robin", name: "Robin Okafor" });
  await insertUser(db, { id: "ada", name: "Ada Admin", email: "ada@example.com", role: "admin" });

  await insertJob(db, { id: "job_f", title: "iOS Developer", createdAt: 1 * DAY });
  await insertJob(db, { id: "job_b", title: "Backend Engineer", createdAt: 3 * DAY });
  await insertJob(db, { id: "job_e", title: "Designer", status: "closed", createdAt: 9 * DAY });
  await insertJob(db, { id: "job_c", title: "Analyst", status: "closed", createdAt: 4 * DAY });
  await insertJob(db, { id: "job_a", title: "Zoo Keeper", createdAt: 3 * DAY });
  await insertJob(db, { id: "job_d", title: "Designer", createdAt: 2 * DAY });

  const applied = { jobId: "job_b", email: "somebody@example.com" };
  await insertApplicant(db, { ...applied, id: "mara", name: "Mara Lindqvist", email: "mara@example.com", stage: "offer" });
  await insertApplicant(db, { ...applied, id: "udo", name: "Udo Lind", stage: "hired" });
  await insertApplicant(db, { ...applied, id: "zoe", name: "Zoe Ball", stage: "rejected" });
  await insertApplicant(db, { ...applied, id: "cem", name: "Cem Ay", jobId: "job_a", stage: "applied" });
  await insertApplicant(db, { ...applied, id: "gero", name: "Gero Holm", jobId: "job_c", stage: "rejected" });
  await db.insert(resumes).values(RESUME);

  const note = { applicantId: "mara", authorId: "robin" };
  await db.insert(notes).values([
    { ...note, id: "note_c", body: "Third note", createdAt: 2 * DAY },
    { ...note, id: "note_a", body: "First note", createdAt: 1 * DAY, authorId: "ada" },
    { ...note, id: "note_d", body: "Fourth note", createdAt: 3 * DAY },
    { ...note, id: "note_b", body: "Second note", createdAt: 2 * DAY },
    { ...note, id: "note_x", body: "About somebody else", createdAt: 2 * DAY, applicantId: "udo" },
  ]);
  return db;
}
