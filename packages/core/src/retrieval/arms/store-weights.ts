import { received, SparseEncoderError } from "../../errors.ts";
import type { VectorSource } from "./arm.ts";
import type { TextVector } from "./text-embedder.ts";

/**
 * The vector of a query as the documents of the store weigh it, for encoders whose queries depend on them.
 *
 * @param vector occurrences of terms for such encoders; others come back as they are
 * @throws SparseEncoderError `STORE_MISMATCH` if another encoder made the vectors of the store
 */
export async function weighed(
  source: VectorSource,
  vector: TextVector,
  signal: AbortSignal,
): Promise<TextVector> {
  const { embedder, store, vector: name } = source;
  const { weighing } = embedder;
  if (weighing === undefined || vector === undefined || vector instanceof Float32Array) return vector;
  if (vector.activeDims === 0) return vector;
  if (store.capabilities?.countsDims !== true || store.countDims === undefined) {
    checkEncoder(source);
    return weighing.weighTerms(vector);
  }
  const counts = await store.countDims(name, [...vector.indices], { signal });
  if (counts.vectors > 0) checkEncoder(source);
  return weighing.weighTerms(vector, counts);
}

/** Keeps with the vectors of a store what makes them, before documents are added. */
export async function bindEncoder(
  { embedder, store, vector }: VectorSource,
  signal: AbortSignal,
): Promise<void> {
  const { fingerprint, embeddingDimension: dimension } = embedder.weighing ?? {};
  if (fingerprint === undefined || dimension === undefined) return;
  await store.bindEncoder?.(vector, { dimension, fingerprint }, { signal });
}

/** Lets the encoder count documents that were stored, where the store does not. */
export async function countStored(
  { embedder, store }: VectorSource,
  texts: readonly string[],
  signal: AbortSignal,
): Promise<void> {
  if (store.capabilities?.countsDims === true) return;
  await embedder.weighing?.countDocuments?.(texts, { signal });
}

function checkEncoder({ embedder, store, vector }: VectorSource): void {
  const field = store.vectors?.[vector];
  const kept = field?.kind === "sparse" ? field.encoder : undefined;
  const fingerprint = embedder.weighing?.fingerprint;
  if (kept === undefined || fingerprint === undefined || kept === fingerprint) return;
  throw new SparseEncoderError(
    "STORE_MISMATCH",
    `The vectors named ${received(vector)} in the ${store.name} store were made by ${kept}, and the encoder is ${fingerprint}. ` +
      "Search with the encoder that made them, or add the documents again under another name of vectors.",
  );
}
