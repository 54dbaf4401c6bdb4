import { readdir, readFile, rm, writeFile } from "node:fs/promises";
import path from "node:path";
import { eq, sql } from "drizzle-orm";
import { afterAll, afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { signUp } from "@/app/(auth)/signup/actions";
import { resendVerification, verifyEmail } from "@/app/(auth)/verify/actions";
import { hashPassword } from "@/lib/auth/password";
import type { Database } from "@/lib/db/client";
import { users } from "@/lib/db/schema";
import { createTestDatabase, insertUser } from "@/lib/db/testing";
import { signIn } from "./sign-in";

const { MAIL_DIR, SITE, ids } = vi.hoisted(() => {
  const MAIL_DIR = `/tmp/nextjs-ats-mails-${crypto.randomUUID()}/outgoing`;
  const SITE = "https://careers.example.com";
  Object.assign(process.env, { MAIL_DIR, NEXTAUTH_URL: SITE, INVITATION_CODE: "open-sesame" });
  return { MAIL_DIR, SITE, ids: { user: "" } };
});

vi.mock("next/headers", () => ({
  headers: async () => new Headers({ host: "evil.example.net", "x-forwarded-host": "evil.example.net", origin: "https://evil.example.net" }),
  cookies: async () => ({ get: () => undefined, getAll: () => [] }),
}));

vi.mock("@/lib/ids", async (original) => {
  const real = await original<typeof import("@/lib/ids")>();
  return { ...real, createId: (prefix: string) => (prefix === "user" && ids.user) || real.createId(prefix) };
});

interface Mail {
  to: string;
  subject: string;
  text: string;
}

const SECOND = 1000;
const HOUR = 3600 * SECOND;
const NOW = Date.UTC(2026, 9, 5, 12);
const PASSWORD = "correct horse";
const LINK = /(\S+)\/verify\?token=([\w-]+)(?=\s|$)/;

let db: Database;

beforeEach(async () => {
  vi.useFakeTimers({ now: NOW, toFake: ["Date", "performance"] });
  ids.user = "";
  await rm(path.dirname(MAIL_DIR), { recursive: true, force: true });
  db = await createTestDatabase();
});

afterEach(() => {
  vi.restoreAllMocks();
  vi.useRealTimers();
});

afterAll(() => rm(path.dirname(MAIL_DIR), { recursive: true, force: true }));

function form(values: Record<string, string>): FormData {
  const data = new FormData();
  for (const [name, value] of Object.entries(values)) data.set(name, value);
  return data;
}

async function mailFiles(): Promise<string[]> {
  return (await readdir(MAIL_DIR).catch(() => [])).filter((name) => name.endsWith(".json"));
}

/** The mails that something leads to. */
async function mailsOf(run: () => Promise<unknown>): Promise<Mail[]> {
  const before = await mailFiles();
  await run();
  const added = (await mailFiles()).filter((name) => !before.includes(name));
  return Promise.all(added.map(async (name) => JSON.parse(await readFile(path.join(MAIL_DIR, name), "utf8"))));
}

async function onlyMailOf(run: () => Promise<unknown>): Promise<Mail> {
  const [mail, ...others] = await mailsOf(run);
  expect(others).toEqual([]);
  expect(mail).toBeDefined();
  return mail!;
}

function tokenIn({ text }: Mail): string {
  const [, , token = ""] = LINK.exec(text) ?? [];
  expect(token, text).not.toBe("");
  return token;
}

const register = (email: string, values: Record<string, string> = {}) =>
  signUp(
    null,
    form({
      name: "Dana Reyes",
      email,
      password: PASSWORD,
      repeated: PASSWORD,
      role: "recruiter",
      department: "People",
      invitation: "open-sesame",
      ...values,
    }),
  );

async function registered(email: string): Promise<string> {
  return tokenIn(
    await onlyMailOf(async () => {
      expect(await register(email)).toEqual({ ok: true, data: undefined });
    }),
  );
}

const confirm = (token: string) => verifyEmail(null, form({ token }));
const askAgain = (email: string) => resendVerification(null, form({ email }));
const renewed = async (email: string) => tokenIn(await onlyMailOf(() => askAgain(email)));
const mayEnter = async (email: string) => (await signIn(email, PASSWORD)).signedIn;
const later = (milliseconds: number) => vi.setSystemTime(Date.now() + milliseconds);

/** No mail can be written any more: a file stands where the folder should be. */
async function breakMails() {
  await rm(path.dirname(MAIL_DIR), { recursive: true, force: true });
  await writeFile(path.dirname(MAIL_DIR), "");
}

describe("signing up", () => {
  test("sends one mail with a link to the new address", async () => {
    const mail = await onlyMailOf(() => register("dana@example.com"));

    expect(mail).toMatchObject({ to: "dana@example.com", subject: expect.stringMatching(/\S/) });
    expect(tokenIn(mail)).not.toBe("");
  });

  test.each([
    ["a department", { department: "Design" }, { department: "Design", agency: null }],
    ["an agency", { role: "agency", agency: "Northwind Talent" }, { department: null, agency: "Northwind Talent" }],
  ])("keeps what the form says of %s", async (_of, values, kept) => {
    expect(await register("dana@example.com", values)).toEqual({ ok: true, data: undefined });

    expect(await db.select().from(users)).toMatchObject([{ name: "Dana Reyes", email: "dana@example.com", ...kept }]);
  });

  test("sends a link to our own site, whatever host the request names", async () => {
    const { text } = await onlyMailOf(() => register("dana@example.com"));

    expect(LINK.exec(text)?.[1]).toBe(SITE);
    expect(text).not.toContain("evil");
  });

  test("sends nothing when it is refused", async () => {
    await insertUser(db, { email: "robin@example.com" });

    expect(await mailsOf(() => register("robin@example.com"))).toEqual([]);
    expect(await mailsOf(() => register("dana@example.com", { invitation: "guess" }))).toEqual([]);
    expect(await mailsOf(() => register("dana@example.com", { name: "" }))).toEqual([]);
  });

  test("with an address that waits for confirmation is refused and leaves its token alone", async () => {
    const token = await registered("dana@example.com");

    expect(await register("Dana@Example.com", { password: "another one", repeated: "another one" })).toMatchObject({
      ok: false,
      fieldErrors: { email: expect.stringMatching(/\S/) },
    });

    expect(await confirm(token)).toMatchObject({ ok: true });
    expect(await mayEnter("dana@example.com")).toBe(true);
  });

  test("and asking for more mails within one millisecond leads to as many mails", async () => {
    const mails = await mailsOf(async () => {
      await register("dana@example.com");
      await askAgain("dana@example.com");
      await askAgain("dana@example.com");
      await register("udo@example.com");
    });

    expect(mails.map(({ to }) => to).toSorted()).toEqual([...Array(3).fill("dana@example.com"), "udo@example.com"]);
  });

  test("succeeds without a mail, which is logged and can be asked for again", async () => {
    const log = vi.spyOn(console, "error").mockImplementation(() => {});
    await breakMails();

    expect(await register("dana@example.com")).toEqual({ ok: true, data: undefined });
    expect(log).toHaveBeenCalled();
    expect(await mayEnter("dana@example.com")).toBe(false);

    await rm(path.dirname(MAIL_DIR));
    expect(await confirm(await renewed("dana@example.com"))).toMatchObject({ ok: true });
  });

  test("lets nobody in whose token could not be kept", async () => {
    vi.spyOn(console, "error").mockImplementation(() => {});
    const old = ["users", "jobs", "applicants", "resumes", "notes", "vectors", "__drizzle_migrations"];
    const tables = await db.all<{ name: string }>(sql`select name from sqlite_master where type = 'table'`);
    for (const { name } of tables.filter((table) => !old.includes(table.name) && !table.name.startsWith("sqlite_"))) {
      await db.run(sql.raw(`CREATE TRIGGER "full_${name}" BEFORE INSERT ON "${name}" BEGIN SELECT RAISE(ABORT, 'disk is full'); END`));
    }

    await register("dana@example.com");

    expect(await mayEnter("dana@example.com")).toBe(false);
  });
});

describe("a token", () => {
  test("has at least 128 random bits", async () => {
    const tokens = [await registered("dana@example.com")];
    while (tokens.length < 24) tokens.push(await renewed("dana@example.com"));

    expect(randomBits(tokens)).toBeGreaterThanOrEqual(128);
  });

  test("follows from neither the account nor the time nor Math.random", async () => {
    vi.spyOn(Math, "random").mockReturnValue(0.5);
    ids.user = "user_dana";
    const first = await registered("dana@example.com");
    db = await createTestDatabase();

    const second = await registered("dana@example.com");

    expect(second).not.toBe(first);
    expect(await renewed("dana@example.com")).not.toBe(second);
  });

  test("is kept nowhere in the clear", async () => {
    const tokens = [await registered("udo@example.com"), await registered("dana@example.com"), await renewed("dana@example.com")];
    const cells = await stored();

    for (const form of tokens.flatMap(readableForms)) {
      expect(cells.filter((cell) => cell.includes(form)), "stored").toEqual([]);
    }
  });

  test("is neither logged nor answered", async () => {
    const logs = (["log", "info", "warn", "error", "debug"] as const).map((name) => vi.spyOn(console, name).mockImplementation(() => {}));
    const answers: unknown[] = [];
    const tokens = [
      tokenIn(await onlyMailOf(async () => answers.push(await register("dana@example.com")))),
      tokenIn(await onlyMailOf(async () => answers.push(await askAgain("dana@example.com")))),
    ];
    answers.push(await confirm(tokens[0]!), await confirm(tokens[1]!));

    const seen = JSON.stringify([answers, logs.map(({ mock }) => mock.calls)]);
    for (const token of tokens) expect(seen).not.toContain(token);
  });

  test("confirms the account that it was made for, and no other", async () => {
    const token = await registered("dana@example.com");
    await registered("udo@example.com");

    expect(await confirm(token)).toEqual({ ok: true, data: undefined });

    expect(await mayEnter("dana@example.com")).toBe(true);
    expect(await mayEnter("udo@example.com")).toBe(false);
  });

  test("works until 24 hours are over", async () => {
    const token = await registered("dana@example.com");
    later(24 * HOUR - 1);

    expect(await confirm(token)).toMatchObject({ ok: true });
    expect(await mayEnter("dana@example.com")).toBe(true);
  });
});

function randomBits(tokens: string[]): number {
  const alphabets = [/^[01]+$/, /^\d+$/, /^[\da-f-]+$/i, /^[\da-z-]+$/];
  const sizes = [2, 10, 16, 36];
  const known = alphabets.findIndex((alphabet) => tokens.every((token) => alphabet.test(token)));
  const length = Math.min(...tokens.map((token) => token.length));
  const varying = Array.from({ length }, (_, place) => new Set(tokens.map((token) => token[place])).size > 1);
  return varying.filter(Boolean).length * Math.log2(sizes[known] ?? 64);
}

/** Everything in the database, bytes as they are. */
async function stored(): Promise<string[]> {
  const tables = await db.all<{ name: string }>(sql`select name from sqlite_master where type = 'table'`);
  const rows = await Promise.all(tables.map(({ name }) => db.all<object>(sql.raw(`select * from "${name}"`))));
  return rows.flat().flatMap((row) => Object.values(row).map(text));
}

function text(cell: unknown): string {
  return cell instanceof ArrayBuffer || ArrayBuffer.isView(cell)
    ? Buffer.from(cell as ArrayBuffer).toString("latin1")
    : String(cell);
}

/** Whoever reads one of these has the token. */
function readableForms(token: string): string[] {
  const bytes = [Buffer.from(token), Buffer.from(token, "base64url"), Buffer.from(token, "hex")];
  const encoded = bytes.flatMap((each) =>
    (["latin1", "hex", "base64url", "base64"] as const).map((encoding) => each.toString(encoding)),
  );
  return [...encoded, token, [...token].toReversed().join("")].filter(({ length }) => length >= 16);
}

describe("a token is refused with one and the same answer", () => {
  const REFUSED: Record<string, () => Promise<string>> = {
    "of nobody": async () => "A".repeat(43),
    empty: async () => "",
    "of enormous length": async () => "A".repeat(100_000),
    "cut short": async () => (await registered("dana@example.com")).slice(0, -1),
    "once it has been used": async () => {
      const token = await registered("dana@example.com");
      expect(await confirm(token)).toMatchObject({ ok: true });
      return token;
    },
    "when 24 hours are over": async () => {
      const token = await registered("dana@example.com");
      later(24 * HOUR);
      return token;
    },
    "when a week is over": async () => {
      const token = await registered("dana@example.com");
      later(7 * 24 * HOUR);
      return token;
    },
    "when another mail was asked for": async () => {
      const token = await registered("dana@example.com");
      await renewed("dana@example.com");
      return token;
    },
    "when another mail was used": async () => {
      const token = await registered("dana@example.com");
      expect(await confirm(await renewed("dana@example.com"))).toMatchObject({ ok: true });
      return token;
    },
    "when the address has been corrected since": async () => {
      const token = await registered("dana@example.com");
      await db.update(users).set({ email: "dana.reyes@example.com" }).where(eq(users.email, "dana@example.com"));
      return token;
    },
    "when the address has been corrected and is somebody else's now": async () => {
      const token = await registered("udo@example.com");
      await db.update(users).set({ email: "dana.reyes@example.com" }).where(eq(users.email, "udo@example.com"));
      await registered("udo@example.com");
      return token;
    },
  };

  test.each(Object.keys(REFUSED))("%s", async (kind) => {
    const unknown = await confirm("nobody-was-ever-sent-this-one");
    expect(unknown).toMatchObject({ ok: false, message: expect.stringMatching(/\S/) });
    expect(unknown).not.toMatchObject({ status: 500 });
    const token = await REFUSED[kind]!();

    expect(await confirm(token)).toEqual(unknown);
  });

  test("and one that is missing", async () => {
    expect(await verifyEmail(null, form({}))).toEqual(await confirm("nobody-was-ever-sent-this-one"));
  });

  test("and an expired one confirms nothing", async () => {
    await confirm(await REFUSED["when 24 hours are over"]!());

    expect(await mayEnter("dana@example.com")).toBe(false);
  });

  test.each(["when the address has been corrected since", "when the address has been corrected and is somebody else's now"])(
    "and confirms nothing %s",
    async (kind) => {
      await confirm(await REFUSED[kind]!());

      expect(await mayEnter("dana.reyes@example.com")).toBe(false);
      expect(await mayEnter("udo@example.com")).toBe(false);
    },
  );
});

describe("signing in", () => {
  test("is refused before the address is confirmed, just like a wrong password", async () => {
    await registered("dana@example.com");
    await insertUser(db, { passwordHash: hashPassword(PASSWORD) });
    const { told } = await signIn("robin@example.com", "guess");

    expect(await signIn("dana@example.com", PASSWORD)).toEqual({ signedIn: false, told });
    expect(await signIn("dana@example.com", "guess")).toEqual({ signedIn: false, told });
  });

  test("is possible afterwards, with the right password only", async () => {
    await confirm(await registered("dana@example.com"));

    expect(await mayEnter("Dana@Example.com")).toBe(true);
    expect(await signIn("dana@example.com", "guess")).toMatchObject({ signedIn: false });
  });

  test("is still refused when the token has expired or another was asked for", async () => {
    await registered("dana@example.com");
    later(25 * HOUR);
    expect(await mayEnter("dana@example.com")).toBe(false);

    await renewed("dana@example.com");
    expect(await mayEnter("dana@example.com")).toBe(false);
  });
});

describe("asking for another mail", () => {
  test("gives a token that works, for another 24 hours", async () => {
    await registered("dana@example.com");
    later(30 * HOUR);
    const token = await renewed("dana@example.com");
    later(24 * HOUR - 1);

    expect(await confirm(token)).toMatchObject({ ok: true });
    expect(await mayEnter("dana@example.com")).toBe(true);
  });

  test("takes the address with spaces and capitals", async () => {
    await registered("dana@example.com");

    const mail = await onlyMailOf(() => askAgain(" Dana@Example.COM "));

    expect(mail.to).toBe("dana@example.com");
    expect(LINK.exec(mail.text)?.[1]).toBe(SITE);
  });

  test("leads to the corrected address", async () => {
    await registered("dana@exmaple.com");
    await db.update(users).set({ email: "dana@example.com" }).where(eq(users.email, "dana@exmaple.com"));

    const mail = await onlyMailOf(() => askAgain("dana@example.com"));

    expect(mail.to).toBe("dana@example.com");
    expect(await confirm(tokenIn(mail))).toMatchObject({ ok: true });
    expect(await mayEnter("dana@example.com")).toBe(true);
  });

  test("leaves the token of everybody else alone", async () => {
    const token = await registered("udo@example.com");
    await registered("dana@example.com");
    await renewed("dana@example.com");

    expect(await confirm(token)).toMatchObject({ ok: true });
  });

  test("is answered alike and quietly, whether there is such an account or not", async () => {
    await confirm(await registered("robin@example.com"));
    await registered("dana@example.com");
    const success = { ok: true, data: undefined };

    expect(await mailsOf(async () => expect(await askAgain("nobody@example.com")).toEqual(success))).toEqual([]);
    expect(await mailsOf(async () => expect(await askAgain("robin@example.com")).toEqual(success))).toEqual([]);
    expect(await askAgain("dana@example.com")).toEqual(success);
  });

  test("is answered alike when no mail can be sent", async () => {
    vi.spyOn(console, "error").mockImplementation(() => {});
    await registered("dana@example.com");
    await breakMails();

    expect(await askAgain("dana@example.com")).toEqual({ ok: true, data: undefined });
  });

  test("takes nothing from whoever has confirmed", async () => {
    await confirm(await registered("robin@example.com"));
    await insertUser(db, { email: "olga@example.com", passwordHash: hashPassword(PASSWORD) });

    await askAgain("robin@example.com");
    await askAgain("olga@example.com");

    expect(await mayEnter("robin@example.com")).toBe(true);
    expect(await mayEnter("olga@example.com")).toBe(true);
  });

  test.each(["", "dana", "dana@"])("is refused at its field with %j for an address", async (email) => {
    expect(await askAgain(email)).toMatchObject({ ok: false, status: 422, fieldErrors: { email: expect.stringMatching(/\S/) } });
  });
});
