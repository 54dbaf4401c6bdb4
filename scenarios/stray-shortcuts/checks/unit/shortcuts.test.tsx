// @vitest-environment happy-dom
import { cleanup, fireEvent, render, renderHook, screen } from "@testing-library/react";
import { StrictMode } from "react";
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { SearchPanel } from "@/app/(admin)/search/search-panel";
import { PageKeys } from "@/components/page-keys";
import { useShortcut } from "@/hooks/use-shortcut";

/** The key listeners that there are now. It begins before the imports, so that none is missed. */
const listening = vi.hoisted(() => {
  type Entry = { type: string; listener: unknown; capture: boolean; remove: () => void };
  const entries = new Map<EventTarget, Entry[]>();

  function follow(target: EventTarget) {
    const add = target.addEventListener.bind(target);
    const remove = target.removeEventListener.bind(target);
    const forget = (gone: Entry) => entries.set(target, of(target).filter((entry) => entry !== gone));
    const find = (type: string, listener: unknown, capture: boolean) =>
      of(target).find((entry) => entry.type === type && entry.listener === listener && entry.capture === capture);

    target.addEventListener = (type: string, listener: EventListener, options?: boolean | AddEventListenerOptions) => {
      const { capture = false, once, signal } = typeof options === "object" ? options : { capture: options };
      add(type, listener, options);
      if (!/^key/.test(type) || !listener || signal?.aborted || find(type, listener, capture)) return;
      const entry = { type, listener, capture, remove: () => remove(type, listener, capture) };
      entries.set(target, [...of(target), entry]);
      signal?.addEventListener("abort", () => forget(entry));
      if (once) add(type, () => forget(entry), { once, capture });
    };
    target.removeEventListener = (type: string, listener: EventListener, options?: boolean | EventListenerOptions) => {
      const { capture = false } = typeof options === "object" ? options : { capture: options };
      remove(type, listener, options);
      const gone = find(type, listener, capture);
      if (gone) forget(gone);
    };
  }

  const of = (target: EventTarget) => entries.get(target) ?? [];
  const all = () => [...entries.values()].flat();
  for (const target of [window, document, document.documentElement, document.body]) follow(target);
  return {
    count: () => all().length,
    /** What one test leaves behind is no matter of the next. */
    clear() {
      for (const { remove } of all()) remove();
      entries.clear();
    },
  };
});

let router: { push: ReturnType<typeof vi.fn> };
vi.mock("next/navigation", () => ({ useRouter: () => router }));

const address = (page: number) => `/applicants?page=${page}`;
const list = (page: number) => <PageKeys previous={address(page - 1)} next={address(page + 1)} />;
const turned = () => router.push.mock.calls.map(([to]) => to);

/** Says whether the press is left to the browser. */
const press = (key: string, more: KeyboardEventInit = {}) => fireEvent.keyDown(document.body, { key, ...more });

function shortcut(key: string, run: () => void) {
  return renderHook((props) => useShortcut(props.key, props.run), { initialProps: { key, run } });
}

beforeEach(() => {
  router = { push: vi.fn() };
});

afterEach(() => {
  cleanup();
  listening.clear();
});

describe("a press turns one page", () => {
  test("from the one that is shown, however many were turned before", () => {
    const { rerender } = render(list(2));
    for (const page of [3, 4, 5]) rerender(list(page));

    press("ArrowRight");
    expect(turned()).toEqual([address(6)]);

    press("ArrowLeft");
    expect(turned()).toEqual([address(6), address(4)]);
  });

  test("when the list was rendered anew for another reason", () => {
    const { rerender } = render(list(2));
    rerender(list(2));
    rerender(list(2));

    press("ArrowRight");
    expect(turned()).toEqual([address(3)]);
  });

  test("when the list was visited before", () => {
    render(list(7)).unmount();
    render(list(8)).unmount();
    render(list(2));

    press("ArrowLeft");
    expect(turned()).toEqual([address(1)]);
  });

  test("in strict mode", () => {
    const { rerender } = render(<StrictMode>{list(2)}</StrictMode>);
    press("ArrowRight");
    expect(turned()).toEqual([address(3)]);

    rerender(<StrictMode>{list(3)}</StrictMode>);
    press("ArrowRight");
    expect(turned()).toEqual([address(3), address(4)]);
  });

  test("each time", () => {
    render(list(2));
    press("ArrowRight");
    press("ArrowRight");
    press("ArrowRight");

    expect(turned()).toEqual([address(3), address(3), address(3)]);
  });
});

describe("a shortcut runs what it was last given", () => {
  test("when that changes", () => {
    const [first, second, third] = [vi.fn(), vi.fn(), vi.fn()];
    const { rerender } = shortcut("n", first);
    rerender({ key: "n", run: second });
    press("n");
    rerender({ key: "n", run: third });
    press("n");
    press("n");

    expect([first, second, third].map((run) => run.mock.calls.length)).toEqual([0, 1, 2]);
  });

  test("when the key changes", () => {
    const run = vi.fn();
    const { rerender } = shortcut("n", run);
    rerender({ key: "m", run });

    expect(press("n")).toBe(true);
    expect(run).not.toHaveBeenCalled();
    expect(press("m")).toBe(false);
    expect(run).toHaveBeenCalledOnce();
  });
});

describe("several components", () => {
  test("with the same key are all run, each once", () => {
    const runs = [vi.fn(), vi.fn(), vi.fn()];
    for (const run of runs) shortcut("n", run);
    press("n");

    expect(runs.map((run) => run.mock.calls.length)).toEqual([1, 1, 1]);
  });

  test.each([
    ["first", 0, [1, 2]],
    ["second", 1, [2, 1]],
  ])("do not miss the %s one when it goes", (_which, gone, calls) => {
    const runs = [vi.fn(), vi.fn()];
    const shown = runs.map((run) => shortcut("n", run));
    press("n");
    shown[gone]?.unmount();
    press("n");

    expect(runs.map((run) => run.mock.calls.length)).toEqual(calls);
  });

  test("that share what they run are two", () => {
    const run = vi.fn();
    const { unmount } = shortcut("n", run);
    shortcut("n", run);
    press("n");
    expect(run).toHaveBeenCalledTimes(2);

    unmount();
    press("n");
    expect(run).toHaveBeenCalledTimes(3);
  });

  test("with different keys do not meet", () => {
    const [next, mark] = [vi.fn(), vi.fn()];
    shortcut("n", next);
    const { unmount } = shortcut("m", mark);
    press("m");
    unmount();
    press("m");
    press("n");

    expect([next, mark].map((run) => run.mock.calls.length)).toEqual([1, 1]);
  });
});

const PAGES = [
  ["list", list(2), "ArrowRight"],
  ["search", <SearchPanel />, "/"],
] as const;

describe("who has left", () => {
  test.each(PAGES)("the %s has its key back", (_which, page, key) => {
    const { rerender, unmount } = render(page);
    rerender(<div>{page}</div>);
    unmount();

    expect(press(key)).toBe(true);
    expect(turned()).toEqual([]);
  });

  test.each(PAGES)("the %s leaves no listener behind", (_which, page) => {
    const { rerender, unmount } = render(page);
    rerender(page);
    unmount();

    expect(listening.count()).toBe(0);
  });

  test.each(PAGES)("the %s in strict mode leaves no listener behind", (_which, page) => {
    const { rerender, unmount } = render(<StrictMode>{page}</StrictMode>);
    rerender(<StrictMode>{page}</StrictMode>);
    unmount();

    expect(listening.count()).toBe(0);
  });

  test("one of two lists leaves no listener of its own", () => {
    render(list(2));
    const alone = listening.count();
    render(list(3)).unmount();

    expect(listening.count()).toBe(alone);
  });
});

test("whoever stays adds no listeners by being rendered anew", () => {
  const { rerender } = render(list(2));
  const first = listening.count();
  for (const page of [3, 4, 4, 5]) rerender(list(page));

  expect(listening.count()).toBeLessThanOrEqual(first);
});

describe("as before", () => {
  test("a press that a shortcut takes is kept from the browser, and any other is not", () => {
    const run = vi.fn();
    shortcut("n", run);

    expect(press("n")).toBe(false);
    expect(press("N")).toBe(true);
    expect(press("Enter")).toBe(true);
    expect(run).toHaveBeenCalledOnce();
  });

  test.each(["ctrlKey", "altKey", "metaKey"])("a press with %s is left alone", (modifier) => {
    const run = vi.fn();
    shortcut("n", run);

    expect(press("n", { [modifier]: true })).toBe(true);
    expect(run).not.toHaveBeenCalled();
  });

  test.each(["input", "textarea", "select"])("a press in the field %s is left alone", (Field) => {
    const run = vi.fn();
    shortcut("n", run);
    render(<Field aria-label="Field" />);

    expect(fireEvent.keyDown(screen.getByLabelText("Field"), { key: "n" })).toBe(true);
    expect(run).not.toHaveBeenCalled();
  });

  test.each([
    ["first", "ArrowLeft", null, address(2)],
    ["last", "ArrowRight", address(1), null],
  ])("from the %s page %s leads nowhere", (_which, key, previous, next) => {
    render(<PageKeys previous={previous} next={next} />);
    press(key);

    expect(turned()).toEqual([]);
  });

  test("a slash leads to the search box of the page that is shown", () => {
    render(<SearchPanel />).unmount();
    render(<SearchPanel initialStage="offer" />);
    press("/");

    expect(document.activeElement).toBe(screen.getByRole("searchbox", { name: "Search applicants" }));
  });
});
