import type { Deadline } from "../../calls/index.ts";
import { invalidArgument, received, SparseEncoderError } from "../../errors.ts";
import type { Metadata, Store } from "../../stores/index.ts";
import type { FoundDocument, SearchArm } from "./arm.ts";
import { type ArmHit, type ArmQuery, checkScore, filterOf, kOf } from "./arm-query.ts";

/** Asks an arm that is a function. Its hits are checked, each document comes once, and missing texts are looked up. */
export async function searchFunction(
  arm: SearchArm,
  { query, call, stores }: ArmQuery,
  deadline: Deadline,
): Promise<ArmHit[]> {
  const k = kOf(arm, call.k);
  const { context } = call;
  const filter = filterOf(arm, call.filter);
  const lists = await deadline.race((signal) =>
    arm.retrieve([query.text ?? ""], { k, filter, signal, context }),
  );
  const hits = withScores(distinct(arm.name, onlyList(arm.name, lists))).slice(0, k);
  return deadline.race((signal) => withTexts(hits, stores, signal));
}

/** The hits of the one query. */
function onlyList(arm: string, lists: unknown): FoundDocument[] {
  if (Array.isArray(lists) && lists.length === 1 && Array.isArray(lists[0])) return lists[0];
  throw invalidArgument(
    `retrieve of the arm ${arm} must give one array of hits per query, 1 in all, received ${received(lists)}.`,
  );
}

function distinct(arm: string, hits: readonly FoundDocument[]): FoundDocument[] {
  const ids = new Set<string>();
  const texts = new Set<string>();
  return hits.filter((hit) => {
    checkHit(arm, hit);
    const { id, score, text } = hit;
    if (hits[0]!.score !== undefined || score !== undefined) checkScore(arm, id ?? text, score);
    const [seen, name] = id === undefined ? [texts, text!] : [ids, id];
    if (seen.has(name)) return false;
    seen.add(name);
    return true;
  });
}

function checkHit(arm: string, hit: FoundDocument): void {
  const { id, text } = hit ?? {};
  if (text !== undefined && typeof text !== "string") {
    throw invalidArgument(
      `The text of hit ${received(id)} of the arm ${arm} must be a string, received ${received(text)}.`,
    );
  }
  if (id === undefined ? text === undefined : typeof id !== "string" || id === "") {
    throw invalidArgument(
      `A hit of the arm ${arm} needs an id, or a text to be known by, received ${received(hit)}.`,
    );
  }
}

type ScoredDocument = FoundDocument & { readonly score: number };

function withScores(hits: readonly FoundDocument[]): ScoredDocument[] {
  return hits.map((hit, position) => ({ ...hit, score: hit.score ?? 1 / (position + 1) }));
}

async function withTexts(
  hits: readonly ScoredDocument[],
  stores: readonly Store[],
  signal: AbortSignal,
): Promise<ArmHit[]> {
  const bare = hits.flatMap(({ id, text }) => (text === undefined ? [id!] : []));
  const known = await lookUp(bare, stores, signal);
  const unknown = bare.filter((id) => !known.has(id));
  if (unknown.length > 0) {
    throw new SparseEncoderError(
      "INVALID_DOCUMENT",
      `retrieve gave ids without text that no store of this retriever holds: ${received(unknown)}; give their text, or add these documents`,
    );
  }
  return hits.map(({ id, score, text, metadata, payload }) => {
    const stored = text === undefined || metadata === undefined ? known.get(id ?? "") : undefined;
    const hit = { id, score, text: text ?? stored!.text, metadata: metadata ?? stored?.metadata ?? {} };
    return payload === undefined ? hit : { ...hit, payload };
  });
}

async function lookUp(
  ids: readonly string[],
  stores: readonly Store[],
  signal: AbortSignal,
): Promise<Map<string, { text: string; metadata: Metadata }>> {
  const known = new Map<string, { text: string; metadata: Metadata }>();
  for (const store of stores) {
    const missing = ids.filter((id) => !known.has(id));
    if (missing.length === 0) break;
    for (const document of await store.get(missing, { signal })) {
      if (document !== undefined) known.set(document.id, document);
    }
  }
  return known;
}
