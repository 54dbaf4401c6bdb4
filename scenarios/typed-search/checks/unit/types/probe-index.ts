import { searchIndex } from "@/lib/search";
import { LocalIndex } from "@/lib/search/local";
import { PineconeIndex } from "@/lib/search/pinecone";
import type { Entry, Match, SearchIndex } from "@/lib/search/search-index";

const settings = { apiKey: "a-key", host: "http://localhost" };

export const entry: Entry = { id: "applicant_mara", embedding: [0.6, 0.8] };
export const match: Match = { id: "applicant_mara", score: 0.8 };
// @ts-expect-error: numbers
export const worded: Entry = { id: "applicant_mara", embedding: ["0.6"] };
// @ts-expect-error: without an embedding it is none
export const empty: Entry = { id: "applicant_mara" };
// @ts-expect-error: there is always a score
export const unscored: Match = { id: "applicant_mara" };

export const indexes: SearchIndex[] = [new LocalIndex(), new PineconeIndex(settings), searchIndex()];
// @ts-expect-error: it can do none of these things
export const none: SearchIndex = {};
// @ts-expect-error: the host is missing
export const nowhere = new PineconeIndex({ apiKey: "a-key" });
// @ts-expect-error: a string
export const keyless = new PineconeIndex({ ...settings, apiKey: undefined });

export async function used(index: SearchIndex) {
  await index.upsert([entry]);
  await index.remove("applicant_mara");
  const matches = await index.query([0.6, 0.8], 3);
  const ids = await index.missing(["applicant_mara"]);
  const first: Match | undefined = matches[0];
  const missing: string | undefined = ids[0];

  // @ts-expect-error: a list
  await index.upsert(entry);
  // @ts-expect-error: an id
  await index.remove(entry);
  // @ts-expect-error: numbers
  await index.query("bees", 3);
  // @ts-expect-error: how many
  await index.query([0.6, 0.8], "3");
  // @ts-expect-error: ids
  await index.missing([7]);
  // @ts-expect-error: a match has no embedding
  const embedding = matches[0]?.embedding;
  // @ts-expect-error: an id
  const number: number | undefined = ids[0];
  // @ts-expect-error: it can do no more
  index.clear();
  return [first, missing, embedding, number];
}

export async function asked() {
  const [local, pinecone, chosen] = [new LocalIndex(), new PineconeIndex(settings), searchIndex()];

  // @ts-expect-error: numbers
  await local.query("bees", 3);
  // @ts-expect-error: numbers
  await pinecone.query("bees", 3);
  // @ts-expect-error: numbers
  await chosen.query("bees", 3);
  // @ts-expect-error: strings
  const ids: number[] = await pinecone.missing(["applicant_mara"]);
  // @ts-expect-error: a number
  const score: string | undefined = (await local.query([0.6, 0.8], 3))[0]?.score;
  return [ids, score];
}
