// @vitest-environment happy-dom
import { act, cleanup, render, renderHook, screen, within } from "@testing-library/react";
import { userEvent } from "@testing-library/user-event";
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { SearchHits } from "@/app/(admin)/search/search-hits";
import { SearchPanel } from "@/app/(admin)/search/search-panel";
import { hit, stubFetch } from "@/hooks/testing";
import { type SearchFilters, useSearch } from "@/hooks/use-search";
import type { SearchHit } from "@/lib/search/service";

let server: ReturnType<typeof stubFetch>;

beforeEach(() => {
  server = stubFetch();
});

afterEach(() => {
  cleanup();
  vi.unstubAllGlobals();
});

function search(text: string, filters: SearchFilters = { stage: null }) {
  return renderHook((props) => useSearch(props.text, props.filters), { initialProps: { text, filters } });
}

async function answer(response: Response) {
  await act(async () => server.calls.at(-1)?.settle(response));
}

describe("the hook", () => {
  test("waits for a text, then asks, also for a stage", () => {
    const { result, rerender } = search("  ");
    expect(result.current.status).toBe("idle");
    expect(server.calls).toEqual([]);

    rerender({ text: " bees & bears ", filters: { stage: "offer" } });
    expect(result.current.status).toBe("loading");
    expect(server.calls.map(({ path }) => path)).toEqual(["/api/search?q=bees+%26+bears&stage=offer"]);
  });

  test("has what was found", async () => {
    const { result } = search("bees");
    await server.found("/api/search?q=bees", [hit()]);

    expect(result.current).toMatchObject({ status: "done", hits: [hit()] });
  });

  test.each<[string, () => Response]>([
    ["an error", () => Response.json({ message: "Sorry." }, { status: 500 })],
    ["an error with hits", () => Response.json({ hits: [] }, { status: 503 })],
    ["no JSON", () => new Response("Back in a moment.")],
    ["a note in place of hits", () => Response.json({ note: "Back in a moment." })],
    ["hits that are no list", () => Response.json({ hits: "Back in a moment." })],
    ["null", () => Response.json(null)],
    ["a text", () => Response.json("Back in a moment.")],
  ])("takes %s for a failure and asks again when told to", async (_what, response) => {
    const { result } = search("bees");
    await answer(response());
    expect(result.current.status).toBe("failed");

    act(() => result.current.retry());
    expect(result.current.status).toBe("loading");
    expect(server.calls).toHaveLength(2);

    await server.found("/api/search?q=bees", []);
    expect(result.current).toMatchObject({ status: "done", hits: [] });
  });

  test("ignores late answers and gives up the question", async () => {
    const { result, rerender, unmount } = search("bears");
    rerender({ text: "bees", filters: { stage: null } });
    await server.found("/api/search?q=bears", [hit()]);
    expect(result.current.status).toBe("loading");

    await server.found("/api/search?q=bees", []);
    rerender({ text: "beetles", filters: { stage: null } });
    expect(result.current.status).toBe("loading");

    unmount();
    expect(server.calls.map(({ signal }) => signal?.aborted)).toEqual([true, true, true]);
  });

  test("asks once, however often it is rendered", async () => {
    const { result, rerender } = search("bees");
    rerender({ text: "bees", filters: { stage: null } });
    await server.found("/api/search?q=bees", []);
    rerender({ text: "bees ", filters: { stage: null } });

    expect(server.calls).toHaveLength(1);
    expect(result.current.status).toBe("done");
  });
});

describe("the page", () => {
  const stage = () => screen.getByRole<HTMLSelectElement>("combobox", { name: "Stage" });

  test("searches at a stage and at all of them again", async () => {
    render(<SearchPanel initialText="bees" initialStage="hired" />);
    expect(stage().value).toBe("hired");
    await server.found("/api/search?q=bees&stage=hired", [hit({ stage: "hired" })]);
    expect(screen.getByRole("status").textContent).toBe("1 applicant");

    await userEvent.selectOptions(stage(), "Offer");
    await server.found("/api/search?q=bees&stage=offer", []);
    expect(screen.getByText("Nobody fits")).toBeTruthy();

    await userEvent.selectOptions(stage(), "All stages");
    expect(stage().value).toBe("");
    await server.found("/api/search?q=bees", [hit(), hit({ id: "applicant_udo" })]);
    expect(screen.getByRole("status").textContent).toBe("2 applicants");
    expect(screen.queryByText("Nobody fits")).toBeNull();
  });

  test("names the stages", () => {
    render(<SearchPanel />);

    const names = within(stage()).getAllByRole("option").map(({ textContent }) => textContent);
    expect(names).toEqual(["All stages", "Applied", "Screening", "Interview", "Offer", "Hired", "Rejected"]);
    expect(stage().value).toBe("");
    expect(screen.getByRole<HTMLInputElement>("searchbox").value).toBe("");
    expect(screen.getByRole("status").textContent).toBe("");
  });

  test("is busy while it asks and forgets what it has found as soon as one types on", async () => {
    render(<SearchPanel initialText="bee" />);
    await server.found("/api/search?q=bee", [hit()]);
    expect(screen.getByRole("link", { name: "Mara Lindqvist" })).toBeTruthy();

    await userEvent.type(screen.getByRole("searchbox"), "s");
    expect(screen.queryByRole("link", { name: "Mara Lindqvist" })).toBeNull();
    expect(screen.getByRole("status").textContent).toBe("Searching…");
  });

  test("says that it failed and tries again", async () => {
    render(<SearchPanel initialText="bees" />);
    await answer(Response.json({ note: "Back in a moment." }));
    expect(screen.getByRole("alert").textContent).toContain("did not work");
    expect(screen.queryByText("Nobody fits")).toBeNull();

    await userEvent.click(screen.getByRole("button", { name: "Try again" }));
    await server.found("/api/search?q=bees", [hit()]);
    expect(screen.getByRole("listitem").textContent).toContain("Ten years of SQL.");
  });

  test("shows of a hit who it is, and the passage if there is one", () => {
    const hits: SearchHit[] = [hit({ stage: "offer" }), hit({ id: "applicant_udo", name: "Udo Lind", excerpt: "" })];
    render(<SearchHits hits={hits} />);

    const [first, second] = screen.getAllByRole("listitem");
    expect(first?.textContent).toMatch(/Mara Lindqvist.*offer.*Backend Engineer · mara@example.com.*Ten years of SQL\./i);
    expect(second?.textContent).not.toContain("Ten years");
    const links = screen.getAllByRole("link").map((link) => link.getAttribute("href"));
    expect(links).toEqual(["/applicants/applicant_mara", "/applicants/applicant_udo"]);
  });
});
