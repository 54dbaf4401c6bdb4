import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { signUp } from "@/app/(auth)/signup/actions";
import { passwordMatches } from "@/lib/auth/password";
import { type Database, openDatabase, setDatabase } from "@/lib/db/client";
import { users } from "@/lib/db/schema";
import { createTestDatabase, insertUser } from "@/lib/db/testing";
import { findUserByEmail } from "@/lib/users/queries";
import { migrate } from "drizzle-orm/libsql/migrator";
import { beforeEach, describe, expect, onTestFinished, test, vi } from "vitest";

vi.hoisted(() => {
  process.env.INVITATION_CODE = "open-sesame";
});

const PASSWORD = "correct horse";

const account = {
  name: "Dana Reyes",
  email: "dana@example.com",
  password: PASSWORD,
  repeated: PASSWORD,
  invitation: "open-sesame",
};
const inHouse = { ...account, role: "recruiter", department: "People" };
const agency = { ...account, role: "agency", agency: "Northwind Talent" };

let db: Database;

beforeEach(async () => {
  db = await createTestDatabase();
});

/** A database in memory has one connection only, on which two transactions cannot meet. */
async function useDatabaseFile() {
  const folder = await mkdtemp(path.join(tmpdir(), "nextjs-ats-signup-"));
  db = openDatabase(`file:${folder}/ats.db`);
  await migrate(db, { migrationsFolder: "migrations" });
  setDatabase(db);
  onTestFinished(() => rm(folder, { recursive: true, force: true }));
}

function form(values: Record<string, string>): FormData {
  const data = new FormData();
  for (const [name, value] of Object.entries(values)) data.set(name, value);
  return data;
}

async function expectRefusal(values: Record<string, string>, ...fields: string[]) {
  const before = await db.$count(users);
  const result = await signUp(null, form(values));

  expect(result.ok).toBe(false);
  if (result.ok) return;
  for (const field of fields) expect(result.fieldErrors, field).toHaveProperty(field, expect.stringMatching(/\S/));
  expect(await db.$count(users)).toBe(before);
}

async function expectAccount(values: Record<string, string>, stored: object) {
  expect(await signUp(null, form(values))).toMatchObject({ ok: true });
  const [user, ...others] = await db.select().from(users);
  expect(others).toEqual([]);
  expect(user).toMatchObject(stored);
}

describe("an account is made", () => {
  test("for an in-house recruiter", async () => {
    await expectAccount(inHouse, { name: "Dana Reyes", role: "recruiter", department: "People", agency: null });
  });

  test("for an agency recruiter", async () => {
    await expectAccount(agency, { name: "Dana Reyes", role: "recruiter", department: null, agency: "Northwind Talent" });
  });

  test.each([
    ["an invalid department at an agency", { ...agency, department: "?" }, { department: null }],
    ["a department at an agency", { ...agency, department: "People" }, { department: null }],
    ["an invalid agency in the house", { ...inHouse, agency: "?".repeat(101) }, { agency: null }],
    ["an agency in the house", { ...inHouse, agency: "Northwind Talent" }, { agency: null }],
  ])("and %s is ignored", async (_what, values, stored) => {
    await expectAccount(values, { role: "recruiter", ...stored });
  });

  test("with a password of ten characters and the shortest and longest names", async () => {
    const password = "0123456789";
    const department = "D".repeat(100);
    await expectAccount({ ...inHouse, name: "Bo", department, password, repeated: password }, { name: "Bo", department });
  });

  test("without the spaces around what was typed", async () => {
    const spacious = { ...agency, name: " Dana Reyes ", email: " dana@example.com ", agency: " Northwind Talent " };
    await expectAccount(spacious, { name: "Dana Reyes", email: "dana@example.com", agency: "Northwind Talent" });
  });

  test("that signs in with any capitals in the address", async () => {
    await expectAccount({ ...inHouse, email: "Dana@Example.COM" }, { name: "Dana Reyes" });

    const user = await findUserByEmail("dana@EXAMPLE.com");
    expect(await passwordMatches(PASSWORD, user?.passwordHash ?? "")).toBe(true);
  });

  test("that signs in with the password as it was typed, spaces included", async () => {
    const password = "  spaces count  ";
    await expectAccount({ ...inHouse, password, repeated: password }, { name: "Dana Reyes" });

    const user = await findUserByEmail("dana@example.com");
    expect(await passwordMatches(password, user?.passwordHash ?? "")).toBe(true);
  });
});

describe("at its field is refused", () => {
  test.each([
    ["name", "empty", ""],
    ["name", "one letter and spaces", " x "],
    ["name", "101 characters", "x".repeat(101)],
    ["email", "empty", ""],
    ["email", "no domain", "dana"],
    ["email", "an empty domain", "dana@"],
    ["email", "nobody", "@example.com"],
    ["email", "a space", "dana reyes@example.com"],
    ["password", "nine characters", "123456789"],
    ["repeated", "empty", ""],
    ["repeated", "a capital", "correct Horse"],
    ["repeated", "a space more", ` ${PASSWORD}`],
    ["role", "empty", ""],
    ["role", "admin", "admin"],
    ["department", "spaces", "   "],
    ["department", "one letter", "x"],
    ["invitation", "empty", ""],
    ["invitation", "another code", "open-sesame-2"],
  ])("%s: %s", async (field, _what, value) => {
    const repeated = field === "password" ? value : PASSWORD;
    await expectRefusal({ ...inHouse, repeated, [field]: value }, field);
  });

  test.each([
    ["empty", ""],
    ["one letter", "x"],
    ["101 characters", "x".repeat(101)],
  ])("agency: %s", async (_what, value) => {
    await expectRefusal({ ...agency, agency: value }, "agency");
  });

  test.each(["name", "email", "password", "repeated", "role", "department", "invitation"])(
    "a form without %s",
    async (missing) => {
      const rest = Object.entries(inHouse).filter(([name]) => name !== missing);
      await expectRefusal(Object.fromEntries(rest), missing);
    },
  );

  test("an agency recruiter who only names a department", async () => {
    await expectRefusal({ ...agency, agency: "", department: "People" }, "agency");
  });

  test("everything that is wrong at the same time", async () => {
    const wrong = { name: "", email: "dana", password: "short", repeated: "short", invitation: "" };
    await expectRefusal({ ...inHouse, ...wrong, department: "" }, "name", "email", "password", "department", "invitation");
  });

  test.each(["robin@example.com", "Robin@Example.COM", " robin@example.com "])("the taken address %j", async (email) => {
    await insertUser(db, { email: "robin@example.com" });
    await expectRefusal({ ...inHouse, email }, "email");
  });

  test("the address of somebody who has just signed up in capitals", async () => {
    expect(await signUp(null, form({ ...agency, email: "DANA@example.com" }))).toMatchObject({ ok: true });
    await expectRefusal(agency, "email");
  });

  test("one of two sign-ups with the same address at the same moment", async () => {
    await useDatabaseFile();
    const results = await Promise.all([signUp(null, form(inHouse)), signUp(null, form(agency))]);

    const refused = results.filter(({ ok }) => !ok);
    expect(refused).toEqual([
      expect.objectContaining({ fieldErrors: expect.objectContaining({ email: expect.stringMatching(/\S/) }) }),
    ]);
    expect(await db.$count(users)).toBe(1);
  });
});

async function answerToGuess(email: string): Promise<string> {
  const result = await signUp(null, form({ ...inHouse, email, invitation: "guess" }));
  return JSON.stringify(result).replaceAll(email, "");
}

describe("the answer", () => {
  test("is the same for free and taken addresses as long as the code is wrong", async () => {
    await insertUser(db, { email: "robin@example.com" });

    expect(await answerToGuess("robin@example.com")).toBe(await answerToGuess("dana@example.com"));
  });

  test.each([
    ["success", {}],
    ["a refused field", { name: "" }],
    ["two passwords that differ", { repeated: `${PASSWORD}!` }],
    ["a wrong code", { invitation: "guess" }],
    ["a taken address", { email: "robin@example.com" }],
  ])("holds no password after %s", async (_what, values) => {
    await insertUser(db, { email: "robin@example.com" });
    const answer = JSON.stringify(await signUp(null, form({ ...inHouse, ...values })));
    const hashes = (await db.select().from(users)).map(({ passwordHash }) => passwordHash);

    expect(answer).not.toContain(PASSWORD);
    for (const hash of hashes.filter(Boolean)) expect(answer).not.toContain(hash);
  });
});
