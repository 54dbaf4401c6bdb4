// @vitest-environment happy-dom
import { act, cleanup, configure, render, screen, waitFor, within } from "@testing-library/react";
import { userEvent } from "@testing-library/user-event";
import { useState } from "react";
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { ApplicantTable } from "@/components/applicant-table";
import type { ActionResult } from "@/lib/action";
import { parseFilters } from "@/lib/applicants/filters";
import type { ApplicantRow } from "@/lib/applicants/queries";
import type { Stage } from "@/lib/db/schema";

interface Call {
  applicantId: string;
  stage: Stage;
  answer: (result: ActionResult) => void;
  reject: (reason: unknown) => void;
}

const server = vi.hoisted(() => ({ change: (_form: FormData): Promise<unknown> => Promise.reject() }));
const router = vi.hoisted(() => ({
  back: () => {},
  forward: () => {},
  prefetch: () => {},
  push: () => {},
  refresh: () => {},
  replace: () => {},
}));
vi.mock("@/app/(admin)/applicants/[id]/actions", () => ({
  addNote: () => {},
  changeStage: (_previous: unknown, form: FormData) => server.change(form),
  removeApplicant: () => {},
}));
vi.mock("next/navigation", async (original) => ({ ...(await original<object>()), useRouter: () => router }));

const GENERAL = "Something went wrong. Please try again.";
const FORBIDDEN = "You are not allowed to do this.";
const FAILURES: [what: string, fail: (call: Call) => Promise<void>, reason: string][] = [
  ["refused", (call) => refuse(call, FORBIDDEN), FORBIDDEN],
  ["lost on the way", lose, GENERAL],
];

configure({ asyncUtilTimeout: 2_000 });

/** What the database holds, and what the page is told of it. */
let stored: ApplicantRow[];
let calls: Call[];
let bring: (rows: ApplicantRow[]) => void;

function person(name: string, stage: Stage): ApplicantRow {
  const key = name.toLowerCase();
  const appliedAt = Date.UTC(2026, 1, 10);
  return { id: key, jobId: "job", jobTitle: "Designer", name, email: `${key}@example.com`, stage, appliedAt };
}

function Page() {
  const [rows, setRows] = useState(stored);
  bring = setRows;
  return <ApplicantTable rows={rows} filters={parseFilters({})} />;
}

const store = (id: string, stage: Stage) => {
  stored = stored.map((row) => (row.id === id ? { ...row, stage } : row));
};

/** As Next does it: the answer of an action brings the page's new contents along. */
const save = (call: Call) =>
  act(async () => {
    store(call.applicantId, call.stage);
    bring(stored);
    call.answer({ ok: true, data: undefined });
  });

const refuse = (call: Call, message: string) =>
  act(async () => call.answer({ ok: false, status: 403, message, fieldErrors: {} }));

function lose(call: Call) {
  return act(async () => call.reject(new TypeError("Failed to fetch")));
}

/** Somebody else's change, which the page learns of when it is loaded anew. */
const changeElsewhere = (name: string, stage: Stage) =>
  act(async () => {
    store(name.toLowerCase(), stage);
    bring(stored);
  });

const picker = (name: string) => screen.getByRole<HTMLSelectElement>("combobox", { name: `Stage of ${name}` });
const pick = (name: string, stage: Stage) => userEvent.selectOptions(picker(name), stage);

/** The call to the server of this number; some send the second only once the first has ended. */
async function call(number: number): Promise<Call> {
  await waitFor(() => expect(calls.length).toBeGreaterThanOrEqual(number));
  return calls[number - 1]!;
}

function state(name: string) {
  const row = picker(name).closest("tr")!;
  return {
    stage: picker(name).value,
    busy: picker(name).getAttribute("aria-busy") === "true",
    alert: within(row).queryAllByRole("alert").map(({ textContent }) => textContent).join("|"),
    usable: !picker(name).disabled,
  };
}

const resting = (stage: Stage, alert = "") => ({ stage, busy: false, alert, usable: true });
const becomes = (name: string, expected: ReturnType<typeof state>) =>
  waitFor(() => expect(state(name)).toEqual(expected));

const unhandled: unknown[] = [];
const remember = (reason: unknown) => unhandled.push(reason);

beforeEach(() => {
  calls = [];
  unhandled.length = 0;
  process.on("unhandledRejection", remember);
  stored = [person("Mara", "applied"), person("Udo", "screening")];
  server.change = (form) =>
    new Promise((answer, reject) => {
      const { applicantId, stage } = Object.fromEntries(form) as Pick<Call, "applicantId" | "stage">;
      calls.push({ applicantId, stage, answer, reject });
    });
  router.refresh = () => bring(stored);
  render(<Page />);
});

afterEach(async () => {
  cleanup();
  // Whatever React still waits for would hold up the next test.
  for (const { answer } of calls) answer({ ok: true, data: undefined });
  await act(async () => {});
  process.off("unhandledRejection", remember);
});

describe("a pick", () => {
  test("shows before it is saved, and its select stays usable", async () => {
    expect(state("Mara")).toEqual(resting("applied"));

    await pick("Mara", "interview");
    const { applicantId, stage } = await call(1);
    await becomes("Mara", { stage: "interview", busy: true, alert: "", usable: true });
    expect([applicantId, stage]).toEqual(["mara", "interview"]);

    await save(await call(1));
    await becomes("Mara", resting("interview"));
    expect(calls).toHaveLength(1);
  });

  test.each(FAILURES)("that is %s goes back and says why", async (_what, fail, reason) => {
    await pick("Mara", "interview");
    await fail(await call(1));

    await becomes("Mara", resting("applied", reason));
    await act(async () => {});
    expect(unhandled).toEqual([]);
  });

  test.each(FAILURES)("can follow one that was %s, whose alert goes at once", async (_what, fail, reason) => {
    await pick("Mara", "interview");
    await fail(await call(1));
    await becomes("Mara", resting("applied", reason));

    await pick("Mara", "offer");
    const second = await call(2);
    await becomes("Mara", { stage: "offer", busy: true, alert: "", usable: true });
    expect(second.stage).toBe("offer");

    await save(second);
    await becomes("Mara", resting("offer"));
  });

  test.each(FAILURES)("that is %s after one that was saved goes back to that one", async (_what, fail, reason) => {
    await pick("Mara", "screening");
    await save(await call(1));
    await becomes("Mara", resting("screening"));
    await pick("Mara", "offer");
    await fail(await call(2));

    await becomes("Mara", resting("screening", reason));
  });

  test.each(FAILURES)("that is %s when the list has been left is no error", async (_what, fail) => {
    await pick("Mara", "interview");
    const first = await call(1);
    cleanup();
    await fail(first);

    await new Promise((resolve) => setTimeout(resolve));
    expect(unhandled).toEqual([]);
  });
});

describe("of two quick picks", () => {
  async function pickTwice(first: Stage, second: Stage) {
    await pick("Mara", first);
    await pick("Mara", second);
    expect(picker("Mara").value).toBe(second);
    await call(1);
  }

  const showsStill = (stage: Stage) =>
    waitFor(() => expect(state("Mara")).toMatchObject({ stage, busy: true, usable: true }));

  test("the later one shows on when the earlier one is saved", async () => {
    await pickTwice("screening", "interview");
    await save(await call(1));
    const second = await call(2);
    await showsStill("interview");
    expect([calls[0]?.stage, second.stage]).toEqual(["screening", "interview"]);

    await save(second);
    await becomes("Mara", resting("interview"));
  });

  test.each(FAILURES)("the later one shows on when the earlier one is %s, and its success counts", async (_what, fail) => {
    await pickTwice("screening", "interview");
    await fail(await call(1));
    const second = await call(2);
    await showsStill("interview");

    await save(second);
    await becomes("Mara", resting("interview"));
  });

  test.each(FAILURES)("the later one is %s: the earlier one, which was saved, shows again", async (_what, fail, reason) => {
    await pickTwice("screening", "interview");
    await save(await call(1));
    await fail(await call(2));

    await becomes("Mara", resting("screening", reason));
  });

  test.each(FAILURES)("both are %s: the stage before them shows again, and the later reason", async (_what, fail, reason) => {
    await pickTwice("screening", "interview");
    await refuse(await call(1), "Mara is locked.");
    await fail(await call(2));

    await becomes("Mara", resting("applied", reason));
  });
});

describe("a change by somebody else", () => {
  test("shows as soon as the list brings it", async () => {
    await changeElsewhere("Mara", "offer");

    await becomes("Mara", resting("offer"));
    expect(state("Udo")).toEqual(resting("screening"));
  });

  test("shows after a pick of one's own, too, even if it takes that back", async () => {
    await pick("Mara", "interview");
    await save(await call(1));
    await becomes("Mara", resting("interview"));

    await changeElsewhere("Mara", "applied");
    await becomes("Mara", resting("applied"));
  });

  test("does not hide a pick that is on its way", async () => {
    await pick("Mara", "interview");
    await changeElsewhere("Mara", "offer");
    expect(picker("Mara").value).toBe("interview");

    await save(await call(1));
    await becomes("Mara", resting("interview"));
  });

  test.each(FAILURES)("is what a pick that is %s goes back to", async (_what, fail, reason) => {
    await pick("Mara", "interview");
    await changeElsewhere("Mara", "offer");
    await fail(await call(1));

    await becomes("Mara", resting("offer", reason));
  });
});

describe("other rows", () => {
  test.each(FAILURES)("keep their picks when one is %s", async (_what, fail, reason) => {
    await pick("Mara", "interview");
    await pick("Udo", "offer");
    await call(2);
    expect([state("Mara").stage, state("Udo").stage]).toEqual(["interview", "offer"]);

    await fail(await call(1));
    expect(state("Udo")).toEqual({ stage: "offer", busy: true, alert: "", usable: true });

    await save(await call(2));
    await becomes("Mara", resting("applied", reason));
    await becomes("Udo", resting("offer"));
  });

  test("are as they were while a pick is on its way, and can be used after it has failed", async () => {
    await pick("Mara", "interview");
    expect(state("Udo")).toEqual(resting("screening"));

    await refuse(await call(1), FORBIDDEN);
    await becomes("Mara", resting("applied", FORBIDDEN));
    expect(state("Udo")).toEqual(resting("screening"));

    await pick("Udo", "offer");
    await save(await call(2));
    await becomes("Udo", resting("offer"));
    expect(state("Mara")).toEqual(resting("applied", FORBIDDEN));
  });

  test("do not take a pick over when the list is sorted anew", async () => {
    await pick("Mara", "interview");
    await act(async () => bring(stored.toReversed()));
    expect([state("Mara").stage, state("Udo").stage]).toEqual(["interview", "screening"]);

    await refuse(await call(1), FORBIDDEN);
    await becomes("Mara", resting("applied", FORBIDDEN));
    expect(state("Udo")).toEqual(resting("screening"));
  });
});
