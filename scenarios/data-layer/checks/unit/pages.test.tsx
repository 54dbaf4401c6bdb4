// @vitest-environment happy-dom
import { cleanup, render, screen, within } from "@testing-library/react";
import { getServerSession } from "next-auth";
import type { ReactNode } from "react";
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import ApplicantPage from "@/app/(admin)/applicants/[id]/page";
import ApplicantsPage from "@/app/(admin)/applicants/page";
import OpeningsPage from "@/app/(admin)/openings/page";
import JobPage, { generateMetadata } from "@/app/(public)/jobs/[id]/page";
import JobsPage from "@/app/(public)/jobs/page";
import type { Database } from "@/lib/db/client";
import { jobs } from "@/lib/db/schema";
import { CLOSED, OPEN, openOffice } from "./office";
import { settle } from "./server-tree";
import { countStatements } from "./statements";

vi.mock("next-auth", () => ({ getServerSession: vi.fn() }));
vi.mock("next/cache", () => ({
  refresh: vi.fn(),
  revalidatePath: vi.fn(),
  revalidateTag: vi.fn(),
  unstable_cache: (read: unknown) => read,
  updateTag: vi.fn(),
}));
vi.mock("next/navigation", async (original) => ({
  ...(await original<object>()),
  usePathname: () => "/",
  useRouter: () => ({ prefetch: vi.fn(), push: vi.fn(), refresh: vi.fn(), replace: vi.fn() }),
  useSearchParams: () => new URLSearchParams(),
}));

const NOT_FOUND = "NEXT_HTTP_ERROR_FALLBACK;404";

const jobsPage = () => JobsPage();
const jobPage = (id: string) => JobPage({ params: Promise.resolve({ id }) });
const openingsPage = () => OpeningsPage();
const applicantsPage = (params = {}) => ApplicantsPage({ searchParams: Promise.resolve(params) });
const applicantPage = (id: string) => ApplicantPage({ params: Promise.resolve({ id }) });

let db: Database;

function signedInAs(id: string | null) {
  vi.mocked(getServerSession).mockResolvedValue(id ? { user: { id } } : null);
}

async function show(page: ReactNode | Promise<ReactNode>) {
  render(await settle(page));
}

const texts = (elements: HTMLElement[]) => elements.map(({ textContent }) => textContent);

beforeEach(async () => {
  db = await openOffice();
  signedInAs("ada");
});

afterEach(cleanup);

describe("the public jobs", () => {
  beforeEach(() => signedInAs(null));

  test("are the open ones, newest first, with department and place", async () => {
    await show(jobsPage());

    const links = screen.getAllByRole("link");
    expect(links.map((link) => link.getAttribute("href"))).toEqual(OPEN.map((id) => `/jobs/${id}`));
    expect(texts(links)[0]).toBe("Zoo KeeperEngineering · Berlin");
    expect(screen.getByRole("status").textContent).toBe("4 open positions");
  });

  test("can be none", async () => {
    await db.update(jobs).set({ status: "closed" });
    await show(jobsPage());

    expect(screen.queryByRole("link")).toBeNull();
    expect(screen.getByText("No open positions")).toBeTruthy();
  });

  test("have a page each, with its title", async () => {
    await show(jobPage("job_b"));

    expect(screen.getByRole("heading", { level: 1 }).textContent).toBe("Backend Engineer");
    expect(screen.getByText("Build the services behind our product.")).toBeTruthy();
    await expect(generateMetadata({ params: Promise.resolve({ id: "job_b" }) })).resolves.toEqual({ title: "Backend Engineer" });
  });

  test.each([...CLOSED, "job_nowhere"])("do not have a page for %s", async (id) => {
    await expect(jobPage(id)).rejects.toThrow(NOT_FOUND);
    await expect(generateMetadata({ params: Promise.resolve({ id }) })).resolves.toEqual({ title: undefined });
  });
});

describe("the openings", () => {
  test("are all jobs, open ones first, without counting who was rejected", async () => {
    await show(openingsPage());

    const items = within(screen.getByRole("list", { name: "Openings" })).getAllByRole("listitem");
    expect(texts(items)).toEqual([
      "Zoo Keeper1 applicant · since 4 Jan 1970Close",
      "Backend Engineer2 applicants · since 4 Jan 1970Close",
      "Designer0 applicants · since 3 Jan 1970Close",
      "iOS Developer0 applicants · since 2 Jan 1970Close",
      "Designer0 applicants · since 10 Jan 1970Closed",
      "Analyst0 applicants · since 5 Jan 1970Closed",
    ]);
  });

  test("are shown to administrators alone", async () => {
    signedInAs("robin");
    await expect(openingsPage()).rejects.toThrow(NOT_FOUND);
    signedInAs(null);
    await expect(openingsPage()).rejects.toThrow("NEXT_REDIRECT");
  });
});

describe("the list of applicants", () => {
  test("offers every position, by title", async () => {
    await show(applicantsPage({ job: "job_e" }));

    const position = screen.getByRole<HTMLSelectElement>("combobox", { name: "Position" });
    expect([...position.options].map(({ value, text }) => [value, text])).toEqual([
      ["", "All positions"],
      ["job_c", "Analyst"],
      ["job_b", "Backend Engineer"],
      ["job_d", "Designer"],
      ["job_e", "Designer"],
      ["job_a", "Zoo Keeper"],
      ["job_f", "iOS Developer"],
    ]);
    expect(position.value).toBe("job_e");
  });

  test("is for the signed-in", async () => {
    signedInAs(null);

    await expect(applicantsPage()).rejects.toThrow("NEXT_REDIRECT");
  });
});

describe("the page of an applicant", () => {
  test("shows application, résumé and notes, the newest first", async () => {
    signedInAs("robin");
    await show(applicantPage("mara"));

    expect(screen.getByRole("heading", { level: 1 }).textContent).toBe("Mara Lindqvist");
    expect(screen.getByText("Backend Engineer")).toBeTruthy();
    expect(screen.getByRole("link", { name: "Mara & Söhne.pdf (2 KB)" }).getAttribute("href")).toBe("/api/resumes/resume_mara");
    expect(screen.getByText("Ten years of SQL")).toBeTruthy();
    const items = within(screen.getByRole("list", { name: "Notes" })).getAllByRole("listitem");
    expect(texts(items)).toEqual([
      "Fourth noteRobin Okafor, 4 Jan 1970",
      "Second noteRobin Okafor, 3 Jan 1970",
      "Third noteRobin Okafor, 3 Jan 1970",
      "First noteAda Admin, 2 Jan 1970",
    ]);
    expect(screen.queryByRole("button", { name: "Remove applicant" })).toBeNull();
  });

  test("says that there is no résumé, and lets administrators remove", async () => {
    await show(applicantPage("udo"));

    expect(screen.getByText("None on file")).toBeTruthy();
    expect(screen.getByRole("button", { name: "Remove applicant" })).toBeTruthy();
  });

  test("exists for applicants who are there, and for the signed-in", async () => {
    await expect(applicantPage("nobody")).rejects.toThrow(NOT_FOUND);
    signedInAs(null);
    await expect(applicantPage("mara")).rejects.toThrow("NEXT_REDIRECT");
  });
});

// What they needed before; each but the public ones asks for the user, too.
test.each<[string, number, () => ReactNode | Promise<ReactNode>]>([
  ["the public jobs", 1, jobsPage],
  ["a public job", 1, () => jobPage("job_b")],
  ["the openings", 2, openingsPage],
  ["the list of applicants", 4, applicantsPage],
  ["the page of an applicant", 3, () => applicantPage("mara")],
])("%s take no more statements than before: %i", async (_what, statements, page) => {
  await expect(countStatements(db, async () => settle(page()))).resolves.toBeLessThanOrEqual(statements);
});
