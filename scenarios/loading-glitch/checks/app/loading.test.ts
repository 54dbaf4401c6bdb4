import { getByLabelText, getByRole, queryByRole, within } from "@testing-library/dom";
import type { BrowserPage } from "happy-dom";
import { base, RECRUITER, signIn } from "kit/app";
import { eventually, Visitor } from "kit/browser";
import { PDF_TYPE, pdf } from "kit/documents";
import { afterEach, beforeAll, beforeEach, expect, test } from "vitest";

let cookie: string;
let visitor: Visitor;

beforeAll(async () => {
  cookie = await signIn(RECRUITER);
});

beforeEach(() => {
  visitor = new Visitor({ cookie });
});

afterEach(() => visitor.leave());

const bodyOf = (page: BrowserPage) => page.mainFrame.document.body as unknown as HTMLElement;
const results = (page: BrowserPage) => getByRole(bodyOf(page), "region", { name: "Results" });

test("the first HTML of a search is busy and does not say that nobody fits", async () => {
  const page = await visitor.glimpse("/search?q=Kubernetes");

  expect(results(page).getAttribute("aria-busy")).toBe("true");
  expect(results(page).textContent).not.toContain("Nobody fits");
});

test("a search ends with who was found", async () => {
  const page = await visitor.open("/search?q=Kubernetes");

  await eventually(page, () => {
    expect(within(results(page)).getAllByRole("link").length).toBeGreaterThan(0);
    expect(results(page).getAttribute("aria-busy")).not.toBe("true");
  });
});

async function upload(applicantId: string, name: string, bytes: Uint8Array) {
  const page = await visitor.open(`/applicants/${applicantId}`);
  const { window } = page.mainFrame;
  const transfer = new window.DataTransfer();
  transfer.items.add(new window.File([bytes], name, { type: PDF_TYPE }));
  const input = getByLabelText(bodyOf(page), "Résumé file");
  Object.assign(input, { files: transfer.files });
  for (const type of ["input", "change"]) input.dispatchEvent(new window.Event(type, { bubbles: true }) as unknown as Event);
  getByRole(bodyOf(page), "button", { name: "Upload" }).click();
  return page;
}

test("an upload is on the page without a reload", async () => {
  const page = await upload("applicant_046", "Mira.pdf", pdf("Ten years of SQL"));

  await eventually(page, () => {
    expect(bodyOf(page).textContent).toContain("Ten years of SQL");
    expect(getByRole(bodyOf(page), "button", { name: "Upload" })).toHaveProperty("disabled", false);
  });
  const again = await fetch(`${base()}/applicants/applicant_046`, { headers: { cookie } });
  expect(await again.text()).toContain("Mira.pdf");
});

test("a refused upload can be tried again", async () => {
  const page = await upload("applicant_047", "Felix.pdf", new TextEncoder().encode("Dear Sir or Madam"));

  await eventually(page, () => {
    expect(queryByRole(bodyOf(page), "alert")?.textContent).toBeTruthy();
    const button = getByRole(bodyOf(page), "button", { name: "Upload" });
    expect(button).toHaveProperty("disabled", false);
    expect(button.closest("form")?.getAttribute("aria-busy")).not.toBe("true");
  });
});
