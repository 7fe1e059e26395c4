import { type MemoryStore, SparseVector, type StoredDocument } from "@sparse-encoder/core";

/** What the writer that is killed does at one step. */
export type CrashStep =
  | { readonly type: "upsert"; readonly documents: readonly StoredDocument[] }
  | { readonly type: "delete"; readonly ids: readonly string[] }
  | { readonly type: "deleteYear"; readonly year: number }
  | { readonly type: "snapshot" };

export const sparseDimension = 60;
export const denseDimension = 4;

/** The same step for the same seed and number, in the writer and in the test. */
export function stepAt(seed: number, number: number): CrashStep {
  const random = randomOf(seed * 1_000_003 + number);
  const kind = random(20);
  if (kind === 0) return { type: "snapshot" };
  if (kind === 1) return { type: "deleteYear", year: random(8) };
  if (kind < 6)
    return { type: "delete", ids: Array.from({ length: 1 + random(6) }, () => `d${random(200)}`) };
  const ids = new Set(Array.from({ length: 1 + random(kind === 19 ? 150 : 6) }, () => `d${random(200)}`));
  return { type: "upsert", documents: [...ids].map((id) => documentOf(random, id)) };
}

export async function takeStep(store: MemoryStore, step: CrashStep): Promise<void> {
  if (step.type === "upsert") await store.upsert(step.documents);
  else if (step.type === "delete") await store.delete({ ids: step.ids });
  else if (step.type === "deleteYear") await store.delete({ filter: { year: step.year } });
  else await store.snapshot();
}

export function sparseOf(random: (below: number) => number): SparseVector {
  const entries = new Map(Array.from({ length: 6 }, () => [random(sparseDimension), 1 + random(8)]));
  return SparseVector.from(entries, sparseDimension);
}

/** Numbers below a bound that follow from a seed. */
export function randomOf(seed: number): (below: number) => number {
  let state = seed >>> 0;
  return (below) => {
    state = (state + 0x9e3779b9) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 16), 0x21f0aaad);
    mixed = Math.imul(mixed ^ (mixed >>> 15), 0x735a2d97);
    return ((mixed ^ (mixed >>> 15)) >>> 0) % below;
  };
}

function documentOf(random: (below: number) => number, id: string): StoredDocument {
  const dense = Float32Array.from({ length: denseDimension }, () => random(16) - 7.5);
  return {
    id,
    text: `text ${random(1e6)} `.repeat(1 + random(20)),
    metadata: { year: random(8), é: "😀" },
    vectors: random(4) === 0 ? { sparse: sparseOf(random) } : { sparse: sparseOf(random), dense },
  };
}

/** Does to a map what the step does to a store. */
export function applyStep(documents: Map<string, StoredDocument>, seed: number, number: number): void {
  const step = stepAt(seed, number);
  if (step.type === "upsert") for (const document of step.documents) documents.set(document.id, document);
  if (step.type === "delete") for (const id of step.ids) documents.delete(id);
  if (step.type === "deleteYear") {
    for (const [id, { metadata }] of documents) if (metadata.year === step.year) documents.delete(id);
  }
}

/** All that is known of documents, as one string. */
export function contentOf(documents: Iterable<StoredDocument>): string {
  const lines = Array.from(documents, ({ id, text, metadata, vectors }) => {
    const { sparse, dense } = vectors as { sparse: SparseVector; dense?: Float32Array };
    return JSON.stringify([id, text, metadata, sparse, dense === undefined ? null : [...dense]]);
  });
  return lines.sort().join("\n");
}
