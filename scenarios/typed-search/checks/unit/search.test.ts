import { listen, readJson, sendJson } from "kit/services";
import { afterEach, beforeEach, describe, expect, onTestFinished, test, vi } from "vitest";
import { GET } from "@/app/api/search/route";
import { createApplicant, createNote, setStage } from "@/lib/applicants/mutations";
import { currentUser } from "@/lib/auth/session";
import type { Database } from "@/lib/db/client";
import { createTestDatabase, insertApplicant, insertJob, insertUser } from "@/lib/db/testing";
import { env } from "@/lib/env";
import { searchIndex } from "@/lib/search";
import { cosine, embed, features } from "@/lib/search/embed";
import { LocalIndex } from "@/lib/search/local";
import { bestPassage, passages } from "@/lib/search/passages";
import { PineconeIndex } from "@/lib/search/pinecone";
import { indexApplicant, indexMissing, removeFromIndex, searchApplicants } from "@/lib/search/service";

vi.mock("@/lib/auth/session", () => ({ currentUser: vi.fn() }));

let db: Database;

beforeEach(async () => {
  db = await createTestDatabase();
  await insertJob(db);
  vi.mocked(currentUser).mockResolvedValue(await insertUser(db));
});

afterEach(() => {
  vi.restoreAllMocks();
  delete env.PINECONE_API_KEY;
  delete env.PINECONE_INDEX_HOST;
});

const ids = (found: { id: string }[]) => found.map(({ id }) => id);

async function apply(name: string, text: string): Promise<string> {
  const resume = { fileName: "cv.pdf", kind: "pdf", size: 1, storageKey: "resumes/1.pdf", text } as const;
  const id = await createApplicant({ jobId: "job_backend", name, email: `${name.toLowerCase()}@example.com`, resume });
  await indexApplicant(id);
  return id;
}

describe("texts", () => {
  test("consist of words without endings and of trigrams, weighed by how often they occur", () => {
    expect([...features("Bees bees C++")]).toEqual([
      ["bee", 2],
      ["~^be", 0.5],
      ["~bee", 0.5],
      ["~ees", 0.5],
      ["~es$", 0.5],
      ["c++", 1],
      ["~^c+", expect.closeTo(1 / 3)],
      ["~c++", expect.closeTo(1 / 3)],
      ["~++$", expect.closeTo(1 / 3)],
    ]);
    expect(features("the").size).toBe(0);
  });

  test("have the vectors that they had, or the index would have to be built anew", () => {
    const vector = embed("Kept bees, and bees again");
    const places = vector.flatMap((value, place) => (value === 0 ? [] : [[place, expect.closeTo(value, 3)]]));

    expect(vector).toHaveLength(256);
    expect([
      ...[[12, -0.388], [45, -0.227], [82, -0.1249], [94, -0.1021], [117, 0.227], [120, -0.388], [132, -0.1249], [137, 0.1021]],
      ...[[161, 0.227], [175, -0.1021], [176, 0.1021], [182, -0.1021], [197, 0.227], [216, 0.1249], [225, -0.1249], [238, 0.615]],
    ]).toEqual(places);
    expect(embed("the")).toEqual(Array(256).fill(0));
  });

  test("are compared whatever their numbers are kept in", () => {
    expect(cosine([0.6, 0.8], new Float32Array([0.8, 0.6]))).toBeCloseTo(0.96);
    expect(cosine(new Float32Array([0.5, 0.25]), [2, 4])).toBe(2);
    expect(cosine([1, 1, 1], [2, 3])).toBe(5);
  });

  test("fall into lines and sentences", () => {
    expect(passages("Ten years of SQL. Speaks\nfluent Polish!\n\n Plays chess ")).toEqual([
      "Ten years of SQL.",
      "Speaks fluent Polish!",
      "Plays chess",
    ]);
    expect(passages(" \n ")).toEqual([]);
  });

  test("have a best passage", () => {
    const texts = ["Sings in a choir. Kept bees.", "Kept bees on the roof."];

    expect(bestPassage(features("bees"), texts)).toEqual({ text: "Kept bees.", fit: 1 });
    expect(bestPassage(features("bees roof"), texts)).toEqual({ text: "Kept bees on the roof.", fit: 1 });
    expect(bestPassage(features("bees"), ["Rents a beehouse."]).fit).toBeGreaterThan(0);
    expect(bestPassage(features("bees"), ["Rents a beehouse."]).fit).toBeLessThan(1);
  });

  test("have none where nothing fits, or nothing is asked or written", () => {
    const none = { text: "", fit: 0 };

    expect(bestPassage(features("bees"), ["Sings."])).toEqual(none);
    expect(bestPassage(features("bees"), [])).toEqual(none);
    expect(bestPassage(features(""), ["Sings."])).toEqual(none);
  });
});

describe("the index in the database", () => {
  const index = new LocalIndex();

  test("keeps vectors and finds the nearest", async () => {
    for (const id of ["a", "b", "c", "d"]) await insertApplicant(db, { id });
    await index.upsert([]);
    await index.upsert([
      { id: "c", embedding: [0, 1] },
      { id: "b", embedding: [1, 0] },
      { id: "a", embedding: [0.6, 0.8] },
    ]);
    await index.upsert([{ id: "c", embedding: [1, 0] }]);

    expect(await index.query([1, 0], 10)).toEqual([
      { id: "b", score: 1 },
      { id: "c", score: 1 },
      { id: "a", score: expect.closeTo(0.6) },
    ]);
    expect(ids(await index.query([0, 1], 1))).toEqual(["a"]);
    expect(await index.missing(["d", "a", "x"])).toEqual(["d", "x"]);

    await index.remove("b");
    expect(await index.missing(["a", "b", "c"])).toEqual(["b"]);
  });

  test("is the one in use, unless Pinecone is configured completely", () => {
    expect(searchIndex()).toBeInstanceOf(LocalIndex);
    env.PINECONE_API_KEY = "a-key";
    expect(searchIndex()).toBeInstanceOf(LocalIndex);
    env.PINECONE_INDEX_HOST = "http://127.0.0.1:1";
    expect(searchIndex()).toBeInstanceOf(PineconeIndex);
  });
});

describe("the index at Pinecone", () => {
  interface Request {
    path: string;
    key: string | undefined;
    body: unknown;
  }

  /** Answers every request of a path alike. */
  async function pinecone(answers: Record<string, unknown>) {
    const requests: Request[] = [];
    const server = await listen(async (request, response) => {
      const { pathname, searchParams } = new URL(request.url ?? "/", "http://localhost");
      const body = (await readJson(request)) ?? searchParams.getAll("ids");
      requests.push({ path: pathname, key: String(request.headers["api-key"]), body });
      sendJson(response, 200, answers[pathname] ?? {});
    });
    onTestFinished(() => server.close());
    return { index: new PineconeIndex({ apiKey: "a-key", host: server.url }), requests, host: server.url };
  }

  test("is sent at most a hundred entries at a time", async () => {
    const { index, requests } = await pinecone({ "/vectors/upsert": { upsertedCount: 1 } });
    const entries = Array.from({ length: 101 }, (_, number) => ({ id: `a${number}`, embedding: [number, 1] }));

    await index.upsert(entries);
    await index.upsert([]);

    const records = entries.map(({ id, embedding }) => expect.objectContaining({ id, values: embedding }));
    expect(requests).toEqual([
      { path: "/vectors/upsert", key: "a-key", body: expect.objectContaining({ vectors: records.slice(0, 100) }) },
      { path: "/vectors/upsert", key: "a-key", body: expect.objectContaining({ vectors: records.slice(100) }) },
    ]);
  });

  test("is asked for the nearest, of whom some have no score", async () => {
    const { index, requests } = await pinecone({ "/query": { matches: [{ id: "a", score: 0.8, values: [] }, { id: "b", values: [] }] } });

    expect(await index.query([0.6, 0.8], 7)).toEqual([
      { id: "a", score: 0.8 },
      { id: "b", score: 0 },
    ]);
    expect(requests).toMatchObject([{ path: "/query", body: { vector: [0.6, 0.8], topK: 7 } }]);
  });

  test("is asked whom it does not know", async () => {
    const { index, requests } = await pinecone({ "/vectors/fetch": { vectors: { a1: { id: "a1", values: [1] } } } });
    const asked = Array.from({ length: 102 }, (_, number) => `a${number}`);

    expect(await index.missing(asked)).toEqual(asked.filter((id) => id !== "a1"));
    expect(requests.map(({ body }) => (body as string[]).length)).toEqual([100, 2]);
    expect(await index.missing([])).toEqual([]);
  });

  test("forgets whom it is told to", async () => {
    const { index, requests } = await pinecone({});

    await index.remove("a");

    expect(requests).toMatchObject([{ path: "/vectors/delete", body: { ids: ["a"] } }]);
  });

  test("may find somebody without a score, who is found by the papers alone", async () => {
    const keeper = await apply("Amara", "Kept bees.");
    const { host } = await pinecone({ "/query": { matches: [{ id: keeper, values: [] }] } });
    env.PINECONE_API_KEY = "a-key";
    env.PINECONE_INDEX_HOST = host;

    expect(await searchApplicants("bees")).toMatchObject([{ id: keeper, score: 0.5 }]);
  });
});

describe("the search", () => {
  test("finds who fits, best first, with everything that is shown of them", async () => {
    const keeper = await apply("Amara", "Sings in a choir. Kept bees.");
    const friend = await apply("Jonas", "Likes bears and honey.");
    const hits = await searchApplicants("bees");

    expect(hits[0]).toEqual({
      id: keeper,
      name: "Amara",
      email: "amara@example.com",
      stage: "applied",
      jobTitle: "Backend Engineer",
      score: expect.any(Number),
      excerpt: "Kept bees.",
    });
    expect(hits[0]!.score).toBeGreaterThan(0.5);
    expect(hits[0]!.score).toBeLessThanOrEqual(1);
    expect(ids(await searchApplicants("honey"))).toEqual([friend]);
  });

  test("puts whoever fits better first, whatever their ids", async () => {
    for (const id of ["a", "b", "c"]) await insertApplicant(db, { id, name: id === "b" ? "Bee Keeper" : "Bee Holm" });
    await indexMissing();

    expect(ids(await searchApplicants("bee keeper"))).toEqual(["b", "a", "c"]);
    expect(ids(await searchApplicants("holm bee"))).toEqual(["a", "c", "b"]);
  });

  test("finds somebody without any papers by the name", async () => {
    await insertApplicant(db, { id: "applicant_new", name: "Oluwaseun Ade" });
    await indexApplicant("applicant_new");

    expect(await searchApplicants("oluwaseun")).toMatchObject([{ id: "applicant_new", excerpt: "" }]);
  });

  test("reads résumés and notes", async () => {
    const id = await apply("Amara", "Kept bees.");
    const author = await insertUser(db, { id: "user_udo", email: "udo@example.com" });
    await createNote(id, author, "Speaks fluent Estonian.");
    await indexApplicant(id);

    expect(await searchApplicants("estonian")).toMatchObject([{ id, excerpt: "Speaks fluent Estonian." }]);
    expect(await searchApplicants("bees")).toMatchObject([{ id, excerpt: "Kept bees." }]);
  });

  test("takes twenty people at most, or as many as it is told, equals by their id", async () => {
    const everybody = Array.from({ length: 22 }, (_, number) => `applicant_${number + 10}`);
    for (const id of everybody.toReversed()) await insertApplicant(db, { id, name: "Bee Holm" });
    await indexMissing();

    expect(ids(await searchApplicants("holm"))).toEqual(everybody.slice(0, 20));
    expect(ids(await searchApplicants("holm", {}))).toHaveLength(20);
    expect(ids(await searchApplicants("holm", { limit: undefined, stage: undefined }))).toHaveLength(20);
    expect(ids(await searchApplicants("holm", { limit: 2, stage: null }))).toEqual(everybody.slice(0, 2));
    expect(await searchApplicants("holm", { limit: 0 })).toEqual([]);
  });

  test("keeps to a stage", async () => {
    const keeper = await apply("Amara", "Kept bees.");
    const helper = await apply("Jonas", "Kept bees, too.");
    await setStage(helper, "offer");

    expect(ids(await searchApplicants("bees", { stage: "offer" }))).toEqual([helper]);
    expect(ids(await searchApplicants("bees", { stage: "applied" }))).toEqual([keeper]);
    expect(await searchApplicants("bees", { stage: "hired" })).toEqual([]);
  });

  test("finds nobody for words that nobody used, and for none", async () => {
    await apply("Amara", "Kept bees.");

    expect(await searchApplicants("xylophone")).toEqual([]);
    expect(await searchApplicants(" ")).toEqual([]);
  });

  test("finds nobody who was removed from the index", async () => {
    const keeper = await apply("Amara", "Kept bees.");
    await removeFromIndex(keeper);

    expect(await searchApplicants("bees")).toEqual([]);
  });

  test.each([
    ["indexApplicant", "upsert", () => indexApplicant("applicant_mara")],
    ["removeFromIndex", "remove", () => removeFromIndex("applicant_mara")],
    ["indexMissing", "missing", () => indexMissing()],
  ] as const)("%s logs an index that is down and goes on", async (_name, method, run) => {
    const log = vi.spyOn(console, "error").mockImplementation(() => {});
    const down = new Error("The index is down.");
    vi.spyOn(LocalIndex.prototype, method).mockRejectedValueOnce(down);
    await insertApplicant(db);

    await expect(run()).resolves.toBeUndefined();

    expect(log).toHaveBeenCalledExactlyOnceWith(expect.any(String), down);
  });
});

describe("the route", () => {
  async function get(query: string) {
    const response = await GET(new Request(`http://localhost/api/search?${query}`), { params: Promise.resolve({}) });
    return { status: response.status, body: await response.json() };
  }

  test("answers with the hits, at one stage if it is one", async () => {
    const keeper = await apply("Amara", "Kept bees.");
    const helper = await apply("Jonas", "Kept bees, too.");
    await setStage(helper, "offer");

    expect((await get("q=bees&stage=offer")).body).toEqual({ hits: await searchApplicants("bees", { stage: "offer" }) });
    expect(ids((await get("q=bees&stage=promoted")).body.hits)).toEqual(expect.arrayContaining([keeper, helper]));
    expect(await get("")).toEqual({ status: 200, body: { hits: [] } });
  });

  test("tells visitors nothing", async () => {
    vi.mocked(currentUser).mockResolvedValue(null);

    expect(await get("q=bees")).toMatchObject({ status: 401, body: { message: "Please sign in again." } });
  });
});
