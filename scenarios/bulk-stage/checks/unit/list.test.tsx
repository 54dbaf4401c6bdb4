// @vitest-environment happy-dom
import { cleanup, configure, render, screen, waitFor, within } from "@testing-library/react";
import userEvent from "@testing-library/user-event";
import { getServerSession } from "next-auth";
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import ApplicantsPage from "@/app/(admin)/applicants/page";
import type { Database } from "@/lib/db/client";
import { applicants, STAGES } from "@/lib/db/schema";
import { createTestDatabase, insertApplicant, insertJob, insertUser } from "@/lib/db/testing";
import { settle } from "./server-tree";

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
  usePathname: () => "/applicants",
  useRouter: () => ({ prefetch: vi.fn(), push: vi.fn(), refresh: vi.fn(), replace: vi.fn() }),
  useSearchParams: () => new URLSearchParams(),
}));

// happy-dom lacks it; by it a browser knows to which option a form is reset.
Object.defineProperty(HTMLOptionElement.prototype, "defaultSelected", {
  configurable: true,
  get(this: HTMLOptionElement) {
    return this.hasAttribute("selected");
  },
  set(this: HTMLOptionElement, selected: boolean) {
    this.toggleAttribute("selected", selected);
  },
});

configure({ asyncUtilTimeout: 5000 });

const user = userEvent.setup({ delay: null });
const session = { user: { id: "recruiter" } };

let db: Database;
let show: (params?: Record<string, string>) => Promise<void>;

beforeEach(async () => {
  db = await createTestDatabase();
  await insertJob(db);
  await insertApplicant(db, { id: "mara", name: "Mara Lindqvist" });
  await insertApplicant(db, { id: "udo", name: "Udo Lind", stage: "screening" });
  await insertApplicant(db, { id: "zoe", name: "Zoe Ball", stage: "offer" });
  await insertUser(db, { id: "recruiter" });
  vi.mocked(getServerSession).mockReset().mockResolvedValue(session);

  let rerender: ((tree: React.ReactNode) => void) | undefined;
  show = async (params = {}) => {
    const tree = await settle(ApplicantsPage({ searchParams: Promise.resolve(params) }));
    if (rerender) rerender(tree);
    else ({ rerender } = render(tree));
  };
});

afterEach(cleanup);

const box = (name: string) => screen.getByRole<HTMLInputElement>("checkbox", { name: `Choose ${name}` });
const target = () => screen.getByRole<HTMLSelectElement>("combobox", { name: "Move to" });
/** The button, once there is nothing to wait for. */
const button = () => screen.findByRole<HTMLButtonElement>("button", { name: "Move chosen" });
const said = (role: "status" | "alert") => screen.queryAllByRole(role).map(({ textContent }) => textContent);

async function choose(...names: string[]) {
  for (const name of names) await user.click(box(name));
}

async function moveTo(stage: string) {
  await user.selectOptions(target(), stage);
  await user.click(await button());
}

async function stages() {
  const rows = await db.select().from(applicants);
  return Object.fromEntries(rows.map(({ id, stage }) => [id, stage]));
}

test("everybody in the list can be chosen, and nobody is", async () => {
  await show();

  expect([box("Mara Lindqvist"), box("Udo Lind"), box("Zoe Ball")].map(({ checked }) => checked)).toEqual([false, false, false]);
});

test("they can be moved to each of our stages", async () => {
  await show();

  const offered = within(target()).getAllByRole<HTMLOptionElement>("option").map(({ value }) => value);
  expect(offered.filter((value) => value !== "")).toEqual([...STAGES]);
});

test("the filters keep their labels", async () => {
  await show({ stage: "offer" });

  const filters = screen.getByRole<HTMLFormElement>("search", { name: "Applicants" });
  const stage = within(filters).getByRole<HTMLSelectElement>("combobox", { name: "Stage" });
  expect(stage.value).toBe("offer");
  expect(new FormData(filters).getAll("stage")).toEqual(["offer"]);
  expect(within(filters).getByRole("button", { name: "Filter" })).toBeTruthy();
  expect(screen.getByText("1–1 of 1 applicant").getAttribute("role")).toBe("status");
});

describe("who was chosen is moved", () => {
  test("and what happened is said with numbers", async () => {
    await show();
    await choose("Mara Lindqvist", "Udo Lind", "Zoe Ball");

    await moveTo("offer");

    await waitFor(() => expect(said("status")).toContain("2 moved, 1 already there"));
    expect(await stages()).toEqual({ mara: "offer", udo: "offer", zoe: "offer" });
  });

  test("unless they have been removed meanwhile, which is said, too", async () => {
    await show();
    await choose("Mara Lindqvist", "Zoe Ball");
    await db.delete(applicants);
    await insertApplicant(db, { id: "zoe", name: "Zoe Ball" });

    await moveTo("hired");

    await waitFor(() => expect(said("status")).toContain("1 moved, 1 not found"));
  });

  test("nobody else is, and nobody is chosen any more", async () => {
    await show();
    await choose("Mara Lindqvist", "Zoe Ball", "Zoe Ball");

    await moveTo("interview");

    await waitFor(() => expect(said("status")).toContain("1 moved"));
    expect(await stages()).toEqual({ mara: "interview", udo: "screening", zoe: "offer" });
    await waitFor(() => expect(box("Mara Lindqvist").checked).toBe(false));
  });

  test("which is still said when nobody is left in the list", async () => {
    await show({ stage: "applied" });
    await choose("Mara Lindqvist");
    await moveTo("rejected");
    await waitFor(() => expect(said("status")).toContain("1 moved"));

    await show({ stage: "applied" });

    expect(screen.queryByRole("checkbox", { name: "Choose Mara Lindqvist" })).toBeNull();
    expect(said("status")).toContain("1 moved");
  });

  test("if they are on the page", async () => {
    await show({ stage: "applied" });
    await choose("Mara Lindqvist");
    await show({ stage: "screening" });
    await choose("Udo Lind");

    await moveTo("hired");

    await waitFor(() => expect(said("status")).toContain("1 moved"));
    expect(await stages()).toEqual({ mara: "applied", udo: "hired", zoe: "offer" });
  });
});

test("until the answer is there the button is busy", async () => {
  await show();
  await choose("Mara Lindqvist");
  const waiting = Promise.withResolvers<typeof session>();
  vi.mocked(getServerSession).mockReturnValue(waiting.promise);

  await moveTo("offer");

  const busy = await screen.findByRole<HTMLButtonElement>("button", { name: "Moving…" });
  expect(busy.disabled).toBe(true);
  waiting.resolve(session);
  await waitFor(() => expect(said("status")).toContain("1 moved"));
  expect((await button()).disabled).toBe(false);
});

describe("a refusal is an alert", () => {
  test("with the message of the field", async () => {
    await show();

    await moveTo("offer");

    await waitFor(() => expect(said("alert")).toContain("Please choose at least one applicant."));
  });

  test("with the general message if no field has any, and leaves the choice as it was", async () => {
    await show();
    await choose("Mara Lindqvist", "Udo Lind");
    vi.mocked(getServerSession).mockResolvedValue(null);

    await moveTo("hired");

    await waitFor(() => expect(said("alert")).toContain("Please sign in again."));
    await button();
    expect([box("Mara Lindqvist"), box("Udo Lind"), box("Zoe Ball")].map(({ checked }) => checked)).toEqual([true, true, false]);
    expect(target().value).toBe("hired");
  });

  test("that goes with the next move", async () => {
    await show();
    await moveTo("hired");
    await waitFor(() => expect(said("alert")).not.toEqual([]));
    await choose("Mara Lindqvist");

    await moveTo("hired");

    await waitFor(() => expect(said("status")).toContain("1 moved"));
    expect(said("alert")).toEqual([]);
  });
});
