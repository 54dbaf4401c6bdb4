import { cp, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { sql } from "drizzle-orm";
import { migrate } from "drizzle-orm/libsql/migrator";
import { beforeEach, describe, expect, onTestFinished, test } from "vitest";
import { hashPassword } from "@/lib/auth/password";
import { openDatabase, setDatabase } from "@/lib/db/client";
import { seed } from "@/lib/db/seed";
import { createTestDatabase, insertUser } from "@/lib/db/testing";
import { signIn } from "./sign-in";

const PASSWORD = "correct horse";

beforeEach(async () => {
  await createTestDatabase();
});

/** The migrations that there were before. */
async function earlierMigrations(): Promise<string> {
  const folder = await mkdtemp(path.join(tmpdir(), "nextjs-ats-migrations-"));
  onTestFinished(() => rm(folder, { recursive: true, force: true }));
  await cp("migrations", folder, { recursive: true });
  const journal = path.join(folder, "meta/_journal.json");
  const { entries, ...rest } = JSON.parse(await readFile(journal, "utf8"));
  await writeFile(journal, JSON.stringify({ ...rest, entries: entries.slice(0, 2) }));
  return folder;
}

describe("nobody is locked out", () => {
  test("whose account was there before the migration", async () => {
    const db = openDatabase(":memory:");
    setDatabase(db);
    await migrate(db, { migrationsFolder: await earlierMigrations() });
    await db.run(sql`insert into users (id, email, name, password_hash, role)
      values ('user_old', 'old@example.com', 'Olga', ${hashPassword(PASSWORD)}, 'recruiter')`);

    await migrate(db, { migrationsFolder: "migrations" });

    expect(await signIn("old@example.com", PASSWORD)).toMatchObject({ signedIn: true });
  });

  test("whom an administrator adds by hand", async () => {
    await insertUser(await createTestDatabase(), { passwordHash: hashPassword(PASSWORD) });

    expect(await signIn("robin@example.com", PASSWORD)).toMatchObject({ signedIn: true });
  });

  test.each([
    ["recruiter@example.com", "recruiter-demo"],
    ["admin@example.com", "admin-demo"],
  ])("of the demo data: %s", async (email, password) => {
    await seed(await createTestDatabase());

    expect(await signIn(email, password)).toMatchObject({ signedIn: true });
  });
});

test("a wrong password and an unknown address are refused", async () => {
  await insertUser(await createTestDatabase(), { passwordHash: hashPassword(PASSWORD) });

  expect(await signIn("robin@example.com", "guess")).toMatchObject({ signedIn: false });
  expect(await signIn("nobody@example.com", PASSWORD)).toMatchObject({ signedIn: false });
});

test("the table of users has the columns that it had", async () => {
  const db = await createTestDatabase();

  const columns = await db.all<{ name: string }>(sql`select name from pragma_table_info('users') order by name`);

  expect(columns.map(({ name }) => name)).toEqual(["agency", "department", "email", "id", "name", "password_hash", "role"]);
});
