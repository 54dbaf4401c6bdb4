// @vitest-environment happy-dom
import { act, cleanup, fireEvent, render, screen } from "@testing-library/react";
import { StrictMode } from "react";
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { SearchPanel } from "@/app/(admin)/search/search-panel";

/** From here on nobody is answered any more: an endless loop comes to rest and can be counted. */
const LAST_ANSWER = 25;
/** Longer than any pause after typing, and long enough for a loop that was merely slowed down. */
const A_WHILE = 60_000;

interface Call {
  url: URL;
  settle: (response: Response) => void;
  fail: (error: unknown) => void;
}

let calls: Call[];

/** Takes the place of the server: what `respond` leaves alone is answered by the test. */
function serve(respond: (call: Call) => void, { rejectsAborted = false } = {}) {
  vi.stubGlobal("fetch", (input: RequestInfo | URL, init?: RequestInit) => {
    const url = new URL(typeof input === "object" && "url" in input ? input.url : String(input), "http://localhost");
    const signal = init?.signal ?? (typeof input === "object" && "signal" in input ? input.signal : null);
    return new Promise<Response>((settle, fail) => {
      const call = { url, settle, fail };
      calls.push(call);
      if (rejectsAborted) signal?.addEventListener("abort", () => fail(new DOMException("Aborted.", "AbortError")));
      if (calls.length <= LAST_ANSWER) respond(call);
    });
  });
}

const nameFor = ({ url }: Call) => [url.searchParams.get("q"), url.searchParams.get("stage")].filter(Boolean).join(" at ");

/** One applicant, who is called like the question. */
function answer(call: Call) {
  const name = nameFor(call);
  const hits = [{ id: "a", name, email: "a@example.com", stage: "offer", jobTitle: "Engineer", score: 1, excerpt: "" }];
  call.settle(Response.json({ hits }));
}

const refuse = (call: Call) => call.settle(Response.json({ message: "Sorry.", fieldErrors: {} }, { status: 500 }));
const keepWaiting = () => {};

/** In steps, because React renders at the end of each. */
async function passAWhile() {
  for (let step = 0; step < 20; step++) {
    await act(() => vi.advanceTimersByTimeAsync(A_WHILE / 20));
  }
}

async function reply(call: Call | undefined) {
  if (!call) throw new Error("Nobody has asked.");
  answer(call);
  await passAWhile();
}

async function type(text: string) {
  fireEvent.change(screen.getByRole("searchbox", { name: "Search applicants" }), { target: { value: text } });
  await passAWhile();
}

async function choose(stage: string) {
  fireEvent.change(screen.getByRole("combobox", { name: "Stage" }), { target: { value: stage } });
  await passAWhile();
}

const asked = () => calls.map(nameFor);
const found = () => screen.queryAllByRole("link").map((link) => link.textContent);
const isBusy = () => screen.getByRole("region", { name: "Results" }).getAttribute("aria-busy") === "true";

beforeEach(() => {
  calls = [];
  vi.useFakeTimers();
});

afterEach(() => {
  cleanup();
  vi.useRealTimers();
  vi.unstubAllGlobals();
});

describe("one request", () => {
  test("for a text, and none after its answer", async () => {
    serve(answer);
    render(<SearchPanel />);
    await type("sql");

    expect(asked()).toEqual(["sql"]);
    expect(found()).toEqual(["sql"]);
    expect(isBusy()).toBe(false);
  });

  test("more for each change of the text", async () => {
    serve(answer);
    render(<SearchPanel />);
    await type("sql");
    await type("go");
    await type("rust");

    expect(asked()).toEqual(["sql", "go", "rust"]);
    expect(found()).toEqual(["rust"]);
  });

  test("more for each change of the stage", async () => {
    serve(answer);
    render(<SearchPanel />);
    await type("sql");
    await choose("offer");
    expect(found()).toEqual(["sql at offer"]);
    await choose("hired");

    expect(asked()).toEqual(["sql", "sql at offer", "sql at hired"]);
    expect(found()).toEqual(["sql at hired"]);
    expect(isBusy()).toBe(false);
  });

  test("for the search that the page was opened with", async () => {
    serve(answer);
    render(<SearchPanel initialText="sql" initialStage="offer" />);
    await passAWhile();

    expect(asked()).toEqual(["sql at offer"]);
    expect(found()).toEqual(["sql at offer"]);
  });

  test("however often the page is rendered", async () => {
    serve(keepWaiting);
    const { rerender } = render(<SearchPanel />);
    await type("sql");
    rerender(<SearchPanel />);
    await passAWhile();
    expect(asked()).toEqual(["sql"]);

    await reply(calls[0]);
    rerender(<SearchPanel />);
    await passAWhile();
    expect(asked()).toEqual(["sql"]);
    expect(found()).toEqual(["sql"]);
  });

  test("in strict mode, but for the double start", async () => {
    serve(answer);
    render(
      <StrictMode>
        <SearchPanel initialText="sql" />
      </StrictMode>,
    );
    await passAWhile();
    expect(asked().length).toBeLessThanOrEqual(2);
    expect(found()).toEqual(["sql"]);
    const start = calls.length;

    await choose("offer");
    expect(asked().slice(start)).toEqual(["sql at offer"]);
    expect(found()).toEqual(["sql at offer"]);
  });
});

test("blank text asks nothing", async () => {
  serve(answer);
  render(<SearchPanel />);
  await type("   ");
  await choose("offer");

  expect(asked()).toEqual([]);
  expect(isBusy()).toBe(false);
});

describe("an old question", () => {
  test("is not answered late", async () => {
    serve(keepWaiting);
    render(<SearchPanel />);
    await type("go");
    await type("sql");
    const [old, present] = calls;
    await reply(present);
    expect(found()).toEqual(["sql"]);

    await reply(old);
    expect(found()).toEqual(["sql"]);
    expect(isBusy()).toBe(false);
    expect(asked()).toEqual(["go", "sql"]);
  });

  test("is not answered in place of the present one", async () => {
    serve(keepWaiting);
    render(<SearchPanel />);
    await type("sql");
    await choose("offer");
    const [old, present] = calls;
    await reply(old);
    expect(found()).toEqual([]);
    expect(isBusy()).toBe(true);

    await reply(present);
    expect(found()).toEqual(["sql at offer"]);
    expect(asked()).toEqual(["sql", "sql at offer"]);
  });

  test("that is aborted has not failed", async () => {
    serve(keepWaiting, { rejectsAborted: true });
    render(<SearchPanel />);
    await type("go");
    await type("sql");
    expect(screen.queryByRole("alert")).toBeNull();
    expect(isBusy()).toBe(true);

    await reply(calls.at(-1));
    expect(found()).toEqual(["sql"]);
    expect(screen.queryByRole("alert")).toBeNull();
  });
});

describe("a failure", () => {
  test.each([
    ["of the server", refuse],
    ["of the network", (call: Call) => call.fail(new TypeError("Failed to fetch"))],
  ])("%s is shown and not repeated", async (_what, respond) => {
    serve(respond);
    render(<SearchPanel />);
    await type("sql");

    expect(screen.getByRole("alert")).toBeTruthy();
    expect(isBusy()).toBe(false);
    expect(asked()).toEqual(["sql"]);
  });

  test("is tried again once, when somebody asks for it", async () => {
    serve((call) => (calls.length === 1 ? refuse(call) : answer(call)));
    render(<SearchPanel />);
    await type("sql");
    fireEvent.click(screen.getByRole("button", { name: "Try again" }));
    await passAWhile();

    expect(asked()).toEqual(["sql", "sql"]);
    expect(found()).toEqual(["sql"]);
    expect(screen.queryByRole("alert")).toBeNull();
  });
});
