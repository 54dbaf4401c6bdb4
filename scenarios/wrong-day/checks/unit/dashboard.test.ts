import { Window } from "happy-dom";
import { getServerSession } from "next-auth";
import { renderToStaticMarkup } from "react-dom/server";
import { getByRole, getByText, within } from "@testing-library/dom";
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import DashboardPage from "@/app/(admin)/dashboard/page";
import { parseFilters } from "@/lib/applicants/filters";
import { listApplicants } from "@/lib/applicants/queries";
import { createTestDatabase, insertApplicant, insertJob, insertUser } from "@/lib/db/testing";

vi.mock("next-auth", () => ({ getServerSession: vi.fn() }));
vi.mock("next/cache", () => ({ unstable_cache: (read: unknown) => read, updateTag: vi.fn() }));

beforeEach(async () => {
  const db = await createTestDatabase();
  await insertJob(db);
  const user = await insertUser(db);
  vi.mocked(getServerSession).mockResolvedValue({ user });
  await insertApplicant(db, { id: "applicant_saturday", appliedAt: Date.parse("2026-03-28T23:59:00+01:00") });
  await insertApplicant(db, { id: "applicant_sunday", appliedAt: Date.parse("2026-03-29T00:01:00+01:00") });
  await insertApplicant(db, { id: "applicant_evening", appliedAt: Date.parse("2026-03-29T23:59:00+02:00") });
  await insertApplicant(db, { id: "applicant_monday", name: "Udo Lind", appliedAt: Date.parse("2026-03-30T00:05:00+02:00") });
  vi.useFakeTimers({ toFake: ["Date"], now: Date.parse("2026-03-30T00:10:00+02:00") });
});

afterEach(() => vi.useRealTimers());

async function open(): Promise<HTMLElement> {
  const { document } = new Window();
  document.body.innerHTML = renderToStaticMarkup(await DashboardPage());
  return document.body as unknown as HTMLElement;
}

test("the chart ends with today, and every day leads to as many people as it shows", async () => {
  const items = within(getByRole(await open(), "list", { name: "Applications per day" })).getAllByRole("listitem");

  const days = items.map((item) => {
    const link = within(item).getByRole("link");
    const day = new URL(link.getAttribute("href") ?? "", "http://localhost").searchParams.get("day") ?? "";
    return { day, label: link.textContent?.trim(), count: item.textContent?.replace(link.textContent ?? "", "").trim() };
  });
  expect(days).toHaveLength(14);
  expect(days[0]).toEqual({ day: "2026-03-17", label: "17 Mar", count: "0" });
  expect(days.slice(-3)).toEqual([
    { day: "2026-03-28", label: "28 Mar", count: "1" },
    { day: "2026-03-29", label: "29 Mar", count: "2" },
    { day: "2026-03-30", label: "30 Mar", count: "1" },
  ]);
  const totals = await Promise.all(days.map(async ({ day }) => (await listApplicants(parseFilters({ day }))).total));
  expect(totals.map(String)).toEqual(days.map(({ count }) => count));
});

test("the latest applicants are dated by the same days", async () => {
  const latest = within(getByRole(await open(), "list", { name: "Latest applicants" }));

  const item = latest.getAllByRole("listitem").find((each) => within(each).queryByText("Udo Lind"));
  expect(item && getByText(item, /30 Mar 2026/)).toBeTruthy();
});
