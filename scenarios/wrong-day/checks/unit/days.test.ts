import { parseFilters } from "@/lib/applicants/filters";
import { countByDay, listApplicants } from "@/lib/applicants/queries";
import type { Database } from "@/lib/db/client";
import { applicants } from "@/lib/db/schema";
import { createTestDatabase, insertApplicant, insertJob } from "@/lib/db/testing";
import { formatDate } from "@/lib/format";
import { countRows } from "kit/rows";
import { beforeEach, describe, expect, test } from "vitest";

const HOUR = 60 * 60 * 1000;

let db: Database;

beforeEach(async () => {
  db = await createTestDatabase();
  await insertJob(db);
});

const at = (moment: string) => Date.parse(moment);
const list = (params: Record<string, string>) => listApplicants(parseFilters(params));

/** So many people, one every hour. */
async function applyHourly(first: string, hours: number, values: Partial<typeof applicants.$inferInsert> = {}) {
  const start = at(first);
  const people = Array.from({ length: hours }, (_, hour) => ({
    id: `applicant_${start}_${String(hour).padStart(3, "0")}`,
    jobId: "job_backend",
    name: "Mara Lindqvist",
    email: "mara@example.com",
    stage: "applied" as const,
    appliedAt: start + hour * HOUR,
    ...values,
  }));
  await db.insert(applicants).values(people);
}

/** The fourteen days up to this one. */
function daysUpTo(last: string): string[] {
  const [year = 0, month = 1, day = 1] = last.split("-").map(Number);
  return Array.from({ length: 14 }, (_, index) => new Date(Date.UTC(year, month - 1, day - 13 + index)).toISOString().slice(0, 10));
}

describe("a date that is shown", () => {
  test.each([
    ["the first moment of a day in winter", "2026-02-04T00:00:00+01:00", "4 Feb 2026"],
    ["the last moment of a day in winter", "2026-02-03T23:59:59.999+01:00", "3 Feb 2026"],
    ["the first moment of a day in summer", "2026-07-15T00:00:00+02:00", "15 Jul 2026"],
    ["the last moment of a day in summer", "2026-07-14T23:59:59.999+02:00", "14 Jul 2026"],
    ["the first moment of a year", "2027-01-01T00:00:00+01:00", "1 Jan 2027"],
    ["the last moment of a year", "2026-12-31T23:59:59.999+01:00", "31 Dec 2026"],
    ["noon", "2026-02-03T12:00:00+01:00", "3 Feb 2026"],
  ])("is that of Berlin: %s", (_what, moment, text) => {
    expect(formatDate(at(moment))).toBe(text);
  });
});

describe("the list of a day", () => {
  test.each([
    ["a day in winter", "2026-02-03", "2026-02-03T00:00:00+01:00", "2026-02-04T00:00:00+01:00"],
    ["a day in summer", "2026-07-14", "2026-07-14T00:00:00+02:00", "2026-07-15T00:00:00+02:00"],
    ["the day before the shortest", "2026-03-28", "2026-03-28T00:00:00+01:00", "2026-03-29T00:00:00+01:00"],
    ["the day of 23 hours", "2026-03-29", "2026-03-29T00:00:00+01:00", "2026-03-30T00:00:00+02:00"],
    ["the day after the shortest", "2026-03-30", "2026-03-30T00:00:00+02:00", "2026-03-31T00:00:00+02:00"],
    ["the day before the longest", "2026-10-24", "2026-10-24T00:00:00+02:00", "2026-10-25T00:00:00+02:00"],
    ["the day of 25 hours", "2026-10-25", "2026-10-25T00:00:00+02:00", "2026-10-26T00:00:00+01:00"],
    ["the day after the longest", "2026-10-26", "2026-10-26T00:00:00+01:00", "2026-10-27T00:00:00+01:00"],
    ["the day of 23 hours of another year", "2025-03-30", "2025-03-30T00:00:00+01:00", "2025-03-31T00:00:00+02:00"],
    ["the day of 25 hours of another year", "2024-10-27", "2024-10-27T00:00:00+02:00", "2024-10-28T00:00:00+01:00"],
    ["the last day of a year", "2026-12-31", "2026-12-31T00:00:00+01:00", "2027-01-01T00:00:00+01:00"],
    ["the first day of a year", "2026-01-01", "2026-01-01T00:00:00+01:00", "2026-01-02T00:00:00+01:00"],
    ["the leap day", "2028-02-29", "2028-02-29T00:00:00+01:00", "2028-03-01T00:00:00+01:00"],
  ])("holds everybody from midnight to midnight: %s", async (_what, day, start, end) => {
    await insertApplicant(db, { id: "too_early", appliedAt: at(start) - 1 });
    await insertApplicant(db, { id: "first", appliedAt: at(start) });
    await insertApplicant(db, { id: "last", appliedAt: at(end) - 1 });
    await insertApplicant(db, { id: "too_late", appliedAt: at(end) });

    const { rows, total } = await list({ day, sort: "oldest" });

    expect(rows.map(({ id }) => id)).toEqual(["first", "last"]);
    expect(total).toBe(2);
  });

  test("falls into pages, and goes together with the other filters", async () => {
    await applyHourly("2026-03-28T00:00:00+01:00", 23 + 24 + 24);
    await applyHourly("2026-03-29T00:30:00+01:00", 23, { stage: "offer", name: "Udo Lind" });

    const pages = await Promise.all(["1", "2", "3"].map((page) => list({ day: "2026-03-29", stage: "applied", page })));

    expect(pages.map(({ rows, total, pageCount }) => [rows.length, total, pageCount])).toEqual([
      [10, 23, 3],
      [10, 23, 3],
      [3, 23, 3],
    ]);
    await expect(list({ day: "2026-03-29" })).resolves.toMatchObject({ total: 46 });
    await expect(list({ day: "2026-03-29", q: "udo", stage: "applied" })).resolves.toMatchObject({ total: 0 });
  });

  test("is no reason to read more than its page", async () => {
    await applyHourly("2026-07-01T00:00:00+02:00", 10 * 24);

    // The rows, perhaps their keys before them, and a few numbers.
    await expect(countRows(db, () => list({ day: "2026-07-04" }))).resolves.toBeLessThanOrEqual(2 * 10 + 5);
  });

  test.each(["2026-02-30", "2026-13-01", "yesterday", "2026-2-3", ""])("is everybody's if there is no such day as %j", async (day) => {
    await applyHourly("2026-02-01T00:00:00+01:00", 72);

    await expect(list({ day })).resolves.toMatchObject({ total: 72 });
  });
});

describe("the chart", () => {
  test.each([
    ["at noon", "2026-02-10T12:00:00+01:00", "2026-02-10"],
    ["at midnight in winter", "2026-02-10T00:00:00+01:00", "2026-02-10"],
    ["just before midnight in winter", "2026-02-09T23:59:59.999+01:00", "2026-02-09"],
    ["at midnight in summer", "2026-07-15T00:00:00+02:00", "2026-07-15"],
    ["just before midnight in summer", "2026-07-14T23:59:59.999+02:00", "2026-07-14"],
    ["half an hour after the day of 23 hours", "2026-03-30T00:30:00+02:00", "2026-03-30"],
    ["in the last half hour of a week with a day of 23 hours", "2026-04-05T23:30:00+02:00", "2026-04-05"],
    ["in the last half hour of the day of 25 hours", "2026-10-25T23:30:00+01:00", "2026-10-25"],
    ["half an hour after the day of 25 hours", "2026-10-26T00:30:00+01:00", "2026-10-26"],
    ["in the first minute of a year", "2027-01-01T00:01:00+01:00", "2027-01-01"],
    ["in the first hour of March in a leap year", "2028-03-01T00:30:00+01:00", "2028-03-01"],
  ])("shows fourteen days in a row up to today in Berlin: %s", async (_when, now, today) => {
    const counts = await countByDay(at(now));

    expect(counts).toEqual(daysUpTo(today).map((day) => ({ day, count: 0 })));
  });

  test.each([
    ["usual days", "2026-02-01", "2026-02-14T23:59:00+01:00", "2026-01-30T00:00:00+01:00", {}],
    ["the day of 23 hours", "2026-03-24", "2026-04-06T23:59:00+02:00", "2026-03-22T00:00:00+01:00", { "2026-03-29": 23 }],
    ["the day of 25 hours", "2026-10-14", "2026-10-27T23:59:00+01:00", "2026-10-12T00:00:00+02:00", { "2026-10-25": 25 }],
    ["the turn of the year", "2026-12-24", "2027-01-06T23:59:00+01:00", "2026-12-22T00:00:00+01:00", {}],
  ])("counts as many hourly applications as a day has hours, as the list does: %s", async (_what, first, now, start, odd) => {
    const hours: Record<string, number> = odd;
    await applyHourly(start, (at(now) - at(start)) / HOUR + 1);

    const counts = await countByDay(at(now));
    const totals = await Promise.all(counts.map(async ({ day }) => (await list({ day })).total));

    expect(counts).toHaveLength(14);
    expect(counts[0]?.day).toBe(first);
    expect(counts.map(({ count }) => count)).toEqual(counts.map(({ day }) => hours[day] ?? 24));
    expect(totals).toEqual(counts.map(({ count }) => count));
  });

  test("counts an application at midnight to the day that begins", async () => {
    await insertApplicant(db, { id: "sharp", appliedAt: at("2026-02-10T00:00:00+01:00") });
    await insertApplicant(db, { id: "before", appliedAt: at("2026-02-10T00:00:00+01:00") - 1 });
    await insertApplicant(db, { id: "oldest", appliedAt: at("2026-01-28T00:00:00+01:00") });
    await insertApplicant(db, { id: "too_old", appliedAt: at("2026-01-28T00:00:00+01:00") - 1 });

    const counts = await countByDay(at("2026-02-10T00:00:00+01:00"));

    expect(counts.filter(({ count }) => count > 0)).toEqual([
      { day: "2026-01-28", count: 1 },
      { day: "2026-02-09", count: 1 },
      { day: "2026-02-10", count: 1 },
    ]);
  });
});
