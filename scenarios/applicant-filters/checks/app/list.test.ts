import { base, RECRUITER, signIn } from "kit/app";
import { environment } from "kit/next";
import { getAllByRole, getByLabelText, getByRole, queryByRole, within } from "@testing-library/dom";
import { Window } from "happy-dom";
import { encode } from "next-auth/jwt";
import { beforeEach, describe, expect, test } from "vitest";

interface Row {
  id: string;
  name: string;
  email: string;
  position: string;
  stage: string;
}

interface Page {
  url: URL;
  html: string;
  main: HTMLElement;
}

let cookie = "";
/** Everybody, as one page of 50 lists them. */
let everybody: Row[] = [];

beforeEach(async () => {
  cookie ||= await signIn(RECRUITER);
  if (everybody.length === 0) everybody = rows(await open("/applicants?size=50"));
  expect(everybody.length).toBeGreaterThan(40);
  expect(everybody.filter(({ email }) => !/^\S+@example\.com$/.test(email))).toEqual([]);
});

/** The page as it is for somebody whose browser runs no scripts. */
async function open(address: string | URL): Promise<Page> {
  const url = new URL(address, base());
  const response = await fetch(url, { headers: { cookie } });
  const html = await response.text();
  expect(response.status, `${url}: ${html.slice(0, 300)}`).toBe(200);
  const window = new Window({ url: url.href });
  const { body } = new window.DOMParser().parseFromString(html, "text/html");
  window.document.body.innerHTML = body.innerHTML;
  for (const select of window.document.querySelectorAll("select")) {
    // Where an option is marked as selected, happy-dom takes another one.
    const options = [...select.querySelectorAll("option")];
    select.selectedIndex = Math.max(0, options.findLastIndex((option) => option.hasAttribute("selected")));
  }
  const main = window.document.querySelector("main") as unknown as HTMLElement;
  return { url, html, main };
}

function rows({ main }: Page): Row[] {
  return [...main.querySelectorAll("table tr")].flatMap((row) => {
    const link = row.querySelector("a[href*='/applicants/']");
    if (!link) return [];
    const [person = "", position = "", stage = ""] = [...row.querySelectorAll("th, td")].map(({ textContent }) => textContent);
    const name = link.textContent;
    return {
      id: link.getAttribute("href")?.match(/\/applicants\/([^/?#]+)/)?.[1] ?? "",
      name: name.trim(),
      email: person.replace(name, "").trim(),
      position: position.trim(),
      stage: stage.trim().toLowerCase(),
    };
  });
}

const ids = (list: { id: string }[]) => list.map(({ id }) => id);
const idsOn = (page: Page) => ids(rows(page));
const pagesOf = ({ main }: Page) => getByRole(main, "navigation", { name: "Pages" });

function expectStatus({ main }: Page, text: string) {
  const texts = getAllByRole(main, "status").map(({ textContent }) => textContent.replace(/\s*[-–—]\s*/, "–"));
  expect(texts).toContainEqual(expect.stringMatching(new RegExp(`(?<!\\d)${text}`)));
}

function follow(page: Page, link: HTMLElement): Promise<Page> {
  return open(new URL(link.getAttribute("href") ?? "", page.url));
}

/** Follows a link of the navigation by its name, or says that there is none. */
async function turn(page: Page, name: "Previous" | "Next"): Promise<Page | null> {
  const link = within(pagesOf(page)).queryByRole("link", { name: new RegExp(`^\\W*${name}\\W*$`) });
  return link && follow(page, link);
}

function applied(person: Row): boolean {
  return person.stage === "applied";
}

function byName(list: Row[]): Row[] {
  return list.toSorted((a, b) => (a.name.toLowerCase() < b.name.toLowerCase() ? -1 : 1));
}

function applicantsIn(text: string): number {
  return everybody.filter(({ id, email }) => text.includes(id) || text.includes(email)).length;
}

describe("the list", () => {
  test("is ten rows and says which", async () => {
    const first = await open("/applicants");
    const second = await open("/applicants?page=2");

    expect(idsOn(first)).toEqual(ids(everybody.slice(0, 10)));
    expect(idsOn(second)).toEqual(ids(everybody.slice(10, 20)));
    expectStatus(first, `1–10 of ${everybody.length} applicants`);
    expectStatus(second, `11–20 of ${everybody.length} applicants`);
  });

  test("combines text, stage, sort and page", async () => {
    const page = await open("/applicants?q=EXAMPLE.com&stage=applied&sort=name&page=2");

    const matches = byName(everybody.filter(applied));
    expect(idsOn(page)).toEqual(ids(matches.slice(10, 20)));
    expectStatus(page, `11–${matches.length} of ${matches.length} applicants`);
  });

  test("combines position and stage", async () => {
    const page = await open("/applicants?job=data-analyst&stage=applied");

    expect(idsOn(page)).toEqual(ids(everybody.filter((row) => applied(row) && row.position === "Data Analyst")));
  });

  test("sends nobody else to the browser", async () => {
    const { html } = await open("/applicants?stage=applied&page=1");
    const forRouter = await fetch(`${base()}/applicants?sort=oldest`, { headers: { cookie, RSC: "1" } });

    expect(applicantsIn(html)).toBe(10);
    expect(applicantsIn(await forRouter.text())).toBeLessThanOrEqual(10);
  });

  test("takes what makes no sense as not given", async () => {
    const page = await open("/applicants?stage=promoted&sort=constructor&size=1000&page=-1");

    expect(idsOn(page)).toEqual(ids(everybody.slice(0, 10)));
  });

  test.each(["%", "_", "\\", "%25", "' or 1=1 --"])("finds nobody by %j", async (q) => {
    const page = await open(`/applicants?${new URLSearchParams({ q })}`);

    expect(rows(page)).toEqual([]);
    expectStatus(page, "0 applicants");
    expect(queryByRole(page.main, "navigation", { name: "Pages" })).toBeNull();
  });

  test("finds a name with an apostrophe", async () => {
    const page = await open(`/applicants?${new URLSearchParams({ q: "o'con" })}`);

    expect(rows(page).map(({ name }) => name)).toEqual(["Daniel O'Connor"]);
  });
});

describe("the page links", () => {
  test("lead through all who match and keep the filters", async () => {
    const start = await open("/applicants?q=%40example.com&stage=applied&sort=name");
    const next = await turn(start, "Next");
    const back = next && (await turn(next, "Previous"));

    const matches = byName(everybody.filter(applied));
    expect(idsOn(start)).toEqual(ids(matches.slice(0, 10)));
    expect(next && idsOn(next)).toEqual(ids(matches.slice(10)));
    expect(back && idsOn(back)).toEqual(ids(matches.slice(0, 10)));
    expect(next && (await turn(next, "Next"))).toBeNull();
    expect(await turn(start, "Previous")).toBeNull();
  });

  test("name the pages and keep sort and size", async () => {
    const start = await open("/applicants?sort=name&size=25");
    const link = [...pagesOf(start).querySelectorAll("a")].find(({ textContent }) => textContent?.match(/\d+/)?.[0] === "2");
    const second = link && (await follow(start, link));

    expect(second && idsOn(second)).toEqual(ids(byName(everybody).slice(25)));
    const current = second && [...pagesOf(second).querySelectorAll("[aria-current='page']")];
    expect(current?.map(({ textContent }) => textContent?.match(/\d+/)?.[0])).toEqual(["2"]);
  });
});

describe("the form", () => {
  const form = ({ main }: Page) => getByRole<HTMLFormElement>(main, "search", { name: "Applicants" });
  const field = (page: Page, label: string) =>
    getByLabelText<HTMLInputElement | HTMLSelectElement>(form(page), label);

  /** Where the browser goes when the form is sent. */
  function send(page: Page): Promise<Page> {
    getByRole(form(page), "button", { name: "Filter" });
    expect(form(page).getAttribute("method")?.toLowerCase() ?? "get").toBe("get");
    const { FormData } = form(page).ownerDocument.defaultView as unknown as typeof globalThis;
    const url = new URL(form(page).getAttribute("action") || page.url.pathname, page.url);
    url.search = new URLSearchParams([...new FormData(form(page))] as [string, string][]).toString();
    return open(url);
  }

  test("shows what is set", async () => {
    const page = await open("/applicants?q=%22a%22+%26+b&stage=offer&job=data-analyst&sort=oldest&size=25");

    const labels = ["Name or e-mail", "Stage", "Position", "Sort by", "Rows per page"];
    expect(labels.map((label) => field(page, label).value)).toEqual(['"a" & b', "offer", "data-analyst", "oldest", "25"]);
  });

  test("starts a new filter at page one and keeps the rest", async () => {
    const page = await open("/applicants?q=example&sort=name&page=3");
    field(page, "Stage").value = "applied";

    const answer = await send(page);

    expect(idsOn(answer)).toEqual(ids(byName(everybody.filter(applied)).slice(0, 10)));
  });

  test("sets every filter, and none", async () => {
    const page = await open("/applicants");
    field(page, "Name or e-mail").value = "e";
    field(page, "Position").value = "data-analyst";
    field(page, "Sort by").value = "name";
    field(page, "Rows per page").value = "25";

    const answer = await send(page);
    for (const label of ["Name or e-mail", "Position"]) field(answer, label).value = "";
    const all = await send(answer);

    expect(idsOn(answer)).toEqual(ids(byName(everybody.filter(({ position }) => position === "Data Analyst"))));
    expect(idsOn(all)).toEqual(ids(byName(everybody).slice(0, 25)));
  });
});

describe("the headings", () => {
  const heading = ({ main }: Page, name: string) => getByRole(main, "columnheader", { name: new RegExp(name, "i") });
  const link = (page: Page, name: string) => within(heading(page, name)).getByRole("link");

  test("sort by name, keep the filter and start at page one", async () => {
    const page = await open("/applicants?stage=applied&page=2");
    expect(heading(page, "Applied").getAttribute("aria-sort")).toBe("descending");

    const sorted = await follow(page, link(page, "Name"));

    expect(idsOn(sorted)).toEqual(ids(byName(everybody.filter(applied)).slice(0, 10)));
    expect(heading(sorted, "Name").getAttribute("aria-sort")).toBe("ascending");
    expect(heading(sorted, "Applied").getAttribute("aria-sort") ?? "none").toBe("none");
  });

  test("turn the order of the dates round", async () => {
    const newest = await open("/applicants?size=50");
    const oldest = await follow(newest, link(newest, "Applied"));
    const again = await follow(oldest, link(oldest, "Applied"));

    expect(heading(oldest, "Applied").getAttribute("aria-sort")).toBe("ascending");
    expect(rows(oldest)).not.toEqual(everybody);
    expect(idsOn(oldest).toSorted()).toEqual(ids(everybody).toSorted());
    expect(idsOn(again)).toEqual(ids(everybody));
  });
});

test("the chart on the dashboard leads to the stages, and the latest applicants are still there", async () => {
  const dashboard = await open("/dashboard");
  const list = await follow(dashboard, getByRole(dashboard.main, "link", { name: /^interview$/i }));

  expect(idsOn(list)).toEqual(ids(everybody.filter(({ stage }) => stage === "interview").slice(0, 10)));
  for (const { name } of everybody.slice(0, 5)) expect(dashboard.main.textContent).toContain(name);
});

test("the list as JSON takes the same parameters", async () => {
  const response = await fetch(`${base()}/api/applicants?q=example&stage=applied&sort=name&page=2`, { headers: { cookie } });
  const { rows: list, ...counts } = (await response.json()) as { rows: Row[] };

  const matches = byName(everybody.filter(applied));
  expect(ids(list)).toEqual(ids(matches.slice(10)));
  expect(list[0]).toMatchObject({ name: matches[10]?.name, email: matches[10]?.email, jobTitle: matches[10]?.position });
  expect(counts).toMatchObject({ total: matches.length, page: 2, pageCount: 2 });
});

describe.each(["a visitor", "a session without an account"])("%s", (who) => {
  let headers: Record<string, string>;

  beforeEach(async () => {
    const secret = environment("", base()).NEXTAUTH_SECRET ?? "";
    const token = await encode({ token: { sub: "user_left_us", name: "Gone", email: "gone@example.com" }, secret });
    headers = who === "a visitor" ? {} : { cookie: `next-auth.session-token=${token}` };
  });

  test("is sent to the login", async () => {
    const response = await fetch(`${base()}/applicants?stage=applied`, { headers });

    expect(new URL(response.url).pathname).toBe("/login");
    expect(applicantsIn(await response.text())).toBe(0);
  });

  test("learns nothing by the requests of the router", async () => {
    const response = await fetch(`${base()}/applicants?stage=applied`, { headers: { ...headers, RSC: "1" } });

    expect(applicantsIn(await response.text())).toBe(0);
  });

  test("gets no JSON", async () => {
    const response = await fetch(`${base()}/api/applicants`, { headers });

    expect(response.status).toBe(401);
    expect(applicantsIn(await response.text())).toBe(0);
  });
});
