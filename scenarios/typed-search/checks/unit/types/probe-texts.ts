import { cosine, embed, features } from "@/lib/search/embed";
import { bestPassage, passages } from "@/lib/search/passages";

const query = features("bees");
export const weight: number | undefined = query.get("bee");
export const size: number = query.size;
// @ts-expect-error: a number
export const worded: string | undefined = query.get("bee");
// @ts-expect-error: a string
export const numbered = query.get(7);
// @ts-expect-error: a text
export const none = features(7);

const vector = embed("bees");
export const value: number | undefined = vector[0];
export const length: number = vector.length;
// @ts-expect-error: numbers
export const letter: string | undefined = vector[0];
// @ts-expect-error: a text
export const unread = embed(["bees"]);

export const nearness: number = cosine(vector, vector) + cosine([0.6, 0.8], new Float32Array(2));
// @ts-expect-error: a number
export const near: string = cosine(vector, vector);
// @ts-expect-error: numbers
export const compared = cosine("bees", "bears");
// @ts-expect-error: of two
export const alone = cosine(vector);

const best = bestPassage(query, ["Kept bees."]);
export const text: string = best.text;
export const fit: number = best.fit;
// @ts-expect-error: a number
export const fitting: string = best.fit;
// @ts-expect-error: there is no such field
export const start = best.start;
// @ts-expect-error: features
export const unasked = bestPassage("bees", ["Kept bees."]);
// @ts-expect-error: a list
export const single = bestPassage(query, "Kept bees.");

export const sentence: string | undefined = passages("Kept bees.")[0];
// @ts-expect-error: strings
export const count: number | undefined = passages("Kept bees.")[0];
// @ts-expect-error: a text
export const unsplit = passages(["Kept bees."]);
