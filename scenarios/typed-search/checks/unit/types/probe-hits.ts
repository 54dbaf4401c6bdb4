import type { Stage } from "@/lib/db/schema";
import { indexApplicant, indexMissing, removeFromIndex, type SearchHit, searchApplicants } from "@/lib/search/service";

const hit: SearchHit = {
  id: "applicant_mara",
  name: "Mara Lindqvist",
  email: "mara@example.com",
  stage: "offer",
  jobTitle: "Backend Engineer",
  score: 0.8,
  excerpt: "",
};
const { excerpt, ...withoutExcerpt } = hit;
// @ts-expect-error: everything is always there
export const incomplete: SearchHit = withoutExcerpt;
// @ts-expect-error: no such stage
export const promoted: SearchHit = { ...hit, stage: "promoted" };
// @ts-expect-error: a number
export const worded: SearchHit = { ...hit, score: "high" };
// @ts-expect-error: a string
export const numbered: SearchHit = { ...hit, id: 7 };

export const stage: Stage = hit.stage;
export const texts: string[] = [hit.id, hit.name, hit.email, hit.jobTitle, hit.excerpt, excerpt];
export const score: number = hit.score;
// @ts-expect-error: it may stand anywhere
export const offered: "offer" = hit.stage;
// @ts-expect-error: there is no such field
export const title = hit.title;

export async function found() {
  const hits = await searchApplicants("bees");
  const first: SearchHit | undefined = hits[0];
  await searchApplicants("bees", {});
  await searchApplicants("bees", { stage: "offer" });
  await searchApplicants("bees", { stage: null, limit: 3 });

  // @ts-expect-error: there may be nobody
  const name: string = hits[0].name;
  // @ts-expect-error: a list
  const single: SearchHit = hits;
  // @ts-expect-error: a string
  await searchApplicants(7);
  // @ts-expect-error: something has to be looked for
  await searchApplicants();
  // @ts-expect-error: no such stage
  await searchApplicants("bees", { stage: "promoted" });
  // @ts-expect-error: a number
  await searchApplicants("bees", { limit: "3" });
  // @ts-expect-error: no such option
  await searchApplicants("bees", { size: 3 });
  return [first, name, single];
}

export async function indexed() {
  await Promise.all([indexApplicant("applicant_mara"), removeFromIndex("applicant_mara"), indexMissing()]);

  // @ts-expect-error: an id
  await indexApplicant(hit);
  // @ts-expect-error: an id
  await removeFromIndex(7);
}
