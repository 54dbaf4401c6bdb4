import { inArray, sql } from "drizzle-orm";
import { getServerSession } from "next-auth";
import { NextRequest } from "next/server";
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import type { Database } from "@/lib/db/client";
import { applicants, STAGES } from "@/lib/db/schema";
import { createTestDatabase, insertApplicant, insertJob, insertUser } from "@/lib/db/testing";
import { records } from "./csv";
import { type Log, watch } from "./statements";

vi.mock("next-auth", () => ({ getServerSession: vi.fn() }));

const HEADER = ["Id", "Name", "E-mail", "Position", "Stage", "Applied"];
const MOMENT = Date.UTC(2026, 1, 10, 9, 30);
const HOUR = 60 * 60 * 1000;
const CROWD = 10_000;
/** Some read one more than a batch to see whether there is another. */
const BATCH = 100 + 1;
/** 5,000 people and some who are on their way; where a batch takes two statements, both return its people or their keys. */
const MOST = 7_000;

let db: Database;
let log: Log;
const unhandled: unknown[] = [];
const remember = (reason: unknown) => unhandled.push(reason);

function signedInAs(id: string | null) {
  vi.mocked(getServerSession).mockResolvedValue(id ? { user: { id } } : null);
}

/** Not imported above, so that without it every test fails and not only the file. */
const route = () => import("@/app/api/applicants/export/route");

async function get(query = "", signal?: AbortSignal): Promise<Response> {
  const { GET } = await route();
  const request = new NextRequest(`http://localhost/api/applicants/export${query}`, { signal });
  return GET(request, { params: Promise.resolve({}) });
}

/** The file as text, without its mark. */
async function file(response: Response): Promise<string> {
  const bytes = new Uint8Array(await response.arrayBuffer());
  expect([...bytes.subarray(0, 3)]).toEqual([0xef, 0xbb, 0xbf]);
  return new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(bytes.subarray(3));
}

async function list(query = ""): Promise<string[][]> {
  const [header, ...people] = records(await file(await get(query)));
  expect(header).toEqual(HEADER);
  return people;
}

const ids = (people: string[][]) => people.map(([id]) => id);
const rowsRead = () => log.rows.reduce((sum, rows) => sum + rows, 0);

/** Waits until nothing has been asked of the database for a while. */
async function rest() {
  for (let quiet = 0, seen = -1; quiet < 20; quiet++) {
    await new Promise((resolve) => setTimeout(resolve));
    if (log.rows.length !== seen) quiet = 0;
    seen = log.rows.length;
  }
}

beforeEach(async () => {
  unhandled.length = 0;
  process.on("unhandledRejection", remember);
  vi.spyOn(console, "error").mockImplementation(() => {});
  db = await createTestDatabase();
  await insertUser(db);
  await insertJob(db);
  await insertJob(db, { id: "job_design", title: "Designer, senior" });
  signedInAs("user_robin");
  log = watch(db);
});

afterEach(() => {
  process.off("unhandledRejection", remember);
  vi.restoreAllMocks();
});

describe("the answer", () => {
  test("is a file to be saved and not to be kept on the way", async () => {
    const { status, headers } = await get();

    expect(status).toBe(200);
    expect(headers.get("Content-Type")).toMatch(/^text\/csv; *charset=utf-8$/i);
    expect(headers.get("Content-Disposition")).toMatch(/^attachment; *filename="?applicants\.csv"?(;|$)/);
    expect(headers.get("Cache-Control")).toContain("no-store");
  });

  test("has its heading even if nobody matches", async () => {
    expect(records(await file(await get("?q=nobody")))).toEqual([HEADER]);
  });

  test("says everything about an applicant", async () => {
    await insertApplicant(db, { id: "a", jobId: "job_design", stage: "offer", appliedAt: MOMENT });

    expect(await list()).toEqual([
      ["a", "Mara Lindqvist", "mara@example.com", "Designer, senior", "offer", "2026-02-10T09:30:00.000Z"],
    ]);
  });
});

describe("a field", () => {
  test.each([
    ["a comma", "Lindqvist, Mara"],
    ["quotation marks", 'Mara "Mo" Lindqvist'],
    ["nothing but a quotation mark", '"'],
    ["a line feed", "Mara\nLindqvist"],
    ["a carriage return", "Mara\rLindqvist"],
    ["both", "Mara\r\nLindqvist"],
    ["blanks around it", "  Mara  "],
    ["nothing in it", ""],
    ["letters of everywhere", "Zoë Łukasiewicz 山田 😀"],
    ["a formula's signs further on", "Mara=1+1-1@x\ty"],
    ["an apostrophe in front", "'t Hooft"],
    ["a blank before a formula", " =1+1"],
  ])("with %s arrives as it is", async (_what, name) => {
    await insertApplicant(db, { id: "a", name });
    await insertApplicant(db, { id: "b", name: "Udo" });

    expect((await list()).map(([id, field]) => [id, field])).toEqual([
      ["a", name],
      ["b", "Udo"],
    ]);
  });

  test.each(["=1+1", "+49 30 1234", "-1", "@SUM(A1)", "\tx", "\rx", '=HYPERLINK("http://x.example","a, b")', "=", "--"])(
    "that begins like a formula is none: %j",
    async (text) => {
      await insertJob(db, { id: "job_odd", title: text });
      await insertApplicant(db, { name: text, email: text, jobId: "job_odd" });

      const [[, name, email, position] = []] = await list();

      expect([name, email, position]).toEqual([`'${text}`, `'${text}`, `'${text}`]);
    },
  );
});

describe("the filters", () => {
  const people = Array.from({ length: 130 }, (_, index) => ({
    id: `a${String((index * 37) % 130).padStart(3, "0")}`,
    name: index % 5 === 0 ? `Percy 100% Cotton ${index}` : `Petra ${index}`,
    email: index % 3 === 0 ? `fair_${index}@example.org` : `person.${index}@example.com`,
    stage: STAGES[index % 4] ?? ("applied" as const),
    jobId: index % 2 === 0 ? "job_design" : "job_backend",
    appliedAt: MOMENT + ((index * 11) % 7) * HOUR,
  }));
  const expected = (matches: (person: (typeof people)[number]) => boolean) =>
    ids(
      people
        .filter(matches)
        .toSorted((a, b) => a.appliedAt - b.appliedAt || (a.id < b.id ? -1 : 1))
        .map(({ id }) => [id]),
    );

  beforeEach(async () => {
    await db.insert(applicants).values(people);
  });

  test.each<[string, string, (person: (typeof people)[number]) => boolean]>([
    ["none", "", () => true],
    ["stage", "?stage=interview", ({ stage }) => stage === "interview"],
    ["job", "?job=job_design", ({ jobId }) => jobId === "job_design"],
    ["q, in another case", "?q=PETRA", ({ name }) => name.startsWith("Petra")],
    ["q, taken literally", "?q=r_", ({ email }) => email.startsWith("fair_")],
    [
      "all at once",
      "?stage=interview&job=job_design&q=%25",
      ({ stage, jobId, name }) => stage === "interview" && jobId === "job_design" && name.includes("%"),
    ],
    ["an unknown stage", "?stage=promoted", () => true],
    ["an unknown job", "?job=nothing", () => false],
    ["sort, size and page, which change nothing", "?sort=name&size=25&page=2", () => true],
  ])("%s", async (_what, query, matches) => {
    expect(ids(await list(query))).toEqual(expected(matches));
  });
});

describe("whoever may not", () => {
  test.each([
    ["a visitor", null],
    ["a session without an account", "user_left_us"],
  ])("%s gets nobody, and nobody is read", async (_who, id) => {
    await insertApplicant(db);
    signedInAs(id);
    log.rows.length = 0;

    const response = await get();

    expect(response.status).toBe(401);
    await expect(response.json()).resolves.toMatchObject({ message: "Please sign in again." });
    expect(rowsRead()).toBe(0);
  });
});

describe("of a crowd", () => {
  /** Ids follow neither dates nor the order of arrival; about a hundred share each date. */
  const crowd = Array.from({ length: CROWD }, (_, index) => ({
    id: `a${String((index * 7919) % CROWD).padStart(5, "0")}`,
    appliedAt: MOMENT + ((index * 31) % 97) * HOUR,
  }))
    .toSorted((a, b) => a.appliedAt - b.appliedAt || (a.id < b.id ? -1 : 1))
    .map(({ id }) => id);

  beforeEach(async () => {
    await db.run(sql`
      insert into applicants (id, job_id, name, email, stage, applied_at)
      with recursive numbers (n) as (select 0 union all select n + 1 from numbers where n < ${CROWD - 1})
      select printf('a%05d', (n * 7919) % ${CROWD}), 'job_backend', 'Mara', 'mara@example.com', 'applied',
        ${MOMENT} + ((n * 31) % 97) * ${HOUR}
      from numbers
    `);
    log.rows.length = 0;
  });

  /** Reads until the first person has come. */
  async function begin(signal?: AbortSignal) {
    const response = await get("", signal);
    const reader = response.body!.getReader();
    const decoder = new TextDecoder();
    let text = "";

    async function take(): Promise<boolean> {
      const { done, value } = await reader.read();
      text += decoder.decode(value, { stream: !done });
      return !done;
    }

    while (!text.includes("mara@example.com") && (await take()));
    return {
      reader,
      async all() {
        while (await take());
        return records(text).slice(1);
      },
    };
  }

  test("everybody comes once and in order, in batches", async () => {
    expect(ids(await list())).toEqual(crowd);

    expect(Math.max(...log.rows)).toBeLessThanOrEqual(BATCH);
    expect(log.rows.length).toBeLessThanOrEqual((2 * CROWD) / 50 + 10);
  });

  test("the first ones come while most are unread, and nobody reads far ahead", async () => {
    const { reader } = await begin();
    await rest();

    expect(rowsRead()).toBeLessThanOrEqual(MOST);
    await reader.cancel();
  });

  test("nobody more is read once the client has gone", async () => {
    const client = new AbortController();
    const { reader } = await begin(client.signal);
    client.abort();
    await reader.cancel().catch(() => {});
    await rest();

    expect(rowsRead()).toBeLessThanOrEqual(MOST);
    expect(unhandled).toEqual([]);
  });

  test("a client that goes while a batch is read leaves no error behind", async () => {
    const client = new AbortController();
    const response = await get("", client.signal);
    const reader = response.body!.getReader();
    const reading = reader.read().catch(() => {});
    client.abort();
    await reader.cancel().catch(() => {});
    await reading;
    await rest();

    expect(unhandled).toEqual([]);
  });

  test.each([
    ["at once", 0],
    ["on the way", 30],
  ])("a database that fails %s ends no file", async (_when, statements) => {
    await route();
    const failed = new Error("SQLITE_IOERR");
    const session = 1;
    log.before = (run) => {
      if (run >= session + statements) throw failed;
    };

    const end = await get().then(
      (response) => (response.ok ? response.text().then(() => "a whole file", () => "broken off") : response.status),
      () => 500,
    );

    expect(["broken off", 500]).toContain(end);
    await rest();
    expect(unhandled).toEqual([]);
  });

  test("those who are removed meanwhile take nobody along", async () => {
    const download = await begin();
    await rest();
    // Those who have been read last are among them, whether a batch takes one statement or two.
    const around = (place: number) => crowd.slice(Math.max(0, place - 160), place + 40);
    const removed = new Set([...crowd.slice(0, 40), ...around(rowsRead()), ...around(rowsRead() / 2)]);
    await db.delete(applicants).where(inArray(applicants.id, [...removed]));

    const found = ids(await download.all());

    expect(new Set(found).size).toBe(found.length);
    expect(found.filter((id) => !removed.has(id ?? ""))).toEqual(crowd.filter((id) => !removed.has(id)));
  });

  test("those who are added meanwhile put nobody off", async () => {
    const download = await begin();
    await rest();
    const added = (id: string, hours: number) => insertApplicant(db, { id, appliedAt: MOMENT + hours * HOUR });
    for (let number = 0; number < 30; number++) {
      await added(`first${number}`, -1);
      await added(`last${number}`, 100);
    }

    const found = ids(await download.all());

    expect(new Set(found).size).toBe(found.length);
    expect(found.filter((id) => id?.startsWith("a"))).toEqual(crowd);
  });
});
