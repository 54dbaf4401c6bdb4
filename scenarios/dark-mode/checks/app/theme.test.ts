import { base } from "kit/app";
import { eventually, Visitor } from "kit/browser";
import { getByRole } from "@testing-library/dom";
import type { BrowserPage } from "happy-dom";
import { afterEach, describe, expect, test } from "vitest";

let visitor: Visitor;

afterEach(() => visitor.leave());

const root = (page: BrowserPage) => page.mainFrame.document.documentElement;
const isDark = (page: BrowserPage) => root(page).classList.contains("dark");

function themeSwitch(page: BrowserPage): HTMLElement {
  const body = page.mainFrame.document.body as unknown as HTMLElement;
  return getByRole(body, "switch", { name: "Dark mode" });
}

/** The class and the switch have to agree, once React has settled. */
async function expectTheme(page: BrowserPage, theme: "light" | "dark") {
  await eventually(page, () => {
    expect(isDark(page)).toBe(theme === "dark");
    expect(themeSwitch(page).getAttribute("aria-checked")).toBe(String(theme === "dark"));
  });
}

const console = (page: BrowserPage) => page.virtualConsolePrinter.readAsString();

describe("without a choice", () => {
  test("a page follows a light system, and the switch works both ways", async () => {
    visitor = new Visitor({ colorScheme: "light" });
    const page = await visitor.open("/jobs");
    await expectTheme(page, "light");

    themeSwitch(page).click();
    await expectTheme(page, "dark");

    themeSwitch(page).click();
    await expectTheme(page, "light");
  });

  test("a page follows a dark system, without hydration errors", async () => {
    visitor = new Visitor({ colorScheme: "dark" });
    const page = await visitor.open("/jobs");
    await expectTheme(page, "dark");

    expect(console(page)).not.toMatch(/hydrat|React error #4/i);
  });

  test("a dark system is obeyed before the first script file has loaded", async () => {
    visitor = new Visitor({ colorScheme: "dark" });

    expect(isDark(await visitor.glimpse("/login"))).toBe(true);
  });
});

describe("a choice", () => {
  test("of dark lasts on a light system, from the first moment of a page", async () => {
    visitor = new Visitor({ colorScheme: "light" });
    const first = await visitor.open("/jobs");
    await expectTheme(first, "light");
    themeSwitch(first).click();
    await expectTheme(first, "dark");

    expect(isDark(await visitor.glimpse("/login"))).toBe(true);
    const later = await visitor.open("/login");
    await expectTheme(later, "dark");
    expect(console(later)).not.toMatch(/hydrat|React error #4/i);
  });

  test("of light lasts on a dark system, from the first moment of a page", async () => {
    visitor = new Visitor({ colorScheme: "dark" });
    const first = await visitor.open("/login");
    await expectTheme(first, "dark");
    themeSwitch(first).click();
    await expectTheme(first, "light");

    expect(isDark(await visitor.glimpse("/jobs"))).toBe(false);
    await expectTheme(await visitor.open("/jobs"), "light");
  });
});

test("the switch works where storage is blocked", async () => {
  visitor = new Visitor({
    prepare: (window) => {
      Object.defineProperty(window, "localStorage", {
        get() {
          throw new window.DOMException("Access is denied.", "SecurityError");
        },
      });
    },
  });
  const page = await visitor.open("/jobs");
  await expectTheme(page, "light");

  themeSwitch(page).click();
  await expectTheme(page, "dark");

  // Twice, since React may look at the page anew right after it has taken it over.
  themeSwitch(page).click();
  await expectTheme(page, "light");
});

describe("the server", () => {
  test("sends the whole page and the switch", async () => {
    visitor = new Visitor();
    const html = await (await fetch(`${base()}/jobs`)).text();

    expect(html).toContain("Senior Backend Engineer");
    expect(html).toMatch(/role="switch"/);
  });

  test("sends colours for the class dark", async () => {
    visitor = new Visitor();
    const html = await (await fetch(`${base()}/jobs`)).text();
    const sheets = [...html.matchAll(/href="([^"]+\.css[^"]*)"/g)].map(([, href]) => new URL(href ?? "", base()));
    const styles = await Promise.all(sheets.map(async (sheet) => (await fetch(sheet)).text()));

    expect(styles.join("\n")).toMatch(/\.dark\b[^{]*\{[^}]*(--|color)/);
  });
});
