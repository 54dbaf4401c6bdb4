import { setTimeout as sleep } from "node:timers/promises";
import { fireEvent, getByRole, queryAllByRole } from "@testing-library/dom";
import type { BrowserPage } from "happy-dom";
import { base, RECRUITER, signIn } from "kit/app";
import { eventually, Visitor } from "kit/browser";
import { afterEach, beforeEach, expect, test } from "vitest";

let visitor: Visitor;
/** What the page has asked the search for. */
let asked: string[];

const bodyOf = (page: BrowserPage) => page.mainFrame.document.body as unknown as HTMLElement;
const results = (page: BrowserPage) => getByRole(bodyOf(page), "region", { name: "Results" });
const found = (page: BrowserPage) => queryAllByRole(results(page), "link").map((link) => link.textContent);

beforeEach(async () => {
  asked = [];
  const cookie = await signIn(RECRUITER);
  visitor = new Visitor({
    prepare(window) {
      window.document.cookie = cookie;
      const original = window.fetch.bind(window);
      window.fetch = (input, init) => {
        const { pathname, searchParams } = new URL(typeof input === "object" && "url" in input ? input.url : String(input), base());
        if (pathname === "/api/search") asked.push([...searchParams.values()].join(" at "));
        return original(input, init);
      };
    },
  });
  // Puts the cookie into the browser.
  await visitor.glimpse("/login");
});

afterEach(() => visitor.leave());

/** The search box, once React listens to it. */
async function searchBox(page: BrowserPage): Promise<HTMLElement> {
  await eventually(page, () => {
    const box = getByRole(bodyOf(page), "searchbox", { name: "Search applicants" });
    expect(Object.keys(box).some((key) => key.startsWith("__reactProps"))).toBe(true);
  });
  return getByRole(bodyOf(page), "searchbox", { name: "Search applicants" });
}

test("a search sends one request, and one more for a stage, and then rests", async () => {
  const page = await visitor.open("/search");
  const box = await searchBox(page);
  expect(asked).toEqual([]);

  fireEvent.input(box, { target: { value: "Amara Nwosu" } });
  await eventually(page, () => expect(found(page)).toContain("Amara Nwosu"));
  await sleep(1000);
  expect(asked).toEqual(["Amara Nwosu"]);
  expect(results(page).getAttribute("aria-busy")).toBe("false");

  fireEvent.change(getByRole(bodyOf(page), "combobox", { name: "Stage" }), { target: { value: "hired" } });
  await eventually(page, () => {
    expect(results(page).getAttribute("aria-busy")).toBe("false");
    expect(found(page)).not.toContain("Amara Nwosu");
  });
  await sleep(500);
  expect(asked).toEqual(["Amara Nwosu", "Amara Nwosu at hired"]);
});

test("a search in the URL is sent once", async () => {
  const page = await visitor.open("/search?q=Amara+Nwosu&stage=applied");
  await eventually(page, () => expect(found(page)).toContain("Amara Nwosu"));
  await sleep(500);

  expect(asked).toEqual(["Amara Nwosu at applied"]);
});
