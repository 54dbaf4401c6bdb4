// @vitest-environment happy-dom
import { cleanup, render, screen, waitFor } from "@testing-library/react";
import { userEvent } from "@testing-library/user-event";
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import LoginPage from "@/app/(auth)/login/page";
import { signUp } from "@/app/(auth)/signup/actions";
import { SignUpForm } from "@/app/(auth)/signup/signup-form";
import { resendVerification, verifyEmail } from "@/app/(auth)/verify/actions";
import VerifyPage from "@/app/(auth)/verify/page";
import type { ActionResult } from "@/lib/action";

vi.mock("@/app/(auth)/signup/actions", () => ({ signUp: vi.fn() }));
vi.mock("@/app/(auth)/verify/actions", () => ({ resendVerification: vi.fn(), verifyEmail: vi.fn() }));
vi.mock("next/navigation", async (original) => ({ ...(await original<object>()), useRouter: () => ({}), useSearchParams: () => new URLSearchParams() }));

const SUCCESS = { ok: true, data: undefined } as const;
const refusal = (fieldErrors = {}): ActionResult => ({ ok: false, status: 422, message: "This did not work.", fieldErrors });

beforeEach(() => {
  for (const action of [signUp, resendVerification, verifyEmail]) vi.mocked(action).mockReset().mockResolvedValue(SUCCESS);
});

afterEach(cleanup);

const open = async (searchParams: { token?: string }) => render(await VerifyPage({ searchParams: Promise.resolve(searchParams) }));
const press = (name: string) => userEvent.click(screen.getByRole("button", { name }));
const announced = () => screen.queryAllByRole("status").map(({ textContent }) => textContent).join("");
const expectSuccess = () => waitFor(() => expect(announced()).toMatch(/\S/));
const sentTo = (action: typeof verifyEmail) => Object.fromEntries(vi.mocked(action).mock.lastCall?.[1] ?? new FormData());

describe("the page of the link", () => {
  test("confirms by its button, not by being opened", async () => {
    await open({ token: "a-token" });
    expect(verifyEmail).not.toHaveBeenCalled();

    await press("Confirm address");

    await expectSuccess();
    expect(verifyEmail).toHaveBeenCalledOnce();
    expect(sentTo(verifyEmail)).toMatchObject({ token: "a-token" });
    expect(resendVerification).not.toHaveBeenCalled();
  });

  test("tells what was refused", async () => {
    vi.mocked(verifyEmail).mockResolvedValue(refusal());
    await open({ token: "an-old-token" });

    await press("Confirm address");

    expect((await screen.findByRole("alert")).textContent).toContain("This did not work.");
    expect(announced()).toBe("");
  });

  test("has nothing to confirm without a token", async () => {
    await open({});

    expect(screen.queryByRole("button", { name: "Confirm address" })).toBeNull();
  });
});

describe.each([
  ["with a token", { token: "a-token" }],
  ["without a token", {}],
])("the page %s", (_which, searchParams) => {
  test("sends for another mail", async () => {
    await open(searchParams);

    await userEvent.type(screen.getByLabelText("E-mail"), "dana@example.com");
    await press("Send another mail");

    await expectSuccess();
    expect(sentTo(resendVerification)).toMatchObject({ email: "dana@example.com" });
    expect(verifyEmail).not.toHaveBeenCalled();
  });
});

test("an address that is refused is told at its field", async () => {
  vi.mocked(resendVerification).mockResolvedValue(refusal({ email: "No such thing." }));
  await open({});

  await userEvent.type(screen.getByLabelText("E-mail"), "dana@example.con");
  await press("Send another mail");

  const message = await screen.findByText("No such thing.");
  const field = screen.getByLabelText("E-mail");
  expect(field.getAttribute("aria-invalid")).toBe("true");
  expect(field.getAttribute("aria-describedby")?.split(" ")).toContain(message.id);
});

test("the sign-in page leads to it", async () => {
  render(await LoginPage({ searchParams: Promise.resolve({}) }));

  const links = screen.getAllByRole("link").map((link) => link.getAttribute("href"));
  expect(links).toContain("/verify");
});

test("whoever has signed up is told to look for the mail", async () => {
  render(<SignUpForm />);
  const values = {
    Name: "Dana Reyes",
    "Work e-mail": "dana@example.com",
    Password: "correct horse",
    "Repeat password": "correct horse",
    Department: "People",
    "Invitation code": "open-sesame",
  };
  for (const [label, value] of Object.entries(values)) await userEvent.type(screen.getByLabelText(label), value);
  await press("Create account");

  await waitFor(() => expect(announced()).toMatch(/mail|inbox/i));
});
