import { base, RECRUITER, signIn } from "kit/app";
import { eventually, Visitor } from "kit/browser";
import { DOCX_TYPE, docx, PDF_TYPE, pdf, plainZip } from "kit/documents";
import { getByLabelText, getByRole } from "@testing-library/dom";
import type { BrowserPage } from "happy-dom";
import { afterEach, beforeEach, expect, test } from "vitest";

let visitor: Visitor;

beforeEach(() => {
  visitor = new Visitor();
});

afterEach(() => visitor.leave());

interface Upload {
  name: string;
  type: string;
  bytes: Uint8Array;
}

const bodyOf = (page: BrowserPage) => page.mainFrame.document.body as unknown as HTMLElement;

/** Fills in the application form of a job as an applicant does. */
async function apply(email: string, upload: Upload) {
  const page = await visitor.open("/jobs/data-analyst");
  const { window } = page.mainFrame;
  const body = bodyOf(page);

  (getByLabelText(body, "Name") as HTMLInputElement).value = "Mara Lindqvist";
  (getByLabelText(body, "E-mail") as HTMLInputElement).value = email;
  const transfer = new window.DataTransfer();
  transfer.items.add(new window.File([upload.bytes], upload.name, { type: upload.type }));
  Object.assign(getByLabelText(body, "Résumé"), { files: transfer.files });
  getByRole(body, "button", { name: "Send application" }).click();
  return page;
}

async function applicantPage(cookie: string, email: string): Promise<string> {
  const list = await get(cookie, `/applicants?q=${encodeURIComponent(email)}`);
  const [, path] = list.match(/href="(\/applicants\/applicant_[^"]+)"/) ?? [];
  return path ? get(cookie, path) : "";
}

async function get(cookie: string, path: string): Promise<string> {
  const response = await fetch(base() + path, { headers: { cookie } });
  return response.text();
}

test("a Word résumé arrives with its text", async () => {
  const page = await apply("word@example.com", { name: "cv.docx", type: DOCX_TYPE, bytes: docx("Nine years of beekeeping") });

  await eventually(page, () => expect(getByRole(bodyOf(page), "status").textContent).toContain("Thank you"));
  expect(await applicantPage(await signIn(RECRUITER), "word@example.com")).toContain("Nine years of beekeeping");
});

test("a PDF résumé arrives with its text, as before", async () => {
  const page = await apply("pdf@example.com", { name: "cv.pdf", type: PDF_TYPE, bytes: pdf("Ten years of SQL") });

  await eventually(page, () => expect(getByRole(bodyOf(page), "status").textContent).toContain("Thank you"));
  expect(await applicantPage(await signIn(RECRUITER), "pdf@example.com")).toContain("Ten years of SQL");
});

test("an archive under the name of a Word résumé is refused and leaves no applicant", async () => {
  const page = await apply("zip@example.com", { name: "cv.docx", type: DOCX_TYPE, bytes: plainZip() });

  await eventually(page, () => expect(getByRole(bodyOf(page), "alert").textContent).not.toBe(""));
  expect(await applicantPage(await signIn(RECRUITER), "zip@example.com")).toBe("");
});
