import { execFile } from "node:child_process";
import path from "node:path";
import { pathToFileURL } from "node:url";
import { promisify } from "node:util";
import { expect, test } from "vitest";

const workspace = path.resolve(import.meta.dirname, "../../..");

/** Lets a bare node find the application's modules. */
const HOOKS = `
import { existsSync } from "node:fs";
import { registerHooks } from "node:module";

registerHooks({
  resolve(name, context, next) {
    const base = name.startsWith("@/") ? "${pathToFileURL(workspace)}/" + name.slice(2)
      : name.startsWith(".") ? new URL(name, context.parentURL).href
      : null;
    const ending = base && [".ts", ".tsx", "/index.ts"].find((each) => existsSync(new URL(base + each)));
    return next(ending ? base + ending : name, context);
  },
});
`;

/** Prints what the application makes of two applications, just before a midnight and at it, in each zone. */
const PROGRAM = `
import { parseFilters } from "@/lib/applicants/filters";
import { countByDay, listApplicants } from "@/lib/applicants/queries";
import { createTestDatabase, insertApplicant, insertJob } from "@/lib/db/testing";
import { formatDate } from "@/lib/format";

async function answer(midnight) {
  const db = await createTestDatabase();
  await insertJob(db);
  await insertApplicant(db, { id: "before", appliedAt: midnight - 1 });
  await insertApplicant(db, { id: "sharp", appliedAt: midnight });
  const chart = (await countByDay(midnight)).slice(-2);
  const lists = [];
  for (const { day } of chart) lists.push((await listApplicants(parseFilters({ day }))).rows.map(({ id }) => id));
  return { dates: [midnight - 1, midnight].map((moment) => formatDate(moment)), chart, lists };
}

const [zones, midnights] = JSON.parse(process.argv[1]);
const answers = {};
for (const zone of zones) {
  process.env.TZ = zone;
  answers[zone] = [];
  for (const midnight of midnights) answers[zone].push(await answer(Date.parse(midnight)));
}
console.log(JSON.stringify(answers));
`;

/** What belongs to this midnight: the clocks change on or near it in Berlin, Los Angeles or Auckland. */
const ANSWERS: [midnight: string, dates: string[], days: string[]][] = [
  ["2026-03-08T00:00:00+01:00", ["7 Mar 2026", "8 Mar 2026"], ["2026-03-07", "2026-03-08"]],
  ["2026-03-09T00:00:00+01:00", ["8 Mar 2026", "9 Mar 2026"], ["2026-03-08", "2026-03-09"]],
  ["2026-03-29T00:00:00+01:00", ["28 Mar 2026", "29 Mar 2026"], ["2026-03-28", "2026-03-29"]],
  ["2026-03-30T00:00:00+02:00", ["29 Mar 2026", "30 Mar 2026"], ["2026-03-29", "2026-03-30"]],
  ["2026-04-05T00:00:00+02:00", ["4 Apr 2026", "5 Apr 2026"], ["2026-04-04", "2026-04-05"]],
  ["2026-05-01T00:00:00+02:00", ["30 Apr 2026", "1 May 2026"], ["2026-04-30", "2026-05-01"]],
  ["2026-10-25T00:00:00+02:00", ["24 Oct 2026", "25 Oct 2026"], ["2026-10-24", "2026-10-25"]],
  ["2026-10-26T00:00:00+01:00", ["25 Oct 2026", "26 Oct 2026"], ["2026-10-25", "2026-10-26"]],
  ["2026-11-02T00:00:00+01:00", ["1 Nov 2026", "2 Nov 2026"], ["2026-11-01", "2026-11-02"]],
];

// Half a second of work, but a process of its own waits for its turn on a busy machine.
const PATIENCE_MS = 60_000;

const ZONES = ["America/Los_Angeles", "Pacific/Auckland"];

test("the days are those of Berlin in whatever zone the server stands", async () => {
  const { stdout } = await promisify(execFile)(
    process.execPath,
    [
      "--experimental-transform-types",
      "--disable-warning=ExperimentalWarning",
      "--import",
      `data:text/javascript,${encodeURIComponent(HOOKS)}`,
      "--input-type=module",
      "--eval",
      PROGRAM,
      JSON.stringify([ZONES, ANSWERS.map(([midnight]) => midnight)]),
    ],
    { cwd: workspace, env: { ...process.env, TZ: ZONES[0] } },
  );

  const answers = ANSWERS.map(([, dates, days]) => ({
    dates,
    chart: days.map((day) => ({ day, count: 1 })),
    lists: [["before"], ["sharp"]],
  }));
  expect(JSON.parse(stdout)).toEqual(Object.fromEntries(ZONES.map((zone) => [zone, answers])));
}, PATIENCE_MS);
