import { mkdtemp, readdir, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { findApplicant } from "@/lib/applicants/queries";
import { createTestDatabase, insertApplicant, insertJob } from "@/lib/db/testing";
import { env } from "@/lib/env";
import { replaceResume, storeResume } from "@/lib/resumes/service";
import { storage } from "@/lib/storage";
import { DOCX_TYPE, docx, PDF_TYPE, pdf } from "kit/documents";

const BYTES = pdf("Ten years of SQL");

let outside: string;

beforeEach(async () => {
  // The storage keeps the folder that it is opened with.
  outside ||= await mkdtemp(path.join(tmpdir(), "file-names-"));
  env.UPLOAD_DIR = path.join(outside, "a", "b", "uploads");
  const db = await createTestDatabase();
  await insertJob(db);
  await insertApplicant(db, { id: "applicant_mara" });
  await insertApplicant(db, { id: "applicant_udo" });
});

afterEach(async () => {
  vi.useRealTimers();
  await rm(outside, { recursive: true, force: true });
});

function upload(name: string, bytes: Uint8Array = BYTES): File {
  const type = /docx$/i.test(name) ? DOCX_TYPE : PDF_TYPE;
  return new File([new Uint8Array(bytes)], name, { type });
}

function store(name: string) {
  return storeResume(upload(name, /docx$/i.test(name) ? docx("Ten years of SQL") : BYTES));
}

/** Every file below the folder that encloses that of the uploads. */
async function files(): Promise<string[]> {
  const entries = await readdir(outside, { recursive: true, withFileTypes: true });
  return entries.filter((entry) => entry.isFile()).map(({ parentPath, name }) => path.join(parentPath, name));
}

async function contentOf(applicantId: string): Promise<Uint8Array | null> {
  const found = await findApplicant(applicantId);
  return found?.resume ? storage().get(found.resume.storageKey) : null;
}

describe("a name is kept as it is", () => {
  test.each([
    ["a plain one", "cv.pdf"],
    ["spaces", "Mara Lindqvist CV.docx"],
    ["French letters", "résumé.pdf"],
    ["Polish letters", "Łukasz Żak.pdf"],
    ["Japanese letters", "履歴書.pdf"],
    ["Arabic letters", "سيرة ذاتية.pdf"],
    ["Persian letters and what joins them", "\u0646\u0627\u0645\u0647\u200c\u0647\u0627.pdf"],
    ["an accent of its own", "e\u0301.pdf"],
    ["a joined emoji", "👩‍💻 CV.docx"],
    ["quotes", 'Mara "Ace" Lind.pdf'],
    ["an apostrophe, brackets and an asterisk", "O'Neil (final*) [2].pdf"],
    ["signs that mean something elsewhere", "100% done; really, <b>yes<b> & no = $HOME.pdf"],
    ["what looks encoded", "%2e%2e%2fcv.pdf"],
    ["dots in the middle", "cv.final..v2.pdf"],
    ["capitals", "CV.PDF"],
  ])("with %s", async (_what, name) => {
    await expect(store(name)).resolves.toMatchObject({ fileName: name });
  });
});

describe("of a name", () => {
  test.each([
    ["the path of Windows", "C:\\Users\\mara\\cv.pdf", "cv.pdf"],
    ["the path of a browser", "C:\\fakepath\\Łukasz Żak.pdf", "Łukasz Żak.pdf"],
    ["the path of other systems", "/home/mara/cv.pdf", "cv.pdf"],
    ["a way out", "../../cv.pdf", "cv.pdf"],
    ["a way out of Windows", "..\\..\\cv.pdf", "cv.pdf"],
    ["a way out in disguise", "....//....//cv.pdf", "cv.pdf"],
    ["a way out of both kinds", "..\\../a/..\\cv.pdf", "cv.pdf"],
    ["a line break", "cv\r\nSet-Cookie: a=b.pdf", "cvSet-Cookie: a=b.pdf"],
    ["a zero", "cv\u0000.pdf", "cv.pdf"],
    ["a control character of another age", "c\u0085v\u007f.pdf", "cv.pdf"],
    ["a turn of direction", "cv\u202efdp.pdf", "cvfdp.pdf"],
    ["an isolated direction", "\u2066cv\u2069.pdf", "cv.pdf"],
    ["the first turn of direction", "\u202acv\u2067x.pdf", "cvx.pdf"],
    ["a leading dot", ".cv.pdf", "cv.pdf"],
    ["leading dots and spaces", ". .. cv.pdf", "cv.pdf"],
    ["a leading dot after a path", "docs/.cv.pdf", "cv.pdf"],
    ["a leading dot behind what cannot be seen", "\u202e.cv.pdf", "cv.pdf"],
    ["a line break in the path", "do\ncs/cv.pdf", "cv.pdf"],
    ["a line separator in the path", "do\u2028cs\\cv.pdf", "cv.pdf"],
  ])("%s is not kept", async (_what, name, fileName) => {
    await expect(store(name)).resolves.toMatchObject({ fileName });
  });

  test.each([
    ["an extension", ".pdf", "resume.pdf"],
    ["an extension after a dot", "..pdf", "resume.pdf"],
    ["an extension after a path and a space", "docs/ .pdf", "resume.pdf"],
    ["an extension after what cannot be seen", "\u202e.pdf", "resume.pdf"],
    ["the extension of a Word document", "...docx", "resume.docx"],
  ])("nothing is left but %s: it is a résumé", async (_what, name, fileName) => {
    await expect(store(name)).resolves.toMatchObject({ fileName });
  });
});

describe("a long name", () => {
  test.each([
    ["of 100 characters stays whole", `${"a".repeat(96)}.pdf`, `${"a".repeat(96)}.pdf`],
    ["of 101 characters loses one", `${"a".repeat(96)}b.pdf`, `${"a".repeat(96)}.pdf`],
    ["of 300 characters is cut before its extension", `${"a".repeat(96)}${"b".repeat(200)}.pdf`, `${"a".repeat(96)}.pdf`],
    ["of a Word document is cut before its extension", `${"a".repeat(95)}${"b".repeat(200)}.docx`, `${"a".repeat(95)}.docx`],
    ["full of dots keeps its last extension", `${"a".repeat(90)}${".b".repeat(90)}.pdf`, `${"a".repeat(90)}.b.b.b.pdf`],
    ["is measured without what is taken off", `../${".".repeat(50)}${"a".repeat(96)}.pdf`, `${"a".repeat(96)}.pdf`],
  ])("%s", async (_what, name, fileName) => {
    await expect(store(name)).resolves.toMatchObject({ fileName });
  });

  test.each([
    ["even", `${"👩".repeat(150)}.pdf`],
    ["odd", `a${"👩".repeat(150)}.pdf`],
  ])("loses no half of a character at an %s place", async (_what, name) => {
    const { fileName } = await store(name);

    expect(fileName.isWellFormed()).toBe(true);
    expect([...fileName].length).toBeLessThanOrEqual(100);
    expect(fileName).toMatch(/^a?(?:👩){40,}\.pdf$/u);
  });
});

describe("a stored file", () => {
  test.each([
    ["a plain name", "cv.pdf"],
    ["a way out", "../../../cv.pdf"],
    ["a way out of Windows", "..\\..\\cv.pdf"],
    ["a way out in disguise", "....//....//cv.pdf"],
    ["an absolute path", "/etc/cv.pdf"],
    ["folders", "a/b/c/cv.pdf"],
    ["a zero", "cv\u0000.pdf"],
    ["Japanese letters", "履歴書.pdf"],
    ["a very long name", `${"long ".repeat(100)}.pdf`],
    ["capitals", "CV.PDF"],
  ])("lies in its folder and can be read again: %s", async (_what, name) => {
    const { storageKey } = await store(name);

    expect(storageKey).toMatch(/^resumes\/[A-Za-z0-9_-]{1,100}\.pdf$/);
    expect(await files()).toEqual([path.join(env.UPLOAD_DIR, storageKey)]);
    expect(new Uint8Array(await readFile(path.join(env.UPLOAD_DIR, storageKey)))).toEqual(BYTES);
    await expect(storage().get(storageKey)).resolves.toEqual(BYTES);
  });

  test("has the extension of a Word document if it is one", async () => {
    const { storageKey } = await store("cv.DOCX");

    expect(storageKey).toMatch(/^resumes\/[A-Za-z0-9_-]{1,100}\.docx$/);
  });

  test("is never that of another upload, in the same moment either", async () => {
    vi.useFakeTimers({ toFake: ["Date"], now: Date.UTC(2026, 1, 10) });

    const stored = await Promise.all(Array.from({ length: 5 }, () => store("cv.pdf")));

    expect(new Set(stored.map(({ storageKey }) => storageKey)).size).toBe(5);
    expect(await files()).toHaveLength(5);
  });
});

describe("résumés of the same name", () => {
  test("are each applicant's own", async () => {
    await replaceResume("applicant_mara", upload("cv.pdf", pdf("Ten years of SQL")));
    await replaceResume("applicant_udo", upload("cv.pdf", pdf("Nine years of beekeeping")));

    await expect(contentOf("applicant_mara")).resolves.toEqual(pdf("Ten years of SQL"));
    await expect(contentOf("applicant_udo")).resolves.toEqual(pdf("Nine years of beekeeping"));
  });

  test.each([
    ["another content", pdf("Eleven years of SQL")],
    ["the same content", BYTES],
  ])("replace each other, with %s", async (_what, bytes) => {
    await replaceResume("applicant_mara", upload("cv.pdf"));
    await replaceResume("applicant_mara", upload("cv.pdf", bytes));

    await expect(contentOf("applicant_mara")).resolves.toEqual(bytes);
    expect(await files()).toHaveLength(1);
  });

  test("and of the same content do not depend on each other", async () => {
    await replaceResume("applicant_mara", upload("cv.pdf"));
    await replaceResume("applicant_udo", upload("cv.pdf"));
    await replaceResume("applicant_udo", upload("cv.pdf", pdf("Nine years of beekeeping")));

    await expect(contentOf("applicant_mara")).resolves.toEqual(BYTES);
  });
});

test.each(["cv.exe", "cv.pdf.exe", "cv"])("a file named %s is still refused", async (name) => {
  await expect(store(name)).rejects.toMatchObject({ status: 422 });
});
