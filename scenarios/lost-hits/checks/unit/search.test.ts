import type { Client, ResultSet } from "@libsql/client";
import { beforeEach, describe, expect, test } from "vitest";
import { setStage } from "@/lib/applicants/mutations";
import { SearchAssistant } from "@/lib/chat/search-assistant";
import type { Database } from "@/lib/db/client";
import { applicants, resumes, type Stage, STAGES } from "@/lib/db/schema";
import { createTestDatabase, insertJob } from "@/lib/db/testing";
import { searchIndex } from "@/lib/search";
import { embed } from "@/lib/search/embed";
import { type SearchHit, searchApplicants } from "@/lib/search/service";

/** Four words that have no three letters in common, so that each is a quarter of the query. */
const WORDS = ["violin", "plumbing", "geography", "kangaroo"];
const QUERY = WORDS.join(" ");
const QUERY_VECTOR = embed(QUERY);
/** What points there is at right angles to the query. */
const FREE_PLACE = QUERY_VECTOR.indexOf(0);

interface Person {
  id: string;
  stage?: Stage;
  /** Cosine of the query and what the index knows of the person. */
  nearness: number;
  /** How many words of the query the résumé has in one passage. */
  words: number;
}

let db: Database;

beforeEach(async () => {
  db = await createTestDatabase();
  await insertJob(db);
});

async function apply(people: Person[]) {
  await db.insert(applicants).values(
    people.map(({ id, stage = "applied" }) => ({
      id,
      jobId: "job_backend",
      name: "Mara Lindqvist",
      email: `${id}@example.com`,
      stage,
      appliedAt: Date.UTC(2026, 1, 10),
    })),
  );
  await db.insert(resumes).values(
    people.map(({ id, words }) => ({
      id: `resume_${id}`,
      applicantId: id,
      fileName: "cv.pdf",
      kind: "pdf" as const,
      size: 1234,
      storageKey: `resumes/${id}.pdf`,
      text: `Page 1.\n${excerpt({ id, words })}\nPage 2.`,
    })),
  );
  await searchIndex().upsert(people.map(({ id, nearness }) => ({ id, embedding: vector(nearness) })));
}

function excerpt({ id, words }: Pick<Person, "id" | "words">): string {
  return `Résumé of ${id}: ${WORDS.slice(0, words).join(" ")}.`;
}

function vector(nearness: number): number[] {
  return QUERY_VECTOR.map((value, place) => (place === FREE_PLACE ? Math.sqrt(1 - nearness ** 2) : value * nearness));
}

/** Numbered ids sort as their numbers do. */
function many(count: number, prefix: string, person: (index: number) => Omit<Person, "id">): Person[] {
  return Array.from({ length: count }, (_, index) => ({ id: `${prefix}_${String(index).padStart(4, "0")}`, ...person(index) }));
}

const ids = (hits: { id: string }[]) => hits.map(({ id }) => id);
const alike = (hits: SearchHit[]) => hits.map((hit) => ({ ...hit, score: expect.closeTo(hit.score, 5) }));
const score = ({ words, nearness }: Person) => (words / WORDS.length + nearness) / 2;

function ranked(people: Person[]): Person[] {
  return people.filter(({ words }) => words > 0).toSorted((a, b) => score(b) - score(a));
}

/** Nearness, words and stages have nothing to do with each other. */
const mixed = many(90, "mixed", (index) => ({
  stage: STAGES[index % STAGES.length],
  nearness: 0.2 + ((index * 37) % 90) * 0.008,
  words: (index * 11) % 5,
}));

/** Whose résumés a database hands out while something runs. */
async function peopleRead(run: () => Promise<unknown>): Promise<number> {
  const { $client: client } = db as Database & { $client: Client };
  const seen = new Set<string>();
  function look<Answer extends ResultSet | ResultSet[]>(answer: Answer): Answer {
    for (const { rows } of [answer].flat() as ResultSet[]) {
      for (const [, id = ""] of JSON.stringify(rows.map((row) => Object.values(row))).matchAll(/Résumé of (\w+)/g)) seen.add(id);
    }
    return answer;
  }
  const { execute, batch } = client;
  client.execute = async (...parameters: never[]) => look(await execute.apply(client, parameters));
  client.batch = async (...parameters: never[]) => look(await batch.apply(client, parameters));
  try {
    await run();
  } finally {
    Object.assign(client, { execute, batch });
  }
  return seen.size;
}

describe("among everybody", () => {
  test("who fits best comes first, although many are nearer", async () => {
    await apply([...many(60, "near", (index) => ({ nearness: 0.9 - index * 0.001, words: 1 })), { id: "best", nearness: 0.3, words: 4 }]);

    const hits = await searchApplicants(QUERY);

    expect(hits).toHaveLength(20);
    expect(hits[0]).toMatchObject({ id: "best", excerpt: excerpt({ id: "best", words: 4 }) });
    expect(hits[0]?.score).toBeCloseTo(0.65);
    expect(ids(await searchApplicants(QUERY, { limit: 1 }))).toEqual(["best"]);
  });

  test("the hits are those with the highest scores, best first", async () => {
    await apply(mixed);

    const hits = await searchApplicants(QUERY);

    const best = ranked(mixed).slice(0, 20);
    expect(ids(hits)).toEqual(ids(best));
    for (const [index, hit] of hits.entries()) expect(hit.score).toBeCloseTo(score(best[index]!));
  });

  test.each([1, 2, 5, 8, 19, 40])("the first %i are the same however many are asked for", async (limit) => {
    await apply(mixed);

    const hits = await searchApplicants(QUERY, { limit });

    expect(hits).toEqual(alike(await searchApplicants(QUERY, { limit: 90 })).slice(0, limit));
    expect(ids(hits)).toEqual(ids(ranked(mixed).slice(0, limit)));
  });

  test("who does not fit takes nobody's place", async () => {
    const fitting = many(25, "fitting", (index) => ({ nearness: 0.5 - index * 0.001, words: 1 }));
    await apply([...many(40, "near", (index) => ({ nearness: 0.9 - index * 0.001, words: 0 })), ...fitting]);

    expect(ids(await searchApplicants(QUERY))).toEqual(ids(fitting.slice(0, 20)));
  });

  test("equals come by id", async () => {
    const equals = many(30, "equal", () => ({ nearness: 0.5, words: 2 }));
    await apply(equals.toReversed());

    expect(ids(await searchApplicants(QUERY))).toEqual(ids(equals.slice(0, 20)));
  });

  test("the assistant names the same people as the search", async () => {
    await apply(mixed);

    const events = await Array.fromAsync(new SearchAssistant().reply([{ role: "user", text: QUERY }]));

    const people = events.flatMap((event) => (event.type === "people" ? event.people : []));
    expect(ids(people)).toEqual(ids(ranked(mixed).slice(0, 5)));
  });
});

describe("at a stage", () => {
  test.each(STAGES)("such as %s a search finds whom a search among everybody finds there", async (stage) => {
    await apply(mixed);

    const hits = await searchApplicants(QUERY, { stage });

    const everybody = await searchApplicants(QUERY, { limit: 90 });
    expect(hits).toEqual(alike(everybody.filter((hit) => hit.stage === stage)));
    expect(ids(hits)).toEqual(ids(ranked(mixed.filter((person) => person.stage === stage))));
  });

  test("the limit counts those at the stage, best first", async () => {
    await apply(mixed);

    const hits = await searchApplicants(QUERY, { stage: "offer", limit: 3 });

    expect(ids(hits)).toEqual(ids(ranked(mixed.filter(({ stage }) => stage === "offer")).slice(0, 3)));
  });

  test("people are found however many are nearer at other stages", async () => {
    const others = many(1300, "other", (index) => ({ stage: "rejected", nearness: 0.95 - index * 0.0001, words: 3 }));
    const few = many(3, "few", (index) => ({ stage: "interview", nearness: 0.4 - index * 0.01, words: 1 }));
    await apply([...others, ...few]);

    expect(ids(await searchApplicants(QUERY, { stage: "interview" }))).toEqual(ids(few));
  });

  test("people are found where they stand now", async () => {
    const others = many(120, "other", (index) => ({ stage: "rejected", nearness: 0.9 - index * 0.001, words: 1 }));
    await apply([...others, { id: "moved", nearness: 0.3, words: 4 }]);

    await setStage("moved", "offer");

    expect(ids(await searchApplicants(QUERY, { stage: "offer" }))).toEqual(["moved"]);
    expect(await searchApplicants(QUERY, { stage: "applied" })).toEqual([]);
  });
});

/** Of whom the hundredth and the next one fit best. */
function crowd(stage: Stage): Person[] {
  return many(150, "crowd", (index) => ({ stage, nearness: 0.8 - index * 0.001, words: index === 99 || index === 100 ? 4 : 1 }));
}

describe("the hundred nearest are looked at closely, and nobody else", () => {
  test("among everybody", async () => {
    await apply(crowd("applied"));

    const hits = await searchApplicants(QUERY, { limit: 5 });

    expect(ids(hits)).toEqual(["crowd_0099", "crowd_0000", "crowd_0001", "crowd_0002", "crowd_0003"]);
    await expect(peopleRead(() => searchApplicants(QUERY))).resolves.toBeLessThanOrEqual(100);
  });

  test("at a stage", async () => {
    const others = many(150, "other", (index) => ({ stage: "applied", nearness: 0.95 - index * 0.0005, words: 2 }));
    await apply([...crowd("screening"), ...others]);

    const hits = await searchApplicants(QUERY, { stage: "screening", limit: 5 });

    expect(ids(hits)).toEqual(["crowd_0099", "crowd_0000", "crowd_0001", "crowd_0002", "crowd_0003"]);
    await expect(peopleRead(() => searchApplicants(QUERY, { stage: "screening" }))).resolves.toBeLessThanOrEqual(100);
  });
});
