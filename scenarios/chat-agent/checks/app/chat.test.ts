import { randomBytes } from "node:crypto";
import { globSync, readFileSync } from "node:fs";
import path from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { getByRole, queryAllByRole } from "@testing-library/dom";
import type { BrowserPage, BrowserWindow } from "happy-dom";
import { ADMIN, base, RECRUITER, signIn } from "kit/app";
import { Visitor } from "kit/browser";
import type { ToolCall } from "kit/composio";
import { addMissingApis } from "kit/missing-apis";
import { afterEach, beforeEach, describe, expect, inject, test } from "vitest";

const TOM = "user_tom";
const INES = "user_ines";
/** The limit that the ticket sets. */
const MODEL_REQUESTS = 10;
const TIMEOUT_MS = 10_000;
/** A page may count as complete while it still reads a stream. */
const GRACE_MS = 5_000;
const IMPATIENCE_MS = 500;

interface Sent {
  url: string;
  headers: Record<string, string>;
  body: string;
}

interface Observed {
  sessions: string[];
  calls: ToolCall[];
  modelRequests: number;
}

const services = inject("services");
const cookies = new Map<string, Promise<string>>();
let visitor: Visitor | undefined;
let sent: Sent[];

function cookieOf(user: string): Promise<string> {
  const cookie = cookies.get(user) ?? signIn(user === TOM ? RECRUITER : ADMIN);
  cookies.set(user, cookie);
  return cookie;
}

beforeEach(async () => {
  sent = [];
  await plugs({});
});

afterEach(async () => {
  await visitor?.leave();
  visitor = undefined;
});

async function plugs({ modelDown = false, composioDown = false }): Promise<void> {
  const body = JSON.stringify({ modelDown, composioDown });
  await fetch(services.control ?? "", { method: "PUT", body });
}

async function observed(): Promise<Observed> {
  return (await (await fetch(services.control ?? "")).json()) as Observed;
}

async function openChat(user: string): Promise<BrowserPage> {
  visitor = new Visitor({
    prepare: (window) => {
      addMissingApis(window);
      recordRequests(window);
    },
  });
  const { document } = (await visitor.glimpse("/login")).mainFrame;
  // As the login sets it, so that it gets on with cookies of the page's own.
  for (const pair of (await cookieOf(user)).split("; ")) document.cookie = `${pair}; path=/`;
  const page = await visitor.open("/chat");
  // The navigation may be ready before the rest of the page is.
  await until(page, () => expect(isHydrated(messageBox(page)) && isHydrated(sendButton(page))).toBe(true));
  return page;
}

/** Repeats the requests of the page as its user, changed or not. */
async function sendAgain(change = (body: string) => body): Promise<string[]> {
  const cookie = await cookieOf(TOM);
  const answers = sent.map(async ({ url, headers, body }) => {
    const response = await fetch(url, { method: "POST", headers: { ...headers, cookie }, body: change(body) });
    return response.text();
  });
  return Promise.all(answers);
}

const isHydrated = (element: object) => Object.keys(element).some((key) => key.startsWith("__reactProps"));

function recordRequests(window: BrowserWindow): void {
  const original = window.fetch.bind(window);
  window.fetch = (async (...[input, init]: Parameters<typeof original>) => {
    if (typeof init?.body === "string") {
      const headers = Object.fromEntries(new window.Headers(init.headers));
      sent.push({ url: new URL(String(input), base()).href, headers, body: init.body });
    }
    return original(input, init);
  }) as typeof window.fetch;
}

const bodyOf = (page: BrowserPage) => page.mainFrame.document.body as unknown as HTMLElement;
const messageBox = (page: BrowserPage) => getByRole(bodyOf(page), "textbox", { name: "Message" }) as HTMLInputElement;
const sendButton = (page: BrowserPage) => getByRole(bodyOf(page), "button", { name: "Send" }) as HTMLButtonElement;
const log = (page: BrowserPage) => getByRole(bodyOf(page), "log").textContent ?? "";
const alerts = (page: BrowserPage) =>
  queryAllByRole(bodyOf(page), "alert")
    .map(({ textContent }) => textContent?.trim() ?? "")
    .join("");

async function until(page: BrowserPage, check: () => void): Promise<void> {
  let deadline = Date.now() + TIMEOUT_MS;
  void page.waitUntilComplete().then(() => {
    deadline = Math.min(deadline, Date.now() + GRACE_MS);
  });
  for (;;) {
    try {
      check();
      return;
    } catch (error) {
      if (Date.now() > deadline) throw error;
    }
    await sleep(20);
  }
}

/** Types and sends as people do: who wait until the page is ready, and click again if nothing happens. */
async function ask(page: BrowserPage, question: string): Promise<void> {
  await until(page, () => expect(messageBox(page).disabled || messageBox(page).readOnly).toBe(false));
  type(page, question);
  await until(page, () => expect(sendButton(page).disabled).toBe(false));

  let clicked = 0;
  await until(page, () => {
    if (log(page).includes(question)) return;
    const waiting = messageBox(page).value === question && !sendButton(page).disabled;
    if (waiting && Date.now() - clicked > IMPATIENCE_MS) {
      sendButton(page).click();
      clicked = Date.now();
    }
    expect(log(page)).toContain(question);
  });
}

function type(page: BrowserPage, text: string): void {
  const { window } = page.mainFrame;
  const box = messageBox(page);
  const prototype = box.tagName === "TEXTAREA" ? window.HTMLTextAreaElement.prototype : window.HTMLInputElement.prototype;
  // React notices only what comes in behind its back, as typing does.
  Object.getOwnPropertyDescriptor(prototype, "value")?.set?.call(box, text);
  box.dispatchEvent(new window.Event("input", { bubbles: true }) as unknown as Event);
}

const expectAnswer = (page: BrowserPage, text: string) => until(page, () => expect(log(page)).toContain(text));
const newReference = () => `r${randomBytes(12).toString("hex")}`;

async function callsFor(...references: string[]): Promise<ToolCall[]> {
  const { calls } = await observed();
  return calls.filter(({ input }) => references.includes(String(input.reference)));
}

/** Waits for the tool's call, then for the page to quote what it returned. */
async function expectSlot(page: BrowserPage, reference: string): Promise<ToolCall> {
  await expectAnswer(page, "Come at");
  const [call] = await callsFor(reference);
  expect(call).toBeDefined();
  await expectAnswer(page, slotOf(call!));
  return call!;
}

const slotOf = ({ output }: ToolCall) => output?.match(/v[0-9a-f]{24}/)?.[0] ?? "no slot";
const backwards = (word: string) => [...word].toReversed().join("");

describe("an answer", () => {
  test("quotes what the user's tool returned for the arguments of the model", async () => {
    const page = await openChat(TOM);
    const reference = newReference();

    await ask(page, `Which slot is kept? ${reference} for 3`);

    const call = await expectSlot(page, reference);
    expect(call).toMatchObject({ userId: TOM, input: { reference, seats: 3 } });
    expect(log(page)).toContain(reference);
    expect(alerts(page)).toBe("");
  });

  test("may take several tools at once", async () => {
    const page = await openChat(TOM);
    const [first, second] = [newReference(), newReference()];

    await ask(page, `Which slots are kept? ${first} for 2, ${second} for 5`);

    await expectSlot(page, first);
    await expectSlot(page, second);
    expect((await callsFor(first, second)).map(({ input }) => input.seats).toSorted()).toEqual([2, 5]);
  });

  test("may come from the search in our own applicants", async () => {
    const page = await openChat(TOM);

    await ask(page, "Where do I write to Amara Nwosu?");

    await expectAnswer(page, "amara.nwosu@example.com");
  });

  test("takes up earlier questions and answers", async () => {
    const page = await openChat(TOM);
    const reference = newReference();
    await ask(page, `Which slot is kept? ${reference} for 1`);
    const call = await expectSlot(page, reference);

    await ask(page, "Please sum up.");

    await expectAnswer(page, backwards(reference));
    await expectAnswer(page, backwards(slotOf(call)));
    expect(await callsFor(reference)).toHaveLength(1);
  });
});

describe("when something fails", () => {
  test("a tool, the user is told and can go on", async () => {
    const page = await openChat(TOM);

    await ask(page, `Which slot is kept? x${newReference()} for 1`);
    await until(page, () => expect(alerts(page) + log(page)).toMatch(alerts(page) ? /./ : /did not work out/));

    const reference = newReference();
    await ask(page, `Which slot is kept? ${reference} for 1`);
    await expectSlot(page, reference);
  });

  test("the model, an alert says so until the next question", async () => {
    const page = await openChat(TOM);
    await plugs({ modelDown: true });

    await ask(page, `Which slot is kept? ${newReference()} for 1`);
    await until(page, () => expect(alerts(page)).not.toBe(""));
    expect(bodyOf(page).textContent).not.toContain(services.modelKey);

    await plugs({});
    const reference = newReference();
    await ask(page, `Which slot is kept? ${reference} for 1`);
    await expectSlot(page, reference);
    expect(alerts(page)).toBe("");
  });

  // Somebody for whom no session has been opened yet: one that failed must not be kept.
  test("Composio, the user is told and can go on", async () => {
    const page = await openChat(INES);
    await plugs({ composioDown: true });

    await ask(page, `Which slot is kept? ${newReference()} for 1`);
    await until(page, () => expect(alerts(page) + log(page)).toMatch(alerts(page) ? /./ : /no tool|did not work out/));
    expect(log(page)).not.toContain("Come at");

    await plugs({});
    const reference = newReference();
    await ask(page, `Which slot is kept? ${reference} for 1`);
    await expectSlot(page, reference);
  });

  test("to come to an end, the model is stopped and an alert says so", async () => {
    const page = await openChat(TOM);
    const before = await observed();

    await ask(page, "Please keep looking.");
    await until(page, () => expect(alerts(page)).not.toBe(""));

    const { modelRequests } = await observed();
    expect(modelRequests - before.modelRequests).toBeGreaterThan(1);
    expect(modelRequests - before.modelRequests).toBeLessThanOrEqual(MODEL_REQUESTS);
    const reference = newReference();
    await ask(page, `Which slot is kept? ${reference} for 1`);
    await expectSlot(page, reference);
  });
});

describe("tools belong to", () => {
  test("whoever is signed in", async () => {
    const references = { [TOM]: newReference(), [INES]: newReference() };
    for (const [user, reference] of Object.entries(references)) {
      const page = await openChat(user);
      await ask(page, `Which slot is kept? ${reference} for 1`);
      expect(await expectSlot(page, reference)).toMatchObject({ userId: user });
      await visitor?.leave();
    }
    expect((await observed()).sessions).toEqual(expect.arrayContaining([TOM, INES]));
  });

  test("nobody whose name is put into a request", async () => {
    const page = await openChat(TOM);
    const reference = newReference();
    await ask(page, `Which slot is kept? ${reference} for 1`);
    await expectSlot(page, reference);
    const before = await observed();

    await sendAgain((body) => body.replaceAll(TOM, INES));

    const after = await observed();
    expect(after.sessions.slice(before.sessions.length)).not.toContain(INES);
    expect(after.calls.slice(before.calls.length).map(({ userId }) => userId)).not.toContain(INES);
  });
});

describe("visitors", () => {
  test("get 401 from the API and cause no work", async () => {
    const before = await observed();
    const messages = [{ id: "1", role: "user", content: "Hello", parts: [{ type: "text", text: "Hello" }] }];
    const bodies = [JSON.stringify({ id: "1", message: "Hello", messages }), "{}", ""];
    for (const body of bodies) {
      const response = await fetch(`${base()}/api/chat`, {
        method: "POST",
        redirect: "manual",
        headers: { "Content-Type": "application/json" },
        body,
      });
      expect(response.status).toBe(401);
    }
    const after = await observed();
    expect([after.modelRequests, after.sessions.length]).toEqual([before.modelRequests, before.sessions.length]);
  });

  test("are sent from the page to the login", async () => {
    const response = await fetch(`${base()}/chat`);

    expect(new URL(response.url).pathname).toBe("/login");
  });
});

async function navigationLinksChat(cookie: string): Promise<boolean> {
  const html = await (await fetch(`${base()}/jobs`, { headers: { cookie } })).text();
  return /<a [^>]*href="\/chat"/.test(html);
}

test("the assistant is in the navigation of the staff only", async () => {
  expect(await navigationLinksChat(await cookieOf(TOM))).toBe(true);
  expect(await navigationLinksChat("")).toBe(false);
});

describe("no key is in", () => {
  const keys = [services.modelKey, services.composioKey, services.buildKey];
  const holdsKey = (text: string) => keys.some((key) => text.includes(key ?? ""));

  test("the page or a script", async () => {
    const response = await fetch(`${base()}/chat`, { headers: { cookie: await cookieOf(TOM) } });
    const folder = path.resolve(import.meta.dirname, "../../../.next/static");
    const files = globSync("**/*.{js,json,css,html}", { cwd: folder });

    expect(response.status).toBe(200);
    expect(holdsKey(await response.text())).toBe(false);
    expect(files).not.toEqual([]);
    expect(files.filter((file) => holdsKey(readFileSync(path.join(folder, file), "utf8")))).toEqual([]);
  });

  test("an answer, nor in the news that there is none", async () => {
    const page = await openChat(TOM);
    const reference = newReference();
    await ask(page, `Which slot is kept? ${reference} for 1`);
    await expectSlot(page, reference);

    for (const modelDown of [false, true]) {
      await plugs({ modelDown });
      for (const answer of await sendAgain()) expect(holdsKey(answer)).toBe(false);
    }
  });
});
