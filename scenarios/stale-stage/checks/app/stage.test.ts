import { setTimeout as sleep } from "node:timers/promises";
import { base, RECRUITER, signIn } from "kit/app";
import { Visitor } from "kit/browser";
import { getByLabelText, getByRole, queryAllByRole, within } from "@testing-library/dom";
import { type BrowserPage, Window } from "happy-dom";
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";

vi.setConfig({ testTimeout: 60_000 });

type Stage = "applied" | "screening" | "interview" | "offer" | "hired" | "rejected";

interface Person {
  id: string;
  name: string;
  stage: Stage;
}

// One for each test, so that none depends on what another has done.
const amara: Person = { id: "applicant_001", name: "Amara Nwosu", stage: "applied" };
const jonas: Person = { id: "applicant_002", name: "Jonas Bergström", stage: "applied" };
const lucia: Person = { id: "applicant_003", name: "Lucía Fernández", stage: "screening" };
const wei: Person = { id: "applicant_004", name: "Wei Zhang", stage: "applied" };
const hannah: Person = { id: "applicant_005", name: "Hannah Vogel", stage: "interview" };
const sofia: Person = { id: "applicant_007", name: "Sofia Rossi", stage: "screening" };
const priyanka: Person = { id: "applicant_009", name: "Priyanka Iyer", stage: "offer" };

const STAGES: string[] = ["applied", "screening", "interview", "offer", "hired", "rejected"];

const parser = new (new Window().DOMParser)();

let cookie: string;
let visitor: Visitor;

beforeEach(async () => {
  cookie = await signIn(RECRUITER);
  visitor = new Visitor();
  setCookies(await visitor.glimpse("/login"), cookie.split("; "));
});

afterEach(() => visitor.leave());

function setCookies(page: BrowserPage, cookies: string[]) {
  for (const pair of cookies) page.mainFrame.document.cookie = `${pair}; path=/`;
}

function endSession(page: BrowserPage) {
  const names = cookie.split("; ").map((pair) => pair.split("=", 1)[0]);
  setCookies(
    page,
    names.map((name) => `${name}=; expires=Thu, 01 Jan 1970 00:00:00 GMT`),
  );
}

const bodyOf = (page: BrowserPage) => page.mainFrame.document.body as unknown as HTMLElement;

function stagesIn(element: Element | null | undefined): string[] {
  const leaves = [...(element?.querySelectorAll("*") ?? [])].filter(({ children }) => children.length === 0);
  return leaves.map((leaf) => leaf.textContent.trim().toLowerCase()).filter((text) => STAGES.includes(text));
}

/** What the server sends to somebody who opens the page now. */
async function opened(path: string): Promise<Element> {
  const response = await fetch(base() + path, { headers: { cookie } });
  expect(response.status).toBe(200);
  const html = await response.text();
  return parser.parseFromString(html, "text/html").body as unknown as Element;
}

const linkTo = (root: Element, { id }: Person) => root.querySelector(`a[href="/applicants/${id}"]`);

async function listedStage(person: Person, query: string): Promise<string[]> {
  return stagesIn(linkTo(await opened(`/applicants?${query}`), person)?.closest("tr"));
}

async function dashboard() {
  const page = await opened("/dashboard");
  const items = [...page.querySelectorAll('ul[aria-label="Applicants by stage"] li')];
  const latest = page.querySelector('ul[aria-label="Latest applicants"]');
  return {
    counts: Object.fromEntries(items.map((item) => [stagesIn(item)[0], Number(/\d+/.exec(item.textContent)?.[0])])),
    latestStage: (person: Person) => stagesIn(latest && linkTo(latest, person)?.closest("li")),
  };
}

function badge(page: BrowserPage, { name }: Person): string[] {
  return stagesIn(getByRole(bodyOf(page), "heading", { level: 1, name }).closest("header"));
}

const select = (page: BrowserPage) => getByLabelText(bodyOf(page), "Move to") as HTMLSelectElement;

const button = (page: BrowserPage, name: string) => getByRole(bodyOf(page), "button", { name });

/** On a busy machine a page can look idle while React has yet to render, so only time tells that nothing comes. */
const soon = (check: () => void, seconds = 10) => vi.waitFor(check, { timeout: seconds * 1000, interval: 20 });

/** React takes a page over piece by piece. */
const takenOver = (find: () => HTMLElement) => soon(() => expect(Object.keys(find()).join()).toContain("__reactProps"));

async function openApplicant(person: Person): Promise<BrowserPage> {
  const page = await visitor.open(`/applicants/${person.id}`);
  await takenOver(() => button(page, "Change stage"));
  // React marks an element before it listens to it.
  await settled(page);
  expect(badge(page, person)).toEqual([person.stage]);
  return page;
}

function submit(page: BrowserPage, stage: string) {
  const { Event } = page.mainFrame.window;
  select(page).value = stage;
  select(page).dispatchEvent(new Event("change", { bubbles: true }) as unknown as globalThis.Event);
  button(page, "Change stage").click();
}

/** Moves through the form, and returns once the form has announced its success. */
async function move(page: BrowserPage, stage: Stage) {
  submit(page, stage);
  await soon(() => {
    const announcements = queryAllByRole(bodyOf(page), "status").map(({ textContent }) => textContent);
    expect(announcements).toContain("Stage changed.");
  });
}

/** For tests of other pages: goes on after a while even if this one still shows the old stage. */
async function moveHere(person: Person, stage: Stage) {
  const page = await openApplicant(person);
  await move(page, stage);
  await soon(() => expect(badge(page, person)).toEqual([stage]), 1.5).catch(() => undefined);
}

/** Waits until the page has nothing left to do, but not for one that never comes to rest. */
async function settled(page: BrowserPage) {
  await Promise.race([page.waitUntilComplete(), sleep(2000)]);
}

/** Tells later whether the document is still the one that was opened. */
function mark(page: BrowserPage): () => boolean {
  const { document } = page.mainFrame;
  return () => page.mainFrame.document === document;
}

describe("a successful move", () => {
  test("shows on the applicant's page without a reload", async () => {
    const page = await openApplicant(amara);
    const untouched = mark(page);

    await move(page, "interview");

    await soon(() => expect(badge(page, amara)).toEqual(["interview"]), 5);
    await settled(page);
    expect(untouched()).toBe(true);
    expect(badge(await visitor.open(`/applicants/${amara.id}`), amara)).toEqual(["interview"]);
  });

  test("shows in the list the next time it is opened, whatever the filters", async () => {
    const lists = ["", "q=Wei+Zhang", "stage=applied&q=zhang", "stage=rejected&q=zhang"];
    const look = async () => {
      const stages = [];
      for (const query of lists) stages.push(await listedStage(wei, query));
      return stages;
    };
    expect(await look()).toEqual([["applied"], ["applied"], ["applied"], []]);

    await moveHere(wei, "rejected");

    expect(await look()).toEqual([["rejected"], ["rejected"], [], ["rejected"]]);
  });

  test("counts on the dashboard the next time it is opened", async () => {
    const before = await dashboard();
    expect(before.counts).toMatchObject({ interview: expect.any(Number), hired: expect.any(Number) });

    await moveHere(hannah, "hired");

    const { interview = 0, hired = 0 } = before.counts;
    expect((await dashboard()).counts).toEqual({ ...before.counts, interview: interview - 1, hired: hired + 1 });
  });

  test("shows among the latest applicants the next time the dashboard is opened", async () => {
    expect((await dashboard()).latestStage(jonas)).toEqual(["applied"]);

    await moveHere(jonas, "screening");

    expect((await dashboard()).latestStage(jonas)).toEqual(["screening"]);
  });

  test("shows in the list that a link of the applicant's page leads to", async () => {
    const page = await visitor.open("/applicants");
    const untouched = mark(page);
    const row = () => linkTo(bodyOf(page), lucia)?.closest("tr");
    expect(stagesIn(row())).toEqual(["screening"]);
    const link = () => getByRole(bodyOf(page), "link", { name: lucia.name });
    await takenOver(link);
    link().click();
    await soon(() => expect(badge(page, lucia)).toEqual(["screening"]));

    await move(page, "offer");
    within(getByRole(bodyOf(page), "navigation", { name: "Main" })).getByRole("link", { name: "Applicants" }).click();

    await soon(() => expect(stagesIn(row())).toEqual(["offer"]), 5);
    expect(untouched()).toBe(true);
  });
});

describe("a failed move", () => {
  test("to an unknown stage is answered with an alert and changes nothing", async () => {
    const query = "q=Sofia+Rossi";
    expect(await listedStage(sofia, query)).toEqual(["screening"]);
    const { counts } = await dashboard();
    const page = await openApplicant(sofia);
    const { document } = page.mainFrame;
    const option = Object.assign(document.createElement("option"), { value: "promoted", textContent: "Promoted" });
    document.querySelector('select[name="stage"]')?.append(option);

    submit(page, "promoted");

    await soon(() => expect(queryAllByRole(bodyOf(page), "alert")).not.toHaveLength(0));
    await soon(() => expect(badge(page, sofia)).toEqual(["screening"]), 5);
    expect(await listedStage(sofia, query)).toEqual(["screening"]);
    expect((await dashboard()).counts).toEqual(counts);
    expect(badge(await visitor.open(`/applicants/${sofia.id}`), sofia)).toEqual(["screening"]);
  });

  test("without a session changes nothing", async () => {
    const query = "q=Priyanka+Iyer";
    expect(await listedStage(priyanka, query)).toEqual(["offer"]);
    const { counts } = await dashboard();
    const page = await openApplicant(priyanka);
    endSession(page);

    submit(page, "hired");
    // Whatever the answer is, or none at all.
    const answers = () => ["alert", "status"].flatMap((role) => queryAllByRole(bodyOf(page), role));
    await soon(() => expect(answers()).not.toHaveLength(0), 3).catch(() => undefined);
    await settled(page);

    expect(await listedStage(priyanka, query)).toEqual(["offer"]);
    expect((await dashboard()).counts).toEqual(counts);
    expect(stagesIn((await opened(`/applicants/${priyanka.id}`)).querySelector("h1")?.closest("header"))).toEqual(["offer"]);
  });
});

test("a saved note shows up without a reload", async () => {
  const page = await visitor.open("/applicants/applicant_008");
  await takenOver(() => button(page, "Save note"));
  const untouched = mark(page);
  const notes = () => queryAllByRole(bodyOf(page), "listitem").filter((item) => item.textContent.includes("Call on Monday"));
  expect(notes()).toHaveLength(0);

  (getByLabelText(bodyOf(page), "Add a note") as HTMLTextAreaElement).value = "Call on Monday";
  button(page, "Save note").click();

  await soon(() => expect(notes()).toHaveLength(1), 5);
  expect(untouched()).toBe(true);
});
