// Builds and starts the application, walks through it, takes pictures. What it was asked lies in
// tour.json beside it; what came of it is written after every step, so that a kill loses nothing.
import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import path from "node:path";
import { createInterface } from "node:readline";
import { setTimeout as sleep } from "node:timers/promises";
import { Chromium } from "./chromium.mjs";
import { Page } from "./page.mjs";

const NO_BROWSER = 3;
const DETAIL = 1_000;
const FRAME_EVERY_MS = 200;

const here = import.meta.dirname;
const out = path.join(here, "out");
const asked = JSON.parse(readFileSync(path.join(here, "tour.json"), "utf8"));
const result = { failure: null, built_seconds: 0, steps: [], stills: [], frames: [] };
const began = Date.now();

mkdirSync(out, { recursive: true });
const chromium = await browser();
try {
  const base = await serve();
  result.built_seconds = (Date.now() - began) / 1000;
  if (base) await walk(await Page.open(chromium, base));
} catch (error) {
  result.failure ??= `the tour broke off: ${brief(error)}`;
}
write();
process.exit(0); // the application and the browser go with the sandbox

/** Starts Chromium first of all: whatever fails later is the application's doing. */
async function browser() {
  const started = new Chromium(asked.chromium);
  try {
    await started.send("Browser.getVersion");
    return started;
  } catch (error) {
    process.stderr.write(`Chromium does not start here: ${brief(error)}\n`);
    process.exit(NO_BROWSER);
  }
}

/** Starts the application and waits for the line that tells its address, or why there is none. */
async function serve() {
  const [program, ...rest] = asked.serve;
  const server = spawn(program, rest, { stdio: ["ignore", "pipe", "ignore"] });
  const timer = setTimeout(() => server.kill("SIGKILL"), asked.start_seconds * 1000);
  const ended = once(server, "exit").then(() => ({ failure: "the application did not start" }));
  const told = await Promise.race([ended, firstLine(server.stdout)]);
  clearTimeout(timer);
  server.stdout.resume();
  if (!told.base) result.failure = String(told.failure ?? "the application told no address").slice(0, DETAIL);
  return told.base;
}

async function firstLine(stream) {
  for await (const line of createInterface({ input: stream })) {
    try {
      return JSON.parse(line);
    } catch {
      // Something else that was printed.
    }
  }
  return {};
}

async function walk(page) {
  for (const [index, step] of asked.steps.entries()) {
    const start = Date.now();
    const fault = await take(page, step, index).then(
      () => null,
      (error) => brief(error),
    );
    result.steps.push({ passed: fault === null, detail: fault ?? "", seconds: (Date.now() - start) / 1000 });
    if (fault !== null && !step.optional) {
      await still(page, index).catch(() => {});
      return;
    }
    if (!step.silent) await frame(page);
    write();
  }
}

async function take(page, step, index) {
  const onWay = () => (step.silent ? undefined : frame(page));
  if (step.goto) return page.goto(step.goto);
  if (step.click) return page.click(step.click);
  if (step.type !== undefined) return page.type(step.type, step.at, onWay);
  if (step.leave) return page.leave();
  if (step.select) return page.select(step.select, step.at);
  if (step.upload) return page.upload(path.join(here, "files", step.upload), step.at);
  if (step.emulate) return page.emulate(step.emulate);
  if (step.network) return page.network(step.network);
  if (step.see) return page.see(step.see);
  if (step.pause) return pause(step.pause, onWay);
  if (step.at) await page.centre(step.at);
  return still(page, index);
}

async function pause(seconds, onWay) {
  for (const end = Date.now() + seconds * 1000; Date.now() < end; ) {
    await onWay();
    await sleep(Math.max(0, Math.min(FRAME_EVERY_MS, end - Date.now())));
  }
}

async function still(page, index) {
  const { scales, max_bytes } = asked.still;
  for (const scale of scales) {
    const picture = await page.capture({ scale, format: "png" });
    if (picture.length > max_bytes) continue;
    writeFileSync(path.join(out, `still-${result.stills.length}.png`), picture);
    result.stills.push(index);
    return;
  }
  throw new Error("The picture is too large.");
}

async function frame(page) {
  const { scale, quality, max } = asked.frame;
  if (result.frames.length >= max) return;
  const picture = await page.capture({ scale, format: "webp", quality });
  writeFileSync(path.join(out, `frame-${result.frames.length}.webp`), picture);
  result.frames.push(Date.now() - began);
}

function write() {
  writeFileSync(path.join(out, "result.json"), JSON.stringify(result));
}

function brief(error) {
  return String(error?.message ?? error).slice(0, DETAIL);
}
