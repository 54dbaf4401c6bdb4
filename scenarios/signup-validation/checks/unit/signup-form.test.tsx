// @vitest-environment happy-dom
import { signUp } from "@/app/(auth)/signup/actions";
import { SignUpForm } from "@/app/(auth)/signup/signup-form";
import { cleanup, configure, render, screen, waitFor } from "@testing-library/react";
import { userEvent } from "@testing-library/user-event";
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";

vi.mock("@/app/(auth)/signup/actions", () => ({ signUp: vi.fn() }));

configure({ asyncUtilTimeout: 2000 });

const account = {
  Name: "Dana Reyes",
  "Work e-mail": "dana@example.com",
  Password: "correct horse",
  "Repeat password": "correct horse",
  "Invitation code": "open-sesame",
};

beforeEach(() => {
  vi.mocked(signUp).mockReset().mockResolvedValue({ ok: true, data: undefined });
  render(<SignUpForm />);
});

afterEach(cleanup);

/** The control that is there for everybody: a hidden one does not count. */
function field(label: string): HTMLElement {
  return label.includes("assword") ? screen.getByLabelText(label) : screen.getByRole(roleOf(label), { name: label });
}

const isThere = (label: string) => screen.queryByRole(roleOf(label), { name: label }) !== null;
const roleOf = (label: string) => (label === "Role" ? "combobox" : "textbox");

function description(label: string): string {
  const ids = field(label).getAttribute("aria-describedby")?.split(/\s+/) ?? [];
  return ids
    .map((id) => document.getElementById(id)?.textContent ?? "")
    .join(" ")
    .trim();
}

const isWrong = (label: string) => field(label).getAttribute("aria-invalid") === "true";
const message = (label: string) => (isWrong(label) ? description(label) : "");

const expectMessage = (label: string) => waitFor(() => expect(message(label), label).not.toBe(""));
const expectNoMessage = (label: string) => waitFor(() => expect(isWrong(label), label).toBe(false));
const expectSuccess = () => screen.findByText(/Your account is ready/, { selector: "[role=status], [role=status] *" });

async function type(label: string, value: string) {
  await userEvent.clear(field(label));
  if (value) await userEvent.type(field(label), value);
}

async function typeAndLeave(label: string, value: string) {
  await type(label, value);
  await userEvent.tab();
}

async function fillIn(values: Record<string, string>) {
  for (const [label, value] of Object.entries(values)) await typeAndLeave(label, value);
}

const choose = (role: "recruiter" | "agency") => userEvent.selectOptions(field("Role"), role);
const press = async () => userEvent.click(await screen.findByRole("button", { name: "Create account" }));

async function sent(): Promise<Record<string, FormDataEntryValue>> {
  await waitFor(() => expect(signUp).toHaveBeenCalled());
  const [, form] = vi.mocked(signUp).mock.lastCall ?? [];
  return Object.fromEntries(form ?? new FormData());
}

describe("a message", () => {
  test("is nowhere at first", () => {
    for (const label of [...Object.keys(account), "Role", "Department"]) {
      expect(isWrong(label), label).toBe(false);
    }
  });

  test.each([
    ["Name", "", "Dana Reyes"],
    ["Name", "x", "Bo"],
    ["Work e-mail", "dana", "dana@example.com"],
    ["Password", "123456789", "1234567890"],
    ["Department", "", "People"],
    ["Invitation code", "", "anything"],
  ])("at %s comes for %j when the field is left and goes for %j", async (label, wrong, right) => {
    await userEvent.click(field(label));
    await type(label, wrong);
    await expectNoMessage(label);
    await userEvent.tab();
    await expectMessage(label);

    await typeAndLeave(label, right);
    await expectNoMessage(label);
  });

  test("at Agency comes when the field is left empty and goes when it is filled in", async () => {
    await choose("agency");
    await userEvent.click(field("Agency"));
    await userEvent.tab();
    await expectMessage("Agency");

    await typeAndLeave("Agency", "Northwind Talent");
    await expectNoMessage("Agency");
  });

  test.each([
    ["Repeat password", "correct horse"],
    ["Password", "correct Horse"],
  ])("about passwords that differ goes when %s is mended", async (label, mended) => {
    await fillIn({ Password: "correct horse", "Repeat password": "correct Horse" });
    await expectMessage("Repeat password");

    await typeAndLeave(label, mended);
    await expectNoMessage("Repeat password");
    await expectNoMessage("Password");
  });
});

describe("the role", () => {
  test("decides which field is there", async () => {
    expect(field("Role")).toHaveProperty("value", "recruiter");
    expect([isThere("Department"), isThere("Agency")]).toEqual([true, false]);

    await choose("agency");
    await waitFor(() => expect([isThere("Department"), isThere("Agency")]).toEqual([false, true]));

    await choose("recruiter");
    await waitFor(() => expect([isThere("Department"), isThere("Agency")]).toEqual([true, false]));
  });

  test("takes the message of a field along, which comes back without", async () => {
    await typeAndLeave("Department", "x");
    await expectMessage("Department");
    const text = message("Department");
    const shown = () => screen.queryAllByText(text).filter((element) => !element.closest("[hidden]"));

    await choose("agency");
    await waitFor(() => expect(isThere("Agency")).toBe(true));
    await expectNoMessage("Agency");
    // The same words may still stand there as the other field's hint.
    await waitFor(() => expect(shown().filter(({ id }) => id !== field("Agency").getAttribute("aria-describedby"))).toEqual([]));

    await choose("recruiter");
    await waitFor(() => expect(isThere("Department")).toBe(true));
    await expectNoMessage("Department");

    await typeAndLeave("Department", "");
    await expectMessage("Department");
  });

  test.each([
    ["recruiter", { department: "People" }],
    ["agency", { agency: "Northwind Talent" }],
  ] as const)("%s sends its own field and what everybody fills in", async (role, own) => {
    await choose(role);
    await fillIn({ ...account, [role === "agency" ? "Agency" : "Department"]: Object.values(own)[0] ?? "" });
    await press();

    expect(await sent()).toMatchObject({
      name: "Dana Reyes",
      email: "dana@example.com",
      password: "correct horse",
      repeated: "correct horse",
      invitation: "open-sesame",
      role,
      ...own,
    });
    await expectSuccess();
  });

  test("lets no wrong Department stand in the way of an agency", async () => {
    await fillIn({ ...account, Department: "x" });
    await expectMessage("Department");
    await choose("agency");
    await fillIn({ Agency: "Northwind Talent" });
    await press();

    const values = await sent();
    expect(values).toMatchObject({ role: "agency", agency: "Northwind Talent" });
    expect(values).not.toHaveProperty("department");
  });

  test("lets no wrong Agency stand in the way of a department", async () => {
    await choose("agency");
    await fillIn({ ...account, Agency: "x" });
    await expectMessage("Agency");
    await choose("recruiter");
    await fillIn({ Department: "People" });
    await press();

    const values = await sent();
    expect(values).toMatchObject({ role: "recruiter", department: "People" });
    expect(values).not.toHaveProperty("agency");
  });
});

describe("the button", () => {
  test("sends nothing of an empty form and shows every message", async () => {
    await press();

    for (const label of ["Name", "Work e-mail", "Password", "Department", "Invitation code"]) await expectMessage(label);
    await userEvent.tab();
    expect(signUp).not.toHaveBeenCalled();
  });

  test("sends nothing while a field is wrong, and everything once it is right", async () => {
    await fillIn({ ...account, Department: "People", "Repeat password": "correct Horse" });
    await press();
    await expectMessage("Repeat password");
    expect(signUp).not.toHaveBeenCalled();

    await typeAndLeave("Repeat password", "correct horse");
    await press();
    expect(await sent()).toMatchObject({ repeated: "correct horse" });
  });
});

describe("what the server refuses", () => {
  const taken = "Somebody else has this address.";

  beforeEach(async () => {
    vi.mocked(signUp).mockResolvedValue({
      ok: false,
      status: 422,
      message: "Please check the highlighted fields.",
      fieldErrors: { email: taken },
    });
    await choose("agency");
    await fillIn({ ...account, Agency: "Northwind Talent" });
    await press();
    await waitFor(() => expect(message("Work e-mail")).toContain(taken));
  });

  test("is told at its field until that is changed", async () => {
    await typeAndLeave("Work e-mail", "dana.reyes@example.com");

    await expectNoMessage("Work e-mail");
    expect(description("Work e-mail")).not.toContain(taken);
  });

  test("leaves everything else as it was", async () => {
    // A form that React empties is emptied after the answer has been shown.
    await userEvent.tab();

    expect(field("Role")).toHaveProperty("value", "agency");
    expect(field("Name")).toHaveProperty("value", "Dana Reyes");
    expect(field("Work e-mail")).toHaveProperty("value", "dana@example.com");
    expect(field("Agency")).toHaveProperty("value", "Northwind Talent");
    expect(field("Invitation code")).toHaveProperty("value", "open-sesame");
  });

  test("can be mended and sent again", async () => {
    vi.mocked(signUp).mockClear().mockResolvedValue({ ok: true, data: undefined });
    await fillIn({
      "Work e-mail": "dana.reyes@example.com",
      Password: "correct horse",
      "Repeat password": "correct horse",
    });
    await press();

    expect(await sent()).toMatchObject({ email: "dana.reyes@example.com", agency: "Northwind Talent" });
    await expectSuccess();
  });
});
