// @vitest-environment happy-dom
import { act, cleanup, fireEvent, type RenderResult, render, screen, within } from "@testing-library/react";
import { getServerSession } from "next-auth";
import { cloneElement, isValidElement, type ReactElement, type ReactNode } from "react";
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { deleteView, saveView } from "@/app/(admin)/applicants/actions";
import ApplicantsPage from "@/app/(admin)/applicants/page";
import { listSavedViews } from "@/lib/applicants/views";
import { createTestDatabase, insertApplicant, insertJob, insertUser } from "@/lib/db/testing";

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
  usePathname: () => window.location.pathname,
  useRouter: () => router,
  useSearchParams: () => new URLSearchParams(window.location.search),
}));

const router = { back() {}, forward() {}, prefetch() {}, push() {}, refresh() {}, replace() {} };

const ROBIN = "user_robin";
const UDO = "user_udo";

function signIn(id: string | null) {
  vi.mocked(getServerSession).mockResolvedValue(id ? { user: { id } } : null);
}

function form(values: Record<string, string>): FormData {
  const data = new FormData();
  for (const [name, value] of Object.entries(values)) data.set(name, value);
  return data;
}

async function saved(name: string, query: string): Promise<string> {
  const result = await saveView(null, form({ name, query }));
  if (!result.ok) throw new Error(`${name} was not saved: ${result.message}`);
  return result.data.id;
}

/** Does for async components what the server does before the browser gets the page. */
async function settled(node: ReactNode): Promise<ReactNode> {
  if (Array.isArray(node)) return Promise.all(node.map(settled));
  if (!isValidElement(node)) return node;
  const { type, props } = node as ReactElement<{ children?: ReactNode }>;
  if (typeof type === "function" && type.constructor.name === "AsyncFunction") {
    return settled(await (type as (own: typeof props) => Promise<ReactNode>)(props));
  }
  const { children } = props;
  if (children === undefined) return node;
  const inner = Array.isArray(children) ? await Promise.all(children.map(settled)) : [await settled(children)];
  return cloneElement(node, undefined, ...inner);
}

let shown: RenderResult | undefined;

/** Opened once more, the page goes on from what it shows, as with a link inside the application. */
async function open(query: string) {
  window.history.replaceState(null, "", `/applicants?${query}`);
  const searchParams = Promise.resolve(Object.fromEntries(new URLSearchParams(query)));
  const page = await settled(await ApplicantsPage({ searchParams }));
  await act(async () => {
    if (shown) shown.rerender(page);
    else shown = render(page);
  });
}

const field = () => screen.getByRole<HTMLInputElement>("textbox", { name: "View name" });
const views = () => screen.queryByRole("list", { name: "Saved views" });
const links = () => within(views()!).getAllByRole("link");
const target = (name: string) => within(views()!).getByRole("link", { name }).getAttribute("href");
const statuses = () => screen.queryAllByRole("status").map((status) => status.textContent).join("");
const press = (name: string) => act(async () => fireEvent.click(screen.getByRole("button", { name })));

/** Patient with a busy machine. */
const eventually = (check: () => unknown) => vi.waitFor(check, { timeout: 4000 });
const alert = () => screen.findByRole("alert", {}, { timeout: 4000 });

async function keepAs(name: string) {
  fireEvent.change(field(), { target: { value: name } });
  await press("Save view");
}

beforeEach(async () => {
  window.happyDOM.setURL("http://localhost/applicants");
  const db = await createTestDatabase();
  await insertJob(db);
  await insertApplicant(db, { stage: "offer" });
  await insertUser(db, { id: ROBIN });
  await insertUser(db, { id: UDO, email: "udo@example.com" });
  signIn(ROBIN);
});

afterEach(() => {
  cleanup();
  shown = undefined;
});

test("the page links the views of the user and of nobody else", async () => {
  signIn(UDO);
  await saved("Udo's", "stage=hired");
  signIn(ROBIN);
  await saved("Offers", "stage=offer&page=2");
  await saved("By name", "sort=name");
  await open("");

  expect(links()).toHaveLength(2);
  expect(target("Offers")).toBe("/applicants?stage=offer");
  expect(target("By name")).toBe("/applicants?sort=name");
  expect(screen.queryByText("Udo's")).toBeNull();
});

test("without a view there is the form alone", async () => {
  await open("");

  expect(views()).toBeNull();
  expect(field()).toBeTruthy();
});

test("the form keeps the filters that the page shows, and says so", async () => {
  await open("sort=name&stage=offer&page=1&utm_source=mail");
  const before = statuses();
  await keepAs("Offers");

  await eventually(() => expect(statuses()).not.toBe(before));
  expect(await listSavedViews(ROBIN)).toMatchObject([{ name: "Offers", href: "/applicants?stage=offer&sort=name" }]);
  expect(screen.queryByRole("alert")).toBeNull();
  expect(field().getAttribute("aria-invalid")).not.toBe("true");
});

test("the form keeps the filters of the page that came last", async () => {
  await open("stage=offer");
  await open("q=Mara&page=2");
  await keepAs("Mara");

  await eventually(async () => expect(await listSavedViews(ROBIN)).toMatchObject([{ href: "/applicants?q=Mara" }]));
});

test("what is wrong with a name is said at its field", async () => {
  await saved("Offers", "stage=offer");
  await open("stage=hired");
  await keepAs("OFFERS");

  await eventually(() => expect(field().getAttribute("aria-invalid")).toBe("true"));
  const described = (field().getAttribute("aria-describedby") ?? "").split(" ");
  expect(described.map((id) => document.getElementById(id)?.textContent).join("")).toMatch(/./);
  expect(await listSavedViews(ROBIN)).toMatchObject([{ href: "/applicants?stage=offer" }]);
});

test("another refusal to save is an alert", async () => {
  await open("stage=hired");
  expect(screen.queryByRole("alert")).toBeNull();
  signIn(null);
  await keepAs("Hired");

  expect((await alert()).textContent).toMatch(/./);
  expect(await listSavedViews(ROBIN)).toEqual([]);
});

test("a view is deleted by its button, and no other", async () => {
  await saved("Offers", "stage=offer");
  await saved("Hired", "stage=hired");
  await open("");
  await press("Delete Offers");

  await eventually(async () => expect(await listSavedViews(ROBIN)).toMatchObject([{ name: "Hired" }]));
  await open("");
  expect(links()).toHaveLength(1);
  expect(target("Hired")).toBe("/applicants?stage=hired");
  expect(screen.queryByRole("button", { name: "Delete Offers" })).toBeNull();
});

test("a view that is gone already is an alert", async () => {
  const id = await saved("Offers", "stage=offer");
  await saved("Hired", "stage=hired");
  await open("");
  expect(screen.queryByRole("alert")).toBeNull();
  await deleteView(null, form({ id }));
  await press("Delete Offers");

  expect((await alert()).textContent).toMatch(/./);
  expect(await listSavedViews(ROBIN)).toMatchObject([{ name: "Hired" }]);
});
