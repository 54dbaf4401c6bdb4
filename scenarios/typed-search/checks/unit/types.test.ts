import { execFile } from "node:child_process";
import { createRequire } from "node:module";
import path from "node:path";
import { beforeAll, expect, test } from "vitest";

const folder = path.join(import.meta.dirname, "types");
const compiler = path.join(path.dirname(createRequire(import.meta.url).resolve("typescript/package.json")), "bin/tsc");

let complaints: string[];

beforeAll(async () => {
  complaints = await compile();
}, 60_000);

/** What the compiler says of our files, and of itself: the application is not asked here. */
async function compile(): Promise<string[]> {
  const output = await new Promise<string>((done, failed) => {
    const parameters = [compiler, "--noEmit", "--pretty", "false", "--project", "tsconfig.json"];
    execFile(process.execPath, parameters, { cwd: folder }, (error, stdout, stderr) => {
      if (error && !stdout) failed(new Error(stderr || String(error)));
      else done(stdout);
    });
  });
  return output.split("\n").filter((line) => /^(probe-|error )/.test(line));
}

test.each([
  ["what the search finds", "probe-hits.ts"],
  ["where it is kept", "probe-index.ts"],
  ["texts and their features", "probe-texts.ts"],
  ["hook and page", "probe-page.tsx"],
])("the types of %s allow what occurs, and nothing else", (_what, file) => {
  expect(complaints.filter((line) => line.startsWith(file) || line.startsWith("error "))).toEqual([]);
});
