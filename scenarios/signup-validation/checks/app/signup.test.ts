import { base, signIn } from "kit/app";
import { eventually, Visitor } from "kit/browser";
import { fireEvent, getAllByRole, getByLabelText, getByRole } from "@testing-library/dom";
import { afterEach, beforeEach, expect, test } from "vitest";

const PASSWORD = "nine green bottles";
const INVITATION = "welcome-to-meridian";

let visitor: Visitor;

beforeEach(() => {
  visitor = new Visitor();
});

afterEach(() => visitor.leave());

/** Posts the form as a browser without JavaScript does, and returns the page that comes back. */
async function post(values: Record<string, string>): Promise<string> {
  const page = await visitor.glimpse("/signup");
  const form = new FormData();
  for (const hidden of page.mainFrame.document.querySelectorAll("form input[type=hidden]")) {
    form.append(hidden.getAttribute("name") ?? "", hidden.getAttribute("value") ?? "");
  }
  for (const [name, value] of Object.entries(values)) form.append(name, value);
  const response = await fetch(`${base()}/signup`, { method: "POST", headers: { origin: base() }, body: form });
  return response.text();
}

async function pageFor(person: { email: string; password: string }, path: string): Promise<Response> {
  return fetch(base() + path, { headers: { cookie: await signIn(person) }, redirect: "manual" });
}

function type(field: HTMLElement, value: string) {
  fireEvent.input(field, { target: { value } });
  fireEvent.focusOut(field);
}

test("an agency recruiter signs up and works at the desk, but not as an administrator", async () => {
  const page = await visitor.open("/signup");
  const body = page.mainFrame.document.body as unknown as HTMLElement;

  fireEvent.change(getByLabelText(body, "Role"), { target: { value: "agency" } });
  await eventually(page, () => getByRole(body, "textbox", { name: "Agency" }));
  type(getByRole(body, "textbox", { name: "Agency" }), "Northwind Talent");
  type(getByLabelText(body, "Name"), "Dana Reyes");
  type(getByLabelText(body, "Work e-mail"), "Dana@Example.com");
  type(getByLabelText(body, "Password"), PASSWORD);
  type(getByLabelText(body, "Repeat password"), PASSWORD);
  type(getByLabelText(body, "Invitation code"), INVITATION);
  getByRole(body, "button", { name: "Create account" }).click();
  await eventually(page, () => {
    const announced = getAllByRole(body, "status").map(({ textContent }) => textContent);
    expect(announced.join(" ")).toContain("Your account is ready");
  });

  const dana = { email: "dana@example.com", password: PASSWORD };
  expect((await pageFor(dana, "/applicants")).status).toBe(200);
  expect((await pageFor(dana, "/openings")).status).toBe(404);
});

test("an in-house recruiter signs up without JavaScript", async () => {
  const person = { email: "kim@example.com", password: PASSWORD };
  const html = await post({
    ...person,
    name: "Kim Larsen",
    repeated: PASSWORD,
    role: "recruiter",
    department: "People",
    invitation: INVITATION,
  });

  expect(html).toContain("Your account is ready");
  expect((await pageFor(person, "/applicants")).status).toBe(200);
});

test("a wrong form without JavaScript comes back with messages and without the password", async () => {
  const person = { email: "lee@example.com", password: PASSWORD };
  const html = await post({
    ...person,
    name: "",
    repeated: PASSWORD,
    role: "recruiter",
    department: "x",
    invitation: INVITATION,
  });

  const invalid = [...html.matchAll(/<(?:input|select)\b[^>]*aria-invalid="true"[^>]*>/g)].map(([tag]) => tag);
  expect(invalid.map((tag) => tag.match(/ name="(\w+)"/)?.[1]).toSorted()).toEqual(["department", "name"]);
  expect(html).not.toContain(PASSWORD);
  await expect(signIn(person)).rejects.toThrow();
});
