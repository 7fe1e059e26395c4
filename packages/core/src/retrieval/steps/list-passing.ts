import type { Deadline } from "../../calls/index.ts";
import type { Store, StoredDocument } from "../../stores/index.ts";
import type { Arm } from "../arms/arm.ts";
import { filterOf } from "../arms/arm-query.ts";
import type { RetrieveCall } from "../retrieve-call.ts";
import type { Candidate } from "./candidate.ts";
import { candidateCount } from "./fuse.ts";

/**
 * Whether a call that found nothing is a search by its filter only, with a blank text. Programs that turn questions into
 * filters send such queries.
 */
export function isFilterOnly({ filter }: RetrieveCall, text: string | undefined): boolean {
  return filter !== undefined && text !== undefined && text.trim() === "";
}

/** The documents that pass the filter, by rising id, all with score 0. */
export async function listPassing(
  call: RetrieveCall,
  asked: readonly Arm[],
  deadline: Deadline,
): Promise<Candidate[]> {
  const count = candidateCount(call);
  const found = new Map<string, StoredDocument>();
  for (const arm of asked) {
    if (arm.source === undefined) continue;
    const { store } = arm.source;
    for (const document of await deadline.race((signal) => firstOf(store, arm, call, count, signal))) {
      if (!found.has(document.id)) found.set(document.id, document);
    }
  }
  return [...found.values()]
    .sort((a, b) => (a.id < b.id ? -1 : 1))
    .slice(0, count)
    .map(({ id, text, metadata }) => ({
      document: { id, text, metadata, score: 0, fusedScore: 0, arms: {} },
      hits: new Map(),
    }));
}

async function firstOf(
  store: Store,
  arm: Arm,
  call: RetrieveCall,
  count: number,
  signal: AbortSignal,
): Promise<StoredDocument[]> {
  const documents: StoredDocument[] = [];
  const options = { filter: filterOf(arm, call.filter), batchSize: Math.min(count, 500), signal };
  for await (const document of store.iterate(options)) {
    documents.push(document);
    if (documents.length === count) break;
  }
  return documents;
}
