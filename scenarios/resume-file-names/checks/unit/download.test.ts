import { getServerSession } from "next-auth";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { afterAll, beforeAll, beforeEach, describe, expect, test, vi } from "vitest";
import { POST } from "@/app/api/applicants/[id]/resume/route";
import { GET } from "@/app/api/resumes/[id]/route";
import type { Database } from "@/lib/db/client";
import { resumes } from "@/lib/db/schema";
import { createTestDatabase, insertApplicant, insertJob, insertUser } from "@/lib/db/testing";
import { env } from "@/lib/env";
import { replaceResume } from "@/lib/resumes/service";
import { storage } from "@/lib/storage";
import { PDF_TYPE, pdf } from "kit/documents";

vi.mock("next-auth", () => ({ getServerSession: vi.fn() }));

const BYTES = pdf("Ten years of SQL");

let folder: string;
let db: Database;

beforeAll(async () => {
  folder = await mkdtemp(path.join(tmpdir(), "file-names-"));
  env.UPLOAD_DIR = folder;
});

afterAll(() => rm(folder, { recursive: true, force: true }));

beforeEach(async () => {
  db = await createTestDatabase();
  await insertJob(db);
  await insertApplicant(db);
  vi.mocked(getServerSession).mockResolvedValue({ user: await insertUser(db) });
});

function download(id: string): Promise<Response> {
  return GET(new Request(`http://localhost/api/resumes/${id}`), { params: Promise.resolve({ id }) });
}

async function upload(name: string): Promise<string> {
  const { id } = await replaceResume("applicant_mara", new File([new Uint8Array(BYTES)], name, { type: PDF_TYPE }));
  return id;
}

/** A résumé that has been on file since before. */
async function onFile(fileName: string, storageKey: string): Promise<string> {
  await storage().put(storageKey, BYTES);
  const resume = { id: "resume_old", applicantId: "applicant_mara", fileName, kind: "pdf" as const, size: BYTES.length };
  await db.insert(resumes).values({ ...resume, storageKey, text: "" });
  return resume.id;
}

interface Disposition {
  /** For clients that know ASCII only. */
  filename: string;
  /** What `filename*` stands for. */
  whole: string;
}

const TOKEN = /[!#$%&'*+.^_`|~\w-]+/y;
const QUOTED = /"((?:[ \t!#-[\]-~]|\\[ -~])*)"/y;
const SEPARATOR = /[ \t]*;[ \t]*/y;
const EXTENDED = /^utf-8'[A-Za-z0-9-]*'((?:[!#$&+.^_`|~A-Za-z0-9-]|%[0-9A-Fa-f]{2})*)$/i;

/** Reads the header as RFC 6266 and RFC 8187 have it, and nothing else. */
function parse(header: string): Disposition {
  let place = 0;
  function take(pattern: RegExp): RegExpExecArray | null {
    pattern.lastIndex = place;
    const found = pattern.exec(header);
    place = found ? pattern.lastIndex : place;
    return found;
  }
  function must<Value>(value: Value | null | undefined): Value {
    if (value === null || value === undefined) throw new Error(`Not a Content-Disposition from character ${place} on: ${header}`);
    return value;
  }
  const parameters = new Map<string, string>();
  expect(must(take(TOKEN))[0].toLowerCase()).toBe("attachment");
  while (place < header.length) {
    must(take(SEPARATOR));
    const name = must(take(TOKEN))[0].toLowerCase();
    must(take(/=/y));
    const quoted = take(QUOTED);
    const value = quoted ? must(quoted[1]).replace(/\\(.)/g, "$1") : must(take(TOKEN))[0];
    if (quoted && name.endsWith("*")) throw new Error(`A quoted ${name}: ${header}`);
    if (parameters.has(name)) throw new Error(`Two of ${name}: ${header}`);
    parameters.set(name, value);
  }
  const encoded = must(EXTENDED.exec(must(parameters.get("filename*"))))[1];
  return { filename: must(parameters.get("filename")), whole: decodeURIComponent(must(encoded)) };
}

async function dispositionOf(id: string): Promise<Disposition> {
  const response = await download(id);
  expect(response.status).toBe(200);
  expect(new Uint8Array(await response.arrayBuffer())).toEqual(BYTES);
  expect(response.headers.get("set-cookie")).toBeNull();
  return parse(response.headers.get("content-disposition") ?? "");
}

describe("a download offers the whole name, and one in ASCII", () => {
  test.each([
    ["French letters", "résumé.pdf"],
    ["Polish letters", "Łukasz Żak.pdf"],
    ["Japanese letters", "履歴書.pdf"],
    ["Arabic letters", "سيرة ذاتية.pdf"],
    ["a joined emoji", "👩‍💻 CV.pdf"],
    ["quotes", 'Mara "Ace" Lind.pdf'],
    ["an apostrophe", "O'Neil.pdf"],
    ["brackets", "Mara (final).pdf"],
    ["an asterisk", "Mara*.pdf"],
    ["a percent sign", "100% done.pdf"],
    ["what looks encoded", "%41%22.pdf"],
    ["what looks like a parameter", "a; filename=b.pdf"],
    ["signs that mean something elsewhere", "a, b=c & d + e @ f # g ? h ! i ~ j.pdf"],
    ["a hundred characters", `${"é".repeat(96)}.pdf`],
  ])("%s", async (_what, name) => {
    const { filename, whole } = await dispositionOf(await upload(name));

    expect(whole).toBe(name);
    expect(filename).toMatch(/^[ -~]+\.pdf$/);
  });

  test.each(["cv.pdf", "Mara Lindqvist CV.pdf", "mara_lindqvist-2026.v2.pdf", "CV 2.PDF"])("which is the same for %s", async (name) => {
    await expect(upload(name).then(dispositionOf)).resolves.toEqual({ filename: name, whole: name });
  });
});

test("a name that is cut can be downloaded", async () => {
  const { whole } = await dispositionOf(await upload(`a${"👩".repeat(150)}.pdf`));

  expect(whole).toMatch(/^a(?:👩){40,}\.pdf$/u);
});

describe("an older résumé is downloaded under the name that it would get now", () => {
  test.each([
    ["a line break", "cv\r\nSet-Cookie: a=b.pdf", "cvSet-Cookie: a=b.pdf"],
    ["a path", "C:\\Users\\mara\\cv.pdf", "cv.pdf"],
    ["quotes after a way out", '../"cv".pdf', '"cv".pdf'],
    ["other letters", "Łukasz.pdf", "Łukasz.pdf"],
    ["a turn of direction", "cv\u202efdp.pdf", "cvfdp.pdf"],
    ["a leading dot", ".cv.pdf", "cv.pdf"],
    ["many characters", `${"a".repeat(200)}.pdf`, `${"a".repeat(96)}.pdf`],
    ["a plain one", "cv.pdf", "cv.pdf"],
  ])("%s", async (_what, name, expected) => {
    const { filename, whole } = await dispositionOf(await onFile(name, "resumes/Łukasz +1.pdf"));

    expect(whole).toBe(expected);
    expect(filename).toMatch(/^[ -~]+\.pdf$/);
  });
});

test("the answer to an upload has the name that is shown", async () => {
  const form = new FormData();
  form.set("resume", new File([new Uint8Array(BYTES)], "../Łukasz.pdf", { type: PDF_TYPE }));
  const request = new Request("http://localhost/api/applicants/applicant_mara/resume", { method: "POST", body: form });

  const response = await POST(request, { params: Promise.resolve({ id: "applicant_mara" }) });

  await expect(response.json()).resolves.toMatchObject({ resume: { fileName: "Łukasz.pdf" } });
});

describe("as before", () => {
  test("a visitor downloads nothing", async () => {
    const id = await upload("cv.pdf");
    vi.mocked(getServerSession).mockResolvedValue(null);

    expect((await download(id)).status).toBe(401);
  });

  test("there is nothing under an unknown id", async () => {
    expect((await download("resume_unknown")).status).toBe(404);
  });
});
