// @vitest-environment happy-dom
import { fireEvent, screen, waitFor } from "@testing-library/dom";
import { userEvent } from "@testing-library/user-event";
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { ResumeUpload } from "@/components/resume-upload";
import { type Call, FAILURES, leave, listen, rest, show, unhandledDuring } from "./page";

const router = {
  back: vi.fn(),
  forward: vi.fn(),
  prefetch: vi.fn(),
  push: vi.fn(),
  refresh: vi.fn(),
  replace: vi.fn(),
};
vi.mock("next/navigation", async (original) => ({ ...(await original<object>()), useRouter: () => router }));

const PATIENCE = { timeout: 4_000 };
const ALL_FAILURES: typeof FAILURES = [
  ...FAILURES,
  [
    "a refusal",
    (call) => call.answer(Response.json({ message: "Please check.", fieldErrors: { resume: "Empty." } }, { status: 422 })),
  ],
];

let calls: Call[];

const button = () => screen.getByRole<HTMLButtonElement>("button", { name: /^Upload/ });
const says = (role: string) => screen.queryAllByRole(role).map((element) => element.textContent).join("");
const state = () => ({
  busy: button().closest("form")?.getAttribute("aria-busy") === "true",
  button: button().textContent.trim(),
  disabled: button().disabled,
  alert: says("alert") !== "",
  status: says("status").replace("Uploading…", "") !== "",
});

const IDLE = { busy: false, button: "Upload", disabled: false, alert: false, status: false };
const BUSY = { busy: true, button: "Uploading…", disabled: true, alert: false, status: false };
const becomes = (expected: typeof IDLE) => waitFor(() => expect(state()).toEqual(expected), PATIENCE);

function choose(name: string) {
  const transfer = new DataTransfer();
  transfer.items.add(new File(["%PDF-"], name, { type: "application/pdf" }));
  const input = screen.getByLabelText<HTMLInputElement>("Résumé file");
  input.files = transfer.files;
  // A browser empties the input as well when the form is reset.
  input.form?.addEventListener("reset", () => {
    input.files = new DataTransfer().files;
  });
  fireEvent.input(input);
  fireEvent.change(input);
}

async function openWithFile(name = "Mara.pdf") {
  show(<ResumeUpload applicantId="applicant_mara" />);
  await screen.findByLabelText("Résumé file", undefined, PATIENCE);
  choose(name);
}

const press = () => userEvent.click(button());

async function sent(times = 1): Promise<Call> {
  await waitFor(() => expect(calls.length).toBeGreaterThanOrEqual(times), PATIENCE);
  return calls[times - 1]!;
}

const fileName = ({ body }: Call) => ((body as FormData).get("resume") as File | null)?.name;

function accept(call: Call) {
  call.answer(Response.json({ resume: { id: "resume_1", fileName: fileName(call), size: 5 } }));
}

beforeEach(() => {
  calls = listen();
});

afterEach(() => {
  leave();
  vi.unstubAllGlobals();
});

describe("an upload", () => {
  test("is busy from the click to the answer", async () => {
    await openWithFile();
    expect(state()).toEqual(IDLE);

    await press();
    const call = await sent();
    await becomes(BUSY);
    await rest();
    expect(state()).toEqual(BUSY);
    expect([call.url.pathname, fileName(call)]).toEqual(["/api/applicants/applicant_mara/resume", "Mara.pdf"]);

    accept(call);
    await becomes({ ...IDLE, status: true });
  });

  test("is sent once by a double click", async () => {
    await openWithFile();
    await userEvent.dblClick(button());
    const call = await sent();
    await press();
    await rest();
    expect(calls).toHaveLength(1);

    accept(call);
    await becomes({ ...IDLE, status: true });
    expect(calls).toHaveLength(1);
  });

  test("can follow another one, whose message disappears", async () => {
    await openWithFile();
    await press();
    accept(await sent());
    await becomes({ ...IDLE, status: true });

    choose("Udo.pdf");
    await press();
    const call = await sent(2);
    await becomes(BUSY);
    expect(fileName(call)).toBe("Udo.pdf");

    call.lose();
    await becomes({ ...IDLE, alert: true });
  });
});

describe.each(ALL_FAILURES)("%s", (_what, fail) => {
  test("is reported, and the same file can be sent again", async () => {
    await openWithFile();
    await press();
    fail(await sent());
    await becomes({ ...IDLE, alert: true });

    await press();
    const call = await sent(2);
    await becomes(BUSY);
    expect(fileName(call)).toBe("Mara.pdf");

    accept(call);
    await becomes({ ...IDLE, status: true });
    expect(calls).toHaveLength(2);
  });
});

describe("a failure", () => {
  test("gives the server's reason", async () => {
    await openWithFile();
    await press();
    const answer = { message: "Please check.", fieldErrors: { resume: "This file is empty." } };
    (await sent()).answer(Response.json(answer, { status: 422 }));

    const alert = await screen.findByRole("alert", undefined, PATIENCE);
    expect(alert.textContent).toContain("This file is empty.");
  });

  test("can be followed by another one", async () => {
    await openWithFile();
    await press();
    (await sent()).lose();
    await becomes({ ...IDLE, alert: true });
    await press();
    (await sent(2)).lose();

    await becomes({ ...IDLE, alert: true });
  });
});

describe("whoever leaves before the answer", () => {
  test.each([["an answer", accept], ...ALL_FAILURES] as const)("leaves nothing behind for %s", async (_what, end) => {
    await openWithFile();
    await press();
    const call = await sent();

    const unhandled = await unhandledDuring(() => {
      leave();
      end(call);
    });
    expect(unhandled).toEqual([]);
  });
});
