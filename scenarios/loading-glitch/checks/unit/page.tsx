import { Profiler, type ReactNode } from "react";
import { createRoot, type Root } from "react-dom/client";
import { vi } from "vitest";

export interface Call {
  url: URL;
  body: unknown;
  answer: (response: Response) => void;
  lose: () => void;
}

/** Every way in which a request may fail. */
export const FAILURES: [string, (call: Call) => void][] = [
  ["a lost connection", (call) => call.lose()],
  ["an error of the server", (call) => call.answer(Response.json({ message: "Sorry.", fieldErrors: {} }, { status: 500 }))],
  ["an error page", (call) => call.answer(html("<h1>Bad gateway</h1>", 502))],
  ["an answer that is not JSON", (call) => call.answer(html("<h1>Please sign in</h1>", 200))],
];

function html(text: string, status: number): Response {
  return new Response(text, { status, headers: { "Content-Type": "text/html" } });
}

/** Takes the place of the network: the test answers, and an aborted request is rejected as a browser does it. */
export function listen(): Call[] {
  const calls: Call[] = [];
  vi.stubGlobal("fetch", (input: RequestInfo | URL, init?: RequestInit) => {
    const request = input instanceof Request ? input : null;
    const signal = init?.signal ?? request?.signal;
    return new Promise<Response>((answer, reject) => {
      const abort = () => reject(new DOMException("The operation was aborted.", "AbortError"));
      if (signal?.aborted) abort();
      signal?.addEventListener("abort", abort);
      const url = new URL(request?.url ?? String(input), "http://localhost");
      calls.push({ url, body: init?.body, answer, lose: () => reject(new TypeError("Failed to fetch")) });
    });
  });
  return calls;
}

let root: Root | undefined;

/**
 * Renders in React's own time, as a browser does, and looks at whatever could be painted:
 * after each commit, before the effects that may correct it later.
 */
export function show(element: ReactNode, look: () => void = () => {}): void {
  root = createRoot(document.body.appendChild(document.createElement("div")));
  root.render(
    <Profiler id="page" onRender={() => queueMicrotask(look)}>
      {element}
    </Profiler>,
  );
}

export function leave(): void {
  root?.unmount();
  root = undefined;
  document.body.replaceChildren();
}

const unhandled: unknown[] = [];
const remember = (reason: unknown) => unhandled.push(reason);

/** What has been rejected without a handler while `run` ran and its consequences came to rest. */
export async function unhandledDuring(run: () => void): Promise<unknown[]> {
  unhandled.length = 0;
  process.on("unhandledRejection", remember);
  try {
    run();
    await rest();
    return [...unhandled];
  } finally {
    process.off("unhandledRejection", remember);
  }
}

/** Lets everything happen that is already on its way: answers, renders, effects. */
export async function rest(): Promise<void> {
  for (let turn = 0; turn < 20; turn++) await new Promise((resolve) => setTimeout(resolve));
}
