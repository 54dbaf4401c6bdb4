import { SearchHits } from "@/app/(admin)/search/search-hits";
import { SearchPanel } from "@/app/(admin)/search/search-panel";
import { type SearchFilters, type SearchState, useSearch } from "@/hooks/use-search";
import type { Stage } from "@/lib/db/schema";
import type { SearchHit } from "@/lib/search/service";

export const anywhere: SearchFilters = { stage: null };
export const hired: SearchFilters = { stage: "hired" };
export const at: Stage | null = hired.stage;
// @ts-expect-error: no such stage
export const promoted: SearchFilters = { stage: "promoted" };

export function told(state: SearchState): string {
  switch (state.status) {
    case "idle":
    case "loading":
    case "failed":
      // @ts-expect-error: nothing has been found yet
      return String(state.hits.length);
    case "done": {
      const first: SearchHit | undefined = state.hits[0];
      // @ts-expect-error: there may be nobody
      return first.name;
    }
  }
}

export const done: SearchState = { status: "done", hits: [] };
export const loading: SearchState = { status: "loading" };
// @ts-expect-error: hits belong to it
export const empty: SearchState = { status: "done" };
// @ts-expect-error: no such status
export const unknown: SearchState = { status: "unknown" };

export function Page({ hits }: { hits: SearchHit[] }) {
  const search = useSearch("bees", anywhere);
  const state: SearchState = search;
  search.retry();
  // @ts-expect-error: no such status
  const finished = search.status === "finished";
  // @ts-expect-error: perhaps there are none
  const found = search.hits.length;
  // @ts-expect-error: there is no such thing
  search.again();
  // @ts-expect-error: a text
  const other = useSearch(7, anywhere);
  // @ts-expect-error: no such stage
  const another = useSearch("bees", { stage: "promoted" });
  return (
    <>
      <SearchPanel />
      <SearchPanel initialText="bees" initialStage={null} />
      <SearchPanel initialStage="hired" />
      <SearchHits hits={hits} />
      {/* @ts-expect-error: no such stage */}
      <SearchPanel initialStage="promoted" />
      {/* @ts-expect-error: a text */}
      <SearchPanel initialText={7} />
      {/* @ts-expect-error: hits belong to it */}
      <SearchHits />
      {/* @ts-expect-error: these are none */}
      <SearchHits hits={["Mara"]} />
      {String([state, finished, found, other, another])}
    </>
  );
}
