import { eq } from "drizzle-orm";
import { getServerSession } from "next-auth";
import { beforeEach, describe, expect, test, vi } from "vitest";
import { GET as exportApplicant } from "@/app/api/applicants/[id]/export/route";
import { POST as replaceResume } from "@/app/api/applicants/[id]/resume/route";
import { GET as showApplicant } from "@/app/api/applicants/[id]/route";
import { GET as listApplicants } from "@/app/api/applicants/route";
import { POST as chat } from "@/app/api/chat/route";
import { GET as exportOpening } from "@/app/api/openings/[id]/export/route";
import { GET as listOpenings } from "@/app/api/openings/route";
import { GET as downloadResume } from "@/app/api/resumes/[id]/route";
import { GET as search } from "@/app/api/search/route";
import { createNote } from "@/lib/applicants/mutations";
import type { Database } from "@/lib/db/client";
import { resumes, users } from "@/lib/db/schema";
import { createTestDatabase, insertApplicant, insertJob, insertUser } from "@/lib/db/testing";
import { indexApplicant } from "@/lib/search/service";
import type { Storage } from "@/lib/storage/storage";
import { pdf } from "kit/documents";

const { files } = vi.hoisted(() => ({ files: new Map<string, Uint8Array>() }));

vi.mock("next-auth", () => ({ getServerSession: vi.fn() }));
vi.mock("@/lib/storage", () => ({
  storage: (): Storage => ({
    put: async (key, bytes) => void files.set(key, bytes),
    get: async (key) => files.get(key) ?? null,
    delete: async (key) => void files.delete(key),
  }),
}));

type Handler = (request: Request, context: { params: Promise<never> }) => Promise<Response>;

interface Route {
  handle: Handler;
  /** With an id that exists. */
  path: string;
  id?: string;
  body?: () => BodyInit;
}

function resumeForm(): FormData {
  const form = new FormData();
  form.set("resume", new File([new Uint8Array(pdf("Eleven years of SQL"))], "Mara 2.pdf"));
  return form;
}

const question = () => JSON.stringify({ messages: [{ role: "user", text: "Who knows SQL?" }] });

const STAFF: Record<string, Route> = {
  "the applicants": { handle: listApplicants as Handler, path: "/api/applicants" },
  "an applicant": { handle: showApplicant as Handler, path: "/api/applicants/:id", id: "applicant_mara" },
  "a new résumé": { handle: replaceResume as Handler, path: "/api/applicants/:id/resume", id: "applicant_mara", body: resumeForm },
  "the openings": { handle: listOpenings as Handler, path: "/api/openings" },
  "a résumé": { handle: downloadResume as Handler, path: "/api/resumes/:id", id: "resume_mara" },
  "the search": { handle: search as Handler, path: "/api/search?q=SQL" },
  "the assistant": { handle: chat as Handler, path: "/api/chat", body: question },
};
const ADMINISTRATORS: Record<string, Route> = {
  "the export of an applicant": {
    handle: exportApplicant as Handler,
    path: "/api/applicants/:id/export",
    id: "applicant_mara",
  },
  "the export of an opening": { handle: exportOpening as Handler, path: "/api/openings/:id/export", id: "job_backend" },
};
const ROUTES = { ...STAFF, ...ADMINISTRATORS };

const RECRUITERS = ["in_house", "agency"];
const ADMINS = ["admin", "agency_admin"];

const NOT_SIGNED_IN = { status: 401, body: { message: "Please sign in again.", fieldErrors: {} } };
const NOT_ALLOWED = { status: 403, body: { message: "You are not allowed to do this.", fieldErrors: {} } };

let db: Database;

function signedInAs(id: string | null) {
  vi.mocked(getServerSession).mockResolvedValue(id ? { user: { id } } : null);
}

function ask(name: string, { id }: { id?: string } = {}): Promise<Response> {
  const route = ROUTES[name]!;
  const params = { ...(route.id && { id: id ?? route.id }) };
  const url = `http://localhost${route.path.replace(":id", params.id ?? "")}`;
  const request = new Request(url, route.body && { method: "POST", body: route.body() });
  return route.handle(request, { params: Promise.resolve(params as never) });
}

/** The status and the whole body, which has to be JSON. */
async function refusal(response: Response) {
  const [status, text] = [response.status, await response.text()];
  expect(text).toMatch(/^\{.*\}$/);
  return { status, body: JSON.parse(text) };
}

beforeEach(async () => {
  files.clear();
  files.set("resumes/1.pdf", pdf("Ten years of SQL"));
  db = await createTestDatabase();
  await insertJob(db);
  await insertJob(db, { id: "job_design", title: "Design, lead", status: "closed" });
  await insertApplicant(db);
  await insertApplicant(db, { id: "c", name: "Holm, Ada", email: "ada@example.com", stage: "offer", appliedAt: 86_400_000 });
  await insertApplicant(db, { id: "b", name: "Berit", email: "berit@example.com", appliedAt: 86_400_000 });
  await db.insert(resumes).values({
    id: "resume_mara",
    applicantId: "applicant_mara",
    fileName: "Mara CV.pdf",
    kind: "pdf",
    size: 600,
    storageKey: "resumes/1.pdf",
    text: "Ten years of SQL",
  });
  await indexApplicant("applicant_mara");
  await insertUser(db, { id: "in_house", email: "robin@example.com" });
  await insertUser(db, { id: "agency", email: "sam@example.com", department: null, agency: "Northwind" });
  const admin = await insertUser(db, { id: "admin", email: "ines@example.com", name: "Inês Cardoso", role: "admin" });
  await insertUser(db, { id: "agency_admin", email: "ada@example.com", role: "admin", department: null, agency: "Northwind" });
  await createNote("applicant_mara", admin, "Call back on Monday.");
  signedInAs("admin");
});

describe("nobody gets in without an account", () => {
  test.each(Object.keys(ROUTES))("%s: not signed in", async (name) => {
    signedInAs(null);

    expect(await refusal(await ask(name))).toEqual(NOT_SIGNED_IN);
    expect([...files.keys()]).toEqual(["resumes/1.pdf"]);
  });

  test.each(Object.keys(ROUTES))("%s: the account is gone, the session is not", async (name) => {
    await db.delete(users).where(eq(users.id, "agency"));
    signedInAs("agency");

    expect(await refusal(await ask(name))).toEqual(NOT_SIGNED_IN);
    expect([...files.keys()]).toEqual(["resumes/1.pdf"]);
  });
});

describe("what is for administrators is for nobody else", () => {
  describe.each(Object.keys(ADMINISTRATORS))("%s", (name) => {
    test.each(RECRUITERS)("is refused to the recruiter %s", async (id) => {
      signedInAs(id);

      expect(await refusal(await ask(name))).toEqual(NOT_ALLOWED);
    });

    test.each(ADMINS)("is given to the administrator %s", async (id) => {
      signedInAs(id);

      expect((await ask(name)).status).toBe(200);
    });

    test("is refused as soon as the role is withdrawn, and given as soon as there is one", async () => {
      await db.update(users).set({ role: "recruiter" }).where(eq(users.id, "admin"));
      await db.update(users).set({ role: "admin" }).where(eq(users.id, "in_house"));

      expect(await refusal(await ask(name))).toEqual(NOT_ALLOWED);
      signedInAs("in_house");
      expect((await ask(name)).status).toBe(200);
    });

    test("does not tell who is refused what exists", async () => {
      signedInAs("agency");
      expect(await refusal(await ask(name, { id: "nobody" }))).toEqual(NOT_ALLOWED);

      signedInAs(null);
      expect(await refusal(await ask(name, { id: "nobody" }))).toEqual(NOT_SIGNED_IN);
    });
  });
});

describe("what is for all who work here", () => {
  test.each(Object.keys(STAFF).flatMap((name) => [...RECRUITERS, ...ADMINS].map((id) => [name, id] as const)))(
    "%s is given to %s",
    async (name, id) => {
      signedInAs(id);

      const response = await ask(name);

      expect(response.status).toBe(200);
      await response.arrayBuffer();
    },
  );
});

describe("whoever may use it learns that it does not exist", () => {
  test.each([
    ["the export of an opening", "This opening was not found."],
    ["the export of an applicant", "This applicant was not found."],
    ["an applicant", "This applicant was not found."],
    ["a résumé", "This résumé was not found."],
  ])("%s", async (name, message) => {
    expect(await refusal(await ask(name, { id: "nobody" }))).toEqual({ status: 404, body: { message, fieldErrors: {} } });
  });
});

describe("the exports are what they were", () => {
  test("a table of everybody who has applied for an opening", async () => {
    const response = await ask("the export of an opening");

    expect(response.headers.get("Content-Type")).toBe("text/csv; charset=utf-8");
    expect(response.headers.get("Content-Disposition")).toBe("attachment; filename*=UTF-8''Backend%20Engineer.csv");
    expect(await response.text()).toBe(
      [
        "name,email,stage,applied",
        "Berit,berit@example.com,applied,1970-01-02T00:00:00.000Z",
        '"Holm, Ada",ada@example.com,offer,1970-01-02T00:00:00.000Z',
        "Mara Lindqvist,mara@example.com,applied,2026-02-10T00:00:00.000Z",
        "",
      ].join("\r\n"),
    );
  });

  test("a table with nobody in it, for an opening that is closed", async () => {
    const response = await ask("the export of an opening", { id: "job_design" });

    expect(response.headers.get("Content-Disposition")).toBe("attachment; filename*=UTF-8''Design%2C%20lead.csv");
    expect(await response.text()).toBe("name,email,stage,applied\r\n");
  });

  test("a record of all that is kept about one applicant", async () => {
    const response = await ask("the export of an applicant");

    expect(response.headers.get("Content-Disposition")).toBe("attachment; filename*=UTF-8''Mara%20Lindqvist.json");
    expect(await response.json()).toMatchObject({
      name: "Mara Lindqvist",
      email: "mara@example.com",
      jobTitle: "Backend Engineer",
      resume: { fileName: "Mara CV.pdf", text: "Ten years of SQL" },
      notes: [{ author: "Inês Cardoso", body: "Call back on Monday." }],
    });
  });
});
