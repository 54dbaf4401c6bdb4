import { validateResume } from "@/lib/resumes/validate";
import {
  bomb,
  DOCX_TYPE,
  docx,
  executable,
  largeDocx,
  PDF_TYPE,
  pdf,
  plainZip,
  xlsx,
} from "kit/documents";
import { strToU8 } from "fflate";
import { describe, expect, test } from "vitest";

const MEBIBYTE = 1024 * 1024;
const KIBIBYTES_PER_MEBIBYTE = 1024;
const word = (bytes: Uint8Array, type = DOCX_TYPE, name = "cv.docx") => validateResume({ name, type, bytes });

describe("accepts", () => {
  test("a Word document", () => {
    expect(word(docx("Mara Lindqvist"))).toMatchObject({ ok: true, kind: "docx" });
  });

  test("a Word document whose extension is in capitals", () => {
    expect(word(docx("Mara Lindqvist"), DOCX_TYPE, "Mara Lindqvist.DOCX")).toMatchObject({ ok: true, kind: "docx" });
  });

  test.each(["", "application/octet-stream"])("a Word document that the browser reports as %j", (type) => {
    expect(word(docx("Mara Lindqvist"), type)).toMatchObject({ ok: true, kind: "docx" });
  });

  test("a Word document of four megabytes", () => {
    expect(word(largeDocx(4 * MEBIBYTE))).toMatchObject({ ok: true, kind: "docx" });
  });

  test("a PDF, as before", () => {
    expect(validateResume({ name: "cv.PDF", type: PDF_TYPE, bytes: pdf("Mara") })).toMatchObject({ ok: true, kind: "pdf" });
  });
});

describe("refuses under the name of a Word document", () => {
  test.each([
    ["an executable", executable()],
    ["a plain archive", plainZip()],
    ["a spreadsheet", xlsx()],
    ["a PDF", pdf("Mara Lindqvist")],
    ["the first half of a document", docx("Mara Lindqvist").subarray(0, 400)],
    ["the mark of an archive and nothing else", strToU8("PK\x03\x04")],
    ["an empty file", new Uint8Array()],
  ])("%s", (_what, bytes) => {
    expect(word(bytes)).toMatchObject({ ok: false });
  });

  test("a document over the limit", () => {
    expect(word(largeDocx(5 * MEBIBYTE))).toMatchObject({ ok: false });
  });

  test("a document that would unpack to 400 MB, without unpacking it", () => {
    const bytes = bomb(400);
    const before = process.resourceUsage().maxRSS;

    expect(word(bytes).ok).toBe(false);
    expect(process.resourceUsage().maxRSS - before).toBeLessThan(200 * KIBIBYTES_PER_MEBIBYTE);
  });
});

describe("still refuses", () => {
  test("a Word document under the name of a PDF", () => {
    expect(validateResume({ name: "cv.pdf", type: PDF_TYPE, bytes: docx("Mara") }).ok).toBe(false);
  });

  test("text under the name of a PDF", () => {
    expect(validateResume({ name: "cv.pdf", type: PDF_TYPE, bytes: strToU8("Dear Sir or Madam") }).ok).toBe(false);
  });

  test("a Word document reported as a picture", () => {
    expect(word(docx("Mara Lindqvist"), "image/png").ok).toBe(false);
  });

  test("other kinds of files", () => {
    expect(word(plainZip(), "application/zip", "cv.zip").ok).toBe(false);
    expect(word(docx("Mara Lindqvist"), "application/msword", "cv.doc").ok).toBe(false);
  });
});
