import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { migrate } from "drizzle-orm/libsql/migrator";
import { getServerSession } from "next-auth";
import { revalidatePath } from "next/cache";
import { beforeEach, describe, expect, test, vi } from "vitest";
import { deleteView, saveView } from "@/app/(admin)/applicants/actions";
import { listSavedViews } from "@/lib/applicants/views";
import { openDatabase, setDatabase } from "@/lib/db/client";
import { createTestDatabase, insertUser } from "@/lib/db/testing";

vi.mock("next-auth", () => ({ getServerSession: vi.fn() }));
vi.mock("next/cache", () => ({
  refresh: vi.fn(),
  revalidatePath: vi.fn(),
  revalidateTag: vi.fn(),
  unstable_cache: (read: unknown) => read,
  updateTag: vi.fn(),
}));

const ROBIN = "user_robin";
const UDO = "user_udo";
const ADA = "user_ada";

function signIn(id: string | null) {
  vi.mocked(getServerSession).mockResolvedValue(id ? { user: { id } } : null);
}

function form(values: Record<string, string>): FormData {
  const data = new FormData();
  for (const [name, value] of Object.entries(values)) data.set(name, value);
  return data;
}

const save = (name: string, query = "stage=offer") => saveView(null, form({ name, query }));
const remove = (id: string) => deleteView(null, form({ id }));

async function saved(name: string, query?: string): Promise<string> {
  const result = await save(name, query);
  if (!result.ok) throw new Error(`${name} was not saved: ${result.message}`);
  return result.data.id;
}

const names = async (userId: string) => (await listSavedViews(userId)).map(({ name }) => name);

async function href(query: string) {
  const id = await saved("Mine", query);
  return (await listSavedViews(ROBIN)).find((view) => view.id === id)?.href;
}

beforeEach(async () => {
  vi.clearAllMocks();
  const db = await createTestDatabase();
  await insertUser(db, { id: ROBIN });
  await insertUser(db, { id: UDO, email: "udo@example.com" });
  await insertUser(db, { id: ADA, email: "ada@example.com", role: "admin" });
  signIn(ROBIN);
});

describe("a view", () => {
  test("is listed with id, name and link", async () => {
    const result = await save("Offers", "stage=offer&sort=name");

    expect(result).toEqual({ ok: true, data: { id: expect.any(String) } });
    expect(await listSavedViews(ROBIN)).toEqual([
      { id: (result as { data: { id: string } }).data.id, name: "Offers", href: "/applicants?stage=offer&sort=name" },
    ]);
  });

  test("comes by its name, whatever the case", async () => {
    for (const name of ["berlin", "Cologne", "Amsterdam", "dublin"]) await saved(name);

    expect(await names(ROBIN)).toEqual(["Amsterdam", "berlin", "Cologne", "dublin"]);
  });

  test("may have the filters of another one", async () => {
    await saved("Offers", "stage=offer");
    await saved("Almost there", "stage=offer");

    expect((await listSavedViews(ROBIN)).map((view) => view.href)).toEqual(Array(2).fill("/applicants?stage=offer"));
  });

  test("makes the list be rendered anew when it is saved", async () => {
    await saved("Offers");

    expect(vi.mocked(revalidatePath).mock.calls.map(([where]) => where)).toContain("/applicants");
  });

  test("makes the list be rendered anew when it is deleted", async () => {
    const id = await saved("Offers");
    vi.clearAllMocks();
    await remove(id);

    expect(vi.mocked(revalidatePath).mock.calls.map(([where]) => where)).toContain("/applicants");
  });
});

describe("of the filters are kept", () => {
  test.each([
    ["all that the list knows", "q=mara&stage=offer&job=job_1&sort=name&size=25", "?q=mara&stage=offer&job=job_1&sort=name&size=25"],
    ["the same in whatever order they come", "size=25&sort=name&job=job_1&stage=offer&q=mara", "?q=mara&stage=offer&job=job_1&sort=name&size=25"],
    ["neither page nor unknown parameters", "utm_source=mail&stage=offer&page=3&user=udo", "?stage=offer"],
    ["no values that are usual anyway", "q=&stage=hired&job=&sort=newest&size=10&page=1", "?stage=hired"],
    ["no values that make no sense", "stage=promoted&sort=salary&size=1000&job=job_1", "?job=job_1"],
    ["the first of repeated ones", "stage=offer&stage=hired", "?stage=offer"],
    ["texts, without the blanks around them", "q=%20100%20%25%20O%27Neil%20%26%20B%C3%BCro%20", "?q=100+%25+O%27Neil+%26+B%C3%BCro"],
    ["none if there is none", "", ""],
    ["none if only a page is given", "page=2", ""],
  ])("%s", async (_what, query, expected) => {
    expect(await href(query)).toBe(`/applicants${expected}`);
  });

  test("none if nothing is said of them", async () => {
    expect(await saveView(null, form({ name: "Everybody" }))).toMatchObject({ ok: true });
    expect(await listSavedViews(ROBIN)).toMatchObject([{ name: "Everybody", href: "/applicants" }]);
  });
});

describe("a name", () => {
  const refused = {
    ok: false,
    status: 422,
    message: expect.any(String),
    fieldErrors: { name: expect.stringMatching(/./) },
  };

  test("loses the blanks around it and nothing else", async () => {
    await saved("  Büro in Köln ");

    expect(await names(ROBIN)).toEqual(["Büro in Köln"]);
  });

  test.each([
    ["one character", "B"],
    ["60 characters", "b".repeat(60)],
    ["60 characters between blanks", ` ${"b".repeat(60)} `],
  ])("may have %s", async (_what, name) => {
    expect(await save(name)).toMatchObject({ ok: true });
    expect(await names(ROBIN)).toEqual([name.trim()]);
  });

  test.each([
    ["nothing", ""],
    ["blanks alone", "   "],
    ["61 characters", "b".repeat(61)],
  ])("is refused with %s", async (_what, name) => {
    expect(await save(name)).toEqual(refused);
    expect(await listSavedViews(ROBIN)).toEqual([]);
  });

  test("is refused if it is missing", async () => {
    expect(await saveView(null, form({ query: "stage=offer" }))).toEqual(refused);
    expect(await listSavedViews(ROBIN)).toEqual([]);
  });

  test.each([
    ["as it stands", "Büro"],
    ["in capitals", "BÜRO"],
    ["in small letters", "büro"],
    ["between blanks", " büro "],
  ])("is refused a second time, %s, and the first view stays as it is", async (_how, name) => {
    const id = await saved("Büro", "stage=offer");

    expect(await save(name, "stage=hired")).toEqual(refused);
    expect(await listSavedViews(ROBIN)).toEqual([{ id, name: "Büro", href: "/applicants?stage=offer" }]);
  });

  test("is kept once if two requests bring it at the same moment", async () => {
    const results = await Promise.all([save("Büro"), save("BÜRO")]);

    expect(results.map(({ ok }) => ok).toSorted()).toEqual([false, true]);
    expect(await listSavedViews(ROBIN)).toHaveLength(1);
  });

  test("is free for everybody else, and again after its view is gone", async () => {
    const id = await saved("Büro");
    signIn(UDO);
    expect(await save("Büro")).toMatchObject({ ok: true });

    signIn(ROBIN);
    await remove(id);
    expect(await save("büro")).toMatchObject({ ok: true });
  });
});

describe("twenty views", () => {
  beforeEach(async () => {
    for (let number = 1; number <= 20; number++) await saved(`View ${number}`);
  });

  test("are as many as one can have", async () => {
    expect(await save("One more")).toMatchObject({ ok: false, status: 409, message: expect.stringMatching(/./) });
    expect(await names(ROBIN)).toHaveLength(20);
    expect(await names(ROBIN)).not.toContain("One more");
  });

  test("leave room for another one when one is deleted", async () => {
    const [first] = await listSavedViews(ROBIN);
    await remove(first?.id ?? "");

    expect(await save("One more")).toMatchObject({ ok: true });
  });

  test("do not count for anybody else", async () => {
    signIn(UDO);

    expect(await save("One more")).toMatchObject({ ok: true });
  });
});

describe("views of others", () => {
  test("are not listed", async () => {
    await saved("Offers");
    signIn(UDO);
    await saved("Hired");

    expect(await names(ROBIN)).toEqual(["Offers"]);
    expect(await names(UDO)).toEqual(["Hired"]);
    expect(await names(ADA)).toEqual([]);
  });

  test.each([
    ["a colleague", UDO],
    ["an administrator", ADA],
  ])("do not exist for %s who would delete one", async (_who, user) => {
    const id = await saved("Offers");
    signIn(user);
    const unknown = await remove("view_unknown");

    expect(unknown).toMatchObject({ ok: false, status: 404 });
    expect(await remove(id)).toEqual(unknown);
    expect(await names(ROBIN)).toEqual(["Offers"]);
  });

  test("are not made by naming their owner", async () => {
    const result = await saveView(null, form({ name: "Offers", query: "", userId: UDO, user: UDO, ownerId: UDO }));

    expect(result).toMatchObject({ ok: true });
    expect(await names(ROBIN)).toEqual(["Offers"]);
    expect(await names(UDO)).toEqual([]);
  });
});

describe("deleting", () => {
  test("takes one view and leaves the others", async () => {
    const id = await saved("Offers");
    await saved("Hired");

    expect(await remove(id)).toEqual({ ok: true, data: undefined });
    expect(await names(ROBIN)).toEqual(["Hired"]);
  });

  test("what is gone already is told apart from success", async () => {
    const id = await saved("Offers");
    await remove(id);

    expect(await remove(id)).toMatchObject({ ok: false, status: 404 });
  });

  test("needs an id", async () => {
    await saved("Offers");

    expect(await deleteView(null, form({}))).toMatchObject({ ok: false });
    expect(await names(ROBIN)).toEqual(["Offers"]);
  });
});

test.each([
  ["a visitor", null],
  ["a session without an account", "user_gone"],
])("%s neither saves nor deletes", async (_who, user) => {
  const id = await saved("Offers");
  signIn(user);

  expect(await save("Hired")).toMatchObject({ ok: false, status: 401 });
  expect(await remove(id)).toMatchObject({ ok: false, status: 401 });
  expect(await names(ROBIN)).toEqual(["Offers"]);
});

/** What the first two migrations said, as far as users go. */
const OLD_USERS = `CREATE TABLE users (
  id text PRIMARY KEY NOT NULL,
  email text NOT NULL,
  name text NOT NULL,
  password_hash text NOT NULL,
  role text NOT NULL
)`;
const OLD_MIGRATIONS = {
  "0000_init": { when: 1767225600000, sql: OLD_USERS },
  "0001_search_and_sign_up": {
    when: 1772323200000,
    sql: "ALTER TABLE users ADD department text;\n--> statement-breakpoint\nALTER TABLE users ADD agency text;",
  },
};

test("a database that is in use gets what it lacks, and keeps what it has", async () => {
  const folder = await mkdtemp(path.join(tmpdir(), "migrations-"));
  await mkdir(path.join(folder, "meta"));
  const entries = Object.entries(OLD_MIGRATIONS).map(([tag, { when }], idx) => ({ idx, version: "6", when, tag, breakpoints: true }));
  await writeFile(path.join(folder, "meta/_journal.json"), JSON.stringify({ version: "7", dialect: "sqlite", entries }));
  for (const [tag, { sql }] of Object.entries(OLD_MIGRATIONS)) await writeFile(path.join(folder, `${tag}.sql`), sql);

  const db = openDatabase(":memory:");
  await migrate(db, { migrationsFolder: folder });
  await rm(folder, { recursive: true });
  await insertUser(db, { id: ROBIN });
  await migrate(db, { migrationsFolder: "migrations" });
  setDatabase(db);

  expect(await save("Offers")).toMatchObject({ ok: true });
  expect(await names(ROBIN)).toEqual(["Offers"]);
});
