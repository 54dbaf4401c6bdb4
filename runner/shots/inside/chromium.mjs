// Chromium over its debugging pipe: no port, so nothing else in the sandbox can speak to it.
import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { setTimeout as sleep } from "node:timers/promises";

const CALL_MS = 15_000;
const SAID = 2_000;

const FLAGS = [
  "--headless",
  // Chromium's own sandbox wants user namespaces, which this one does not hand out.
  "--no-sandbox",
  "--disable-dev-shm-usage",
  "--disable-gpu",
  "--disable-extensions",
  "--disable-background-networking",
  "--disable-component-update",
  "--disable-default-apps",
  "--disable-features=Translate,OptimizationHints,MediaRouter",
  "--disable-breakpad",
  "--no-first-run",
  "--mute-audio",
  "--hide-scrollbars",
  "--font-render-hinting=none",
  "--force-color-profile=srgb",
  "--lang=en-GB",
  "--remote-debugging-pipe",
];

export class Chromium {
  #calls = new Map();
  #listeners = [];
  #lastId = 0;
  #said = "";
  #left = "";

  constructor(program) {
    const profile = mkdtempSync(path.join(tmpdir(), "tour-profile-"));
    this.process = spawn(program, [...FLAGS, `--user-data-dir=${profile}`, "about:blank"], {
      stdio: ["ignore", "ignore", "pipe", "pipe", "pipe"],
    });
    this.process.on("error", (error) => this.#fail(error.message));
    this.process.on("exit", (code, signal) => this.#fail(`it ended with ${signal ?? code}: ${this.#said.trim()}`));
    const [, , talk, input, output] = this.process.stdio;
    talk.setEncoding("utf8").on("data", (text) => {
      this.#said = (this.#said + text).slice(-SAID);
    });
    input.on("error", () => {});
    output.setEncoding("utf8").on("data", (text) => this.#read(text));
  }

  /** Calls `listener(method, params, sessionId)` for every event. */
  listen(listener) {
    this.#listeners.push(listener);
  }

  async send(method, params = {}, sessionId = undefined) {
    if (this.gone) throw new Error(`The browser is gone: ${this.gone}`);
    const id = ++this.#lastId;
    const answer = new Promise((resolve, reject) => this.#calls.set(id, { resolve, reject, method }));
    this.process.stdio[3].write(`${JSON.stringify({ id, method, params, sessionId })}\0`);
    const patience = new AbortController();
    const timeout = sleep(CALL_MS, undefined, { signal: patience.signal }).then(() => {
      throw new Error(`The browser did not answer ${method}.`);
    });
    try {
      return await Promise.race([answer, timeout]);
    } finally {
      this.#calls.delete(id);
      patience.abort();
      timeout.catch(() => {});
    }
  }

  async close() {
    if (this.process.exitCode === null && this.process.kill("SIGKILL")) await once(this.process, "exit");
  }

  #read(text) {
    const messages = (this.#left + text).split("\0");
    this.#left = messages.pop();
    for (const message of messages) this.#take(JSON.parse(message));
  }

  #take({ id, method, params, result, error, sessionId }) {
    if (!id) {
      for (const listener of this.#listeners) listener(method, params, sessionId);
      return;
    }
    const call = this.#calls.get(id);
    if (error) call?.reject(new Error(`${call.method}: ${error.message}`));
    else call?.resolve(result);
  }

  #fail(why) {
    this.gone ??= why;
    for (const { reject } of this.#calls.values()) reject(new Error(`The browser is gone: ${why}`));
  }
}
