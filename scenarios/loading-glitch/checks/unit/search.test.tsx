// @vitest-environment happy-dom
import { screen, waitFor } from "@testing-library/dom";
import { userEvent } from "@testing-library/user-event";
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { SearchPanel } from "@/app/(admin)/search/search-panel";
import { type Call, FAILURES, leave, listen, rest, show, unhandledDuring } from "./page";

interface Look {
  busy: boolean;
  empty: boolean;
  alert: boolean;
}

const PATIENCE = { timeout: 4_000 };
const WAITING: Look = { busy: true, empty: false, alert: false };
const QUIET: Look = { busy: false, empty: false, alert: false };

let calls: Call[];
/** Everything that could be seen since the page was opened or, later, since the last action. */
let seen: Look[];

const results = () => screen.queryByRole("region", { name: "Results" });
const state = (): Look => ({
  busy: results()?.getAttribute("aria-busy") === "true",
  empty: screen.queryByText("Nobody fits") !== null,
  alert: screen.queryAllByRole("alert").some((alert) => alert.textContent !== ""),
});

function open(text = "") {
  show(<SearchPanel initialText={text} />, () => {
    if (results()) seen.push(state());
  });
  return screen.findByRole("searchbox", { name: "Search applicants" }, PATIENCE);
}

/** Forgets what was seen before the first event of an action, and nothing after it. */
async function since(event: "input" | "change" | "click", action: () => Promise<void>) {
  const forget = () => (seen = []);
  document.addEventListener(event, forget, { capture: true, once: true });
  await action();
  document.removeEventListener(event, forget, { capture: true });
}

const box = () => screen.getByRole("searchbox", { name: "Search applicants" });
const type = (text: string) => since("input", () => userEvent.type(box(), text));
const choose = (stage: string) =>
  since("change", () => userEvent.selectOptions(screen.getByRole("combobox", { name: "Stage" }), stage));
const tryAgain = () => since("click", () => userEvent.click(screen.getByRole("button", { name: "Try again" })));

const matching = (q: string, stage: string | null) =>
  calls.filter(({ url }) => url.searchParams.get("q") === q && url.searchParams.get("stage") === stage);

/** Waits for the question to be asked for the nth time. */
async function asked(q: string, { stage = null, times = 1 }: { stage?: string | null; times?: number } = {}) {
  await waitFor(() => expect(matching(q, stage).length).toBeGreaterThanOrEqual(times), PATIENCE);
  return matching(q, stage)[times - 1]!;
}

function people(...names: string[]): Response {
  const hits = names.map((name) => ({
    id: name,
    name,
    email: `${name}@example.com`,
    stage: "offer",
    jobTitle: "Engineer",
    score: 0.9,
    excerpt: "",
  }));
  return Response.json({ hits });
}

const found = (name: string) => screen.findByRole("link", { name }, PATIENCE);
const becomes = (expected: Look) => waitFor(() => expect(state()).toEqual(expected), PATIENCE);

function expectNothingButWaiting() {
  expect(seen.length).toBeGreaterThan(0);
  for (const look of seen) expect(look).toEqual(WAITING);
}

beforeEach(() => {
  calls = listen();
  seen = [];
});

afterEach(() => {
  leave();
  vi.unstubAllGlobals();
});

describe("until the answer", () => {
  test("a page without a question is at rest", async () => {
    await open();
    await rest();

    expect(state()).toEqual(QUIET);
    expect(calls).toEqual([]);
  });

  test("a typed question is busy from the first key stroke on", async () => {
    await open();
    await type("sql");
    const call = await asked("sql");
    expectNothingButWaiting();

    call.answer(people("Mara"));
    await found("Mara");
    await becomes(QUIET);
  });

  test("a page that is opened with a question is busy at once", async () => {
    await open("sql");
    const call = await asked("sql");
    await rest();
    expectNothingButWaiting();

    call.answer(people("Mara"));
    await found("Mara");
    await becomes(QUIET);
  });

  test("the next question is busy without a gap", async () => {
    await open("sql");
    (await asked("sql")).answer(people("Mara"));
    await found("Mara");

    await type("ite");
    await asked("sqlite");
    await rest();
    expectNothingButWaiting();
  });

  test("another stage is busy without a gap", async () => {
    await open("sql");
    (await asked("sql")).answer(people());
    await becomes({ ...QUIET, empty: true });

    await choose("Hired");
    const call = await asked("sql", { stage: "hired" });
    await rest();
    expectNothingButWaiting();

    call.answer(people("Mara"));
    await found("Mara");
  });
});

describe("an answer", () => {
  test("without anybody says so, and only then", async () => {
    await open();
    await type("sql");
    const call = await asked("sql");
    expectNothingButWaiting();

    call.answer(people());
    await becomes({ ...QUIET, empty: true });
  });

  test("to an empty question is not awaited", async () => {
    await open("sql");
    const call = await asked("sql");
    await userEvent.clear(box());
    await becomes(QUIET);

    call.answer(people());
    await rest();
    expect(state()).toEqual(QUIET);
  });
});

describe.each(FAILURES)("%s", (_what, fail) => {
  test("is reported, and can be tried again", async () => {
    await open("sql");
    fail(await asked("sql"));
    await becomes({ ...QUIET, alert: true });

    await tryAgain();
    const call = await asked("sql", { times: 2 });
    await rest();
    expectNothingButWaiting();

    call.answer(people("Mara"));
    await found("Mara");
    await becomes(QUIET);
  });
});

describe("a failure", () => {
  test("again is reported again", async () => {
    await open("sql");
    (await asked("sql")).lose();
    await becomes({ ...QUIET, alert: true });
    await tryAgain();
    (await asked("sql", { times: 2 })).lose();

    await becomes({ ...QUIET, alert: true });
    expect(screen.getByRole("button", { name: "Try again" })).toBeTruthy();
  });

  test("is over with the next question", async () => {
    await open("sql");
    (await asked("sql")).lose();
    await becomes({ ...QUIET, alert: true });

    await type("ite");
    const call = await asked("sqlite");
    await rest();
    expectNothingButWaiting();

    call.answer(people("Mara"));
    await found("Mara");
    await becomes(QUIET);
  });
});

describe("a question that was replaced", () => {
  test("leaves the page busy, although its request may be aborted", async () => {
    await open("go");
    await asked("go");
    await type("lang");
    await asked("golang");
    await rest();

    expectNothingButWaiting();
  });

  test("is not answered any more", async () => {
    await open("go");
    const old = await asked("go");
    await type("lang");
    const call = await asked("golang");
    old.answer(people());
    await rest();
    expectNothingButWaiting();

    call.answer(people("Mara"));
    await found("Mara");
    await becomes(QUIET);
  });

  test("does not fail any more", async () => {
    await open("go");
    const old = await asked("go");
    await type("lang");
    (await asked("golang")).answer(people("Mara"));
    await found("Mara");

    old.lose();
    await rest();
    expect(state()).toEqual(QUIET);
    expect(screen.getByRole("link", { name: "Mara" })).toBeTruthy();
  });

  test("is not answered late either", async () => {
    await open("go");
    const old = await asked("go");
    await type("lang");
    (await asked("golang")).answer(people("Mara"));
    await found("Mara");

    old.answer(people("Udo"));
    await rest();
    expect(screen.getAllByRole("link").map((link) => link.textContent)).toEqual(["Mara"]);
  });
});

describe("whoever leaves before the answer", () => {
  test.each([["an answer", (call: Call) => call.answer(people("Mara"))], ...FAILURES] as const)(
    "leaves nothing behind for %s",
    async (_what, end) => {
      await open("sql");
      const call = await asked("sql");

      const unhandled = await unhandledDuring(() => {
        leave();
        end(call);
      });
      expect(unhandled).toEqual([]);
    },
  );
});
