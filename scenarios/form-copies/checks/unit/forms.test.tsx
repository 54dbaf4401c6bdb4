// @vitest-environment happy-dom
import { act, cleanup, fireEvent, render, screen, waitFor, within } from "@testing-library/react";
import { userEvent } from "@testing-library/user-event";
import type { ReactElement } from "react";
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { Notes } from "@/app/(admin)/applicants/[id]/notes";
import { StageSelect } from "@/app/(admin)/applicants/[id]/stage-select";
import { OpeningForm } from "@/app/(admin)/openings/opening-form";
import { PasswordForm } from "@/app/(admin)/settings/password-form";
import { ProfileForm } from "@/app/(admin)/settings/profile-form";
import { SignUpForm } from "@/app/(auth)/signup/signup-form";
import { ApplyForm } from "@/app/(public)/jobs/[id]/apply-form";
import { ResumeUpload } from "@/components/resume-upload";
import { TextAreaField, TextField } from "@/components/ui/field";
import type { ActionResult } from "@/lib/action";

const server = vi.hoisted(() => ({ run: (_name: string, _form: FormData): Promise<unknown> => Promise.reject() }));
const action = vi.hoisted(() => (name: string) => (_previous: unknown, form: FormData) => server.run(name, form));
vi.mock("@/app/(admin)/applicants/[id]/actions", () => ({
  addNote: action("addNote"),
  changeStage: action("changeStage"),
  removeApplicant: action("removeApplicant"),
}));
vi.mock("@/app/(admin)/openings/actions", () => ({
  closeOpening: action("closeOpening"),
  createOpening: action("createOpening"),
}));
vi.mock("@/app/(admin)/settings/actions", () => ({
  changePassword: action("changePassword"),
  updateProfile: action("updateProfile"),
}));
vi.mock("@/app/(auth)/signup/actions", () => ({ signUp: action("signUp") }));
vi.mock("@/app/(public)/jobs/[id]/actions", () => ({ submitApplication: action("submitApplication") }));
vi.mock("next/navigation", async (original) => ({ ...(await original<object>()), useRouter: () => ({ refresh: () => {} }) }));

interface FieldFacts {
  label: string;
  name: string;
  type: string;
  /** What is put in. */
  entry: string;
  value?: string;
  autocomplete?: string;
  required?: boolean;
  accept?: string;
  hint?: string;
}

interface FormFacts {
  element: ReactElement;
  action: string;
  button: string;
  pending: string;
  success: string;
  hidden?: Record<string, string>;
  alertFirst?: boolean;
  goesAway?: boolean;
  fields: FieldFacts[];
}

const secret = { type: "password" };
const text = { type: "text", required: true };
const FORMS: Record<string, FormFacts> = {
  OpeningForm: {
    element: <OpeningForm />,
    action: "createOpening",
    button: "Publish",
    pending: "Publishing…",
    success: "The opening is online.",
    fields: [
      { ...text, label: "Title", name: "title", entry: "Data Engineer" },
      { ...text, label: "Department", name: "department", entry: "Engineering" },
      { ...text, label: "Location", name: "location", entry: "Berlin" },
      { label: "Description", name: "description", type: "textarea", required: true, entry: "Build our pipelines." },
    ],
  },
  PasswordForm: {
    element: <PasswordForm />,
    action: "changePassword",
    button: "Change password",
    pending: "Saving…",
    success: "Password changed.",
    fields: [
      { ...secret, label: "Current password", name: "current", autocomplete: "current-password", entry: "old-password" },
      {
        ...secret,
        label: "New password",
        name: "next",
        autocomplete: "new-password",
        entry: "a-new-password",
        hint: "At least 10 characters.",
      },
      { ...secret, label: "Repeat new password", name: "repeated", autocomplete: "new-password", entry: "a-new-password" },
    ],
  },
  ProfileForm: {
    element: <ProfileForm name="Robin Okafor" />,
    action: "updateProfile",
    button: "Save name",
    pending: "Saving…",
    success: "Name saved.",
    fields: [{ label: "Name", name: "name", type: "text", value: "Robin Okafor", autocomplete: "name", entry: "Robin O." }],
  },
  ApplyForm: {
    element: <ApplyForm jobId="job_backend" />,
    action: "submitApplication",
    button: "Send application",
    pending: "Sending…",
    success: "Thank you! Your application has arrived.",
    hidden: { jobId: "job_backend" },
    alertFirst: true,
    goesAway: true,
    fields: [
      { ...text, label: "Name", name: "name", autocomplete: "name", entry: "Mara Lindqvist" },
      { label: "E-mail", name: "email", type: "email", autocomplete: "email", required: true, entry: "mara@example.com" },
      {
        label: "Résumé",
        name: "resume",
        type: "file",
        accept: ".pdf,.docx",
        entry: "mara.pdf",
        hint: "PDF or Word (.docx), up to 5 MB.",
      },
    ],
  },
  Notes: {
    element: <Notes applicantId="applicant_mara" notes={[]} />,
    action: "addNote",
    button: "Save note",
    pending: "Saving…",
    success: "Note saved.",
    hidden: { applicantId: "applicant_mara" },
    fields: [
      {
        label: "Add a note",
        name: "body",
        type: "textarea",
        required: true,
        entry: "Call back on Monday.",
        hint: "Only the staff can read it.",
      },
    ],
  },
  StageSelect: {
    element: <StageSelect applicantId="applicant_mara" stage="screening" />,
    action: "changeStage",
    button: "Change stage",
    pending: "Saving…",
    success: "Stage changed.",
    hidden: { applicantId: "applicant_mara" },
    fields: [{ label: "Move to", name: "stage", type: "select-one", value: "screening", entry: "offer" }],
  },
};
const NAMES = Object.keys(FORMS);

type Control = HTMLInputElement | HTMLTextAreaElement | HTMLSelectElement;

interface Call {
  name: string;
  sent: Record<string, string>;
  answer: (result: ActionResult<unknown>) => Promise<void>;
}

let calls: Call[];

beforeEach(() => {
  calls = [];
  server.run = (name, form) =>
    new Promise((resolve) => {
      const sent = Object.fromEntries([...form].map(([key, value]) => [key, typeof value === "string" ? value : value.name]));
      calls.push({ name, sent, answer: (result) => act(async () => resolve(result)) });
    });
});

afterEach(async () => {
  cleanup();
  // Whatever React still waits for would hold up the next test.
  for (const { answer } of calls) await answer({ ok: true, data: undefined });
});

const control = (label: string) => screen.getByLabelText<Control>(label, { exact: true });
const button = ({ button: idle, pending }: FormFacts) =>
  screen.getByRole<HTMLButtonElement>("button", { name: (name) => name === idle || name === pending });
const texts = (role: string) => screen.queryAllByRole(role).map(({ textContent }) => textContent);

function description(element: Element): string {
  const ids = element.getAttribute("aria-describedby")?.split(/\s+/) ?? [];
  return ids.map((id) => document.getElementById(id)?.textContent ?? `nothing has the id ${id}`).join(" ");
}

const isInvalid = (element: Element) => element.getAttribute("aria-invalid") === "true";

function fill({ fields }: FormFacts) {
  for (const { label, type, entry } of fields) {
    const element = control(label);
    if (type !== "file") {
      fireEvent.change(element, { target: { value: entry } });
      continue;
    }
    const transfer = new DataTransfer();
    transfer.items.add(new File(["%PDF-"], entry, { type: "application/pdf" }));
    (element as HTMLInputElement).files = transfer.files;
    fireEvent.change(element);
  }
}

/** Fills the form in and sends it. */
async function send(form: FormFacts): Promise<Call> {
  const before = calls.length;
  fill(form);
  await userEvent.click(button(form));
  await waitFor(() => expect(calls).toHaveLength(before + 1));
  return calls[before]!;
}

const refusal = (fieldErrors: Record<string, string>): ActionResult => ({
  ok: false,
  status: 422,
  message: "Please check the highlighted fields.",
  fieldErrors,
});

const comesBefore = (first: Element, second: Element) =>
  (first.compareDocumentPosition(second) & Node.DOCUMENT_POSITION_FOLLOWING) !== 0;

describe.each(NAMES)("%s", (name) => {
  const form = FORMS[name]!;

  test("has its fields, as the browser and its password manager know them", () => {
    render(form.element);

    const found = form.fields.map(({ label, entry }) => {
      const element = control(label);
      return {
        label,
        entry,
        name: element.name,
        type: element.type,
        value: element.value,
        autocomplete: element.getAttribute("autocomplete") ?? "",
        required: element.required,
        accept: element.getAttribute("accept") ?? "",
        hint: description(element),
        invalid: isInvalid(element),
      };
    });

    const usual = { value: "", autocomplete: "", required: false, accept: "", hint: "", invalid: false };
    expect(found).toEqual(form.fields.map((field) => ({ ...usual, ...field })));
    expect(document.querySelectorAll("input:not([type=hidden]), select, textarea")).toHaveLength(form.fields.length);
    expect([...texts("alert"), ...texts("status")]).toEqual([]);
    expect(button(form)).toMatchObject({ type: "submit", disabled: false, textContent: form.button });
  });

  test("sends what was put in, and is busy until the answer", async () => {
    render(form.element);

    const { name: called, sent, answer } = await send(form);
    expect(called).toBe(form.action);
    expect(sent).toEqual({ ...form.hidden, ...Object.fromEntries(form.fields.map(({ name: key, entry }) => [key, entry])) });
    expect(button(form)).toMatchObject({ disabled: true, textContent: form.pending });
    expect(button(form).getAttribute("aria-busy")).toBe("true");
    await userEvent.click(button(form));
    expect(calls).toHaveLength(1);

    await answer({ ok: true, data: undefined });
    await waitFor(() => expect(texts("status")).toEqual([form.success]));
    expect(texts("alert")).toEqual([]);
    if (form.goesAway) {
      expect(document.querySelector("form")).toBeNull();
      return;
    }
    expect(button(form)).toMatchObject({ disabled: false, textContent: form.button });
    expect(button(form).getAttribute("aria-busy")).not.toBe("true");
    expect(comesBefore(button(form), screen.getByRole("status"))).toBe(true);
  });

  test("tells what is wrong at each field, and above or below all of them that something is", async () => {
    render(form.element);
    const { answer } = await send(form);

    await answer(refusal(Object.fromEntries(form.fields.map(({ name: key }) => [key, `The ${key} is wrong.`]))));

    await waitFor(() => expect(texts("alert")).toEqual(["Please check the highlighted fields."]));
    const found = form.fields.map(({ label }) => [description(control(label)), isInvalid(control(label))]);
    expect(found).toEqual(form.fields.map(({ name: key }) => [`The ${key} is wrong.`, true]));
    expect(texts("status")).toEqual([]);
    const alert = screen.getByRole("alert");
    const [first] = form.fields;
    expect(comesBefore(alert, control(first!.label))).toBe(form.alertFirst ?? false);
    expect(comesBefore(button(form), alert)).toBe(!form.alertFirst);
    expect(button(form)).toMatchObject({ disabled: false, textContent: form.button });
  });

  test.each(form.fields.map(({ name: key }) => key))("tells what is wrong with %s there and nowhere else", async (wrong) => {
    render(form.element);
    const { answer } = await send(form);

    await answer(refusal({ [wrong]: "This is wrong." }));

    await waitFor(() => expect(texts("alert")).toHaveLength(1));
    const found = form.fields.map(({ label }) => [description(control(label)), isInvalid(control(label))]);
    expect(found).toEqual(form.fields.map(({ name: key, hint = "" }) => (key === wrong ? ["This is wrong.", true] : [hint, false])));
  });

  test("forgets what was wrong as soon as it is right", async () => {
    render(form.element);
    await (await send(form)).answer(refusal({ [form.fields[0]!.name]: "This is wrong." }));
    await waitFor(() => expect(texts("alert")).toHaveLength(1));

    const { answer } = await send(form);
    await answer({ ok: false, status: 500, message: "Something went wrong. Please try again.", fieldErrors: {} });
    await waitFor(() => expect(texts("alert")).toEqual(["Something went wrong. Please try again."]));
    const found = form.fields.map(({ label }) => [description(control(label)), isInvalid(control(label))]);
    expect(found).toEqual(form.fields.map(({ hint = "" }) => [hint, false]));

    await (await send(form)).answer({ ok: true, data: undefined });
    await waitFor(() => expect(texts("status")).toEqual([form.success]));
    expect(texts("alert")).toEqual([]);
  });
});

describe("forms on one page", () => {
  test.each([
    ["of the settings", ["ProfileForm", "PasswordForm"]],
    ["of an applicant", ["Notes", "StageSelect"]],
  ])("%s do not mix up their fields and their messages", async (_page, names) => {
    const forms = names.map((name) => FORMS[name]!);
    render(<>{forms.map(({ action: key, element }) => <section key={key} aria-label={key}>{element}</section>)}</>);
    const [first, second] = forms as [FormFacts, FormFacts];
    expect(second.fields.map(({ label }) => control(label).name)).toEqual(second.fields.map(({ name }) => name));

    await (await send(first)).answer(refusal({ [first.fields[0]!.name]: "This is wrong." }));

    const within1 = within(screen.getByRole("region", { name: first.action }));
    const within2 = within(screen.getByRole("region", { name: second.action }));
    await waitFor(() => expect(within1.getAllByRole("alert")).toHaveLength(1));
    expect(within2.queryAllByRole("alert")).toEqual([]);
    expect(second.fields.map(({ label }) => description(control(label)))).toEqual(second.fields.map(({ hint = "" }) => hint));
    const ids = [...document.querySelectorAll("[id]")].map(({ id }) => id);
    expect(new Set(ids).size).toBe(ids.length);
  });
});

describe("what is particular to one", () => {
  test("the select of a stage follows the stage of the applicant", () => {
    const { rerender } = render(<StageSelect applicantId="applicant_mara" stage="screening" />);
    rerender(<StageSelect applicantId="applicant_mara" stage="offer" />);

    expect(control("Move to").value).toBe("offer");
    const options = screen.getAllByRole<HTMLOptionElement>("option");
    expect(options.map(({ value, textContent }) => [value, textContent]).slice(0, 2)).toEqual([
      ["applied", "Applied"],
      ["screening", "Screening"],
    ]);
    expect(options).toHaveLength(6);
  });

  test("the notes stand below their form", () => {
    const note = { id: "note_1", body: "Call back.", createdAt: Date.UTC(2026, 1, 10), author: "Robin Okafor" };
    const { rerender } = render(<Notes applicantId="applicant_mara" notes={[]} />);
    expect(screen.getByText("No notes yet.")).toBeTruthy();
    rerender(<Notes applicantId="applicant_mara" notes={[note]} />);

    const [item] = within(screen.getByRole("list", { name: "Notes" })).getAllByRole("listitem");
    expect(item?.textContent).toContain("Call back.");
    expect(item?.textContent).toContain("Robin Okafor, 10 Feb 2026");
    expect(comesBefore(button(FORMS.Notes!), item!)).toBe(true);
    expect(screen.queryByText("No notes yet.")).toBeNull();
  });
});

describe("other users of the fields", () => {
  test("a field with a hint is described by it, one without by nothing", () => {
    render(
      <>
        <TextField label="Search" name="q" type="search" maxLength={100} hint="Describe whom you look for." />
        <TextAreaField label="Message" name="message" />
      </>,
    );

    expect([description(control("Search")), control("Search").getAttribute("maxlength")]).toEqual([
      "Describe whom you look for.",
      "100",
    ]);
    expect(control("Message").hasAttribute("aria-describedby")).toBe(false);
    expect([isInvalid(control("Search")), isInvalid(control("Message"))]).toEqual([false, false]);
  });

  test("the upload of a résumé keeps its field", () => {
    render(<ResumeUpload applicantId="applicant_mara" />);

    expect(control("Résumé file")).toMatchObject({ type: "file", name: "resume" });
    expect(screen.getByRole("button", { name: "Upload" })).toBeTruthy();
  });

  test("the sign-up tells at its fields what the browser and the server find", async () => {
    render(<SignUpForm />);
    expect(description(control("Password"))).toBe("At least 10 characters.");
    const values = {
      Name: "Dana Reyes",
      "Work e-mail": "dana@example.com",
      Password: "a long password",
      "Repeat password": "a long password",
      Department: "People",
      "Invitation code": "welcome",
    };
    await userEvent.click(screen.getByRole("button", { name: "Create account" }));
    await waitFor(() => expect(isInvalid(control("Password"))).toBe(true));
    expect(screen.queryByText("At least 10 characters.")).toBeNull();

    for (const [label, value] of Object.entries(values)) fireEvent.change(control(label), { target: { value } });
    await userEvent.click(screen.getByRole("button", { name: "Create account" }));
    await waitFor(() => expect(calls).toHaveLength(1));
    await calls[0]!.answer(refusal({ email: "There is an account with this address." }));

    await waitFor(() => expect(texts("alert")).toEqual(["Please check the highlighted fields."]));
    expect(description(control("Work e-mail"))).toBe("There is an account with this address.");
    expect(description(control("Password"))).toBe("At least 10 characters.");
  });
});
