import { afterAll, beforeAll, beforeEach, expect, test } from "vitest";
import type { Database } from "@/lib/db/client";
import { resumes } from "@/lib/db/schema";
import { createTestDatabase, insertApplicant, insertJob } from "@/lib/db/testing";
import { env } from "@/lib/env";
import { searchApplicants } from "@/lib/search/service";
import { type LoopbackServer, listen, readJson, sendJson } from "kit/services";

const MOST_AT_ONCE = 10_000;

let server: LoopbackServer;
let db: Database;
/** What the index knows, nearest first, whatever is asked. */
let known: string[] = [];

beforeAll(async () => {
  server = await listen(async (request, response) => {
    const { topK } = (await readJson(request)) as { topK: number };
    if (request.url !== "/query") return sendJson(response, 404, { message: "Not found" });
    // As the real one does.
    if (!(topK >= 1 && topK <= MOST_AT_ONCE)) {
      return sendJson(response, 400, { code: 3, message: "top_k must be between 1 and 10000", details: [] });
    }
    const matches = known.slice(0, topK).map((id, place) => ({ id, score: 0.9 - place / 100_000, values: [] }));
    sendJson(response, 200, { matches, namespace: "" });
  });
  Object.assign(env, { PINECONE_API_KEY: "a-key", PINECONE_INDEX_HOST: server.url });
});

afterAll(async () => {
  Object.assign(env, { PINECONE_API_KEY: undefined, PINECONE_INDEX_HOST: undefined });
  await server.close();
});

beforeEach(async () => {
  db = await createTestDatabase();
  await insertJob(db);
});

async function apply(id: string, text: string, stage: "applied" | "offer" = "applied") {
  await insertApplicant(db, { id, stage });
  await db
    .insert(resumes)
    .values({ id: `resume_${id}`, applicantId: id, fileName: "cv.pdf", kind: "pdf", size: 1, storageKey: id, text });
}

const gone = (count: number) => Array.from({ length: count }, (_, index) => `gone_${index}`);
const ids = (hits: { id: string }[]) => hits.map(({ id }) => id);

test("at a stage people are found however many others are nearer", async () => {
  const others = Array.from({ length: 130 }, (_, index) => `other_${index}`);
  for (const id of others) await apply(id, "Plays the violin.");
  await apply("last", "Plays the violin.", "offer");
  known = [...others, "last"];

  expect(ids(await searchApplicants("violin", { stage: "offer" }))).toEqual(["last"]);
});

test("people who have been removed take nobody's place", async () => {
  await apply("last", "Plays the violin.", "offer");
  known = [...gone(MOST_AT_ONCE - 1), "last"];

  expect(ids(await searchApplicants("violin"))).toEqual(["last"]);
  expect(ids(await searchApplicants("violin", { stage: "offer" }))).toEqual(["last"]);
});

test("the hundred nearest are people who are there", async () => {
  const there = Array.from({ length: 101 }, (_, index) => `there_${String(index).padStart(3, "0")}`);
  for (const [index, id] of there.entries()) await apply(id, index < 99 ? "Plays chess." : "Plays the violin.");
  known = [...gone(60), ...there];

  expect(ids(await searchApplicants("violin"))).toEqual(["there_099"]);
});
