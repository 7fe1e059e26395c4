import { MemoryStore, type Store, type StoredDocument, type VectorSchema } from "@sparse-encoder/core";

/** Documents that are copied together. */
const batchSize = 500;

/**
 * Makes the store in a folder hold what another store does. Nothing is deleted before all is copied, so a copy that was
 * interrupted loses nothing and can be made again.
 */
export async function copyInto(folder: string, from: Store): Promise<void> {
  // The metrics of dense vectors go along, where the store tells.
  const vectors = "vectors" in from ? (from.vectors as VectorSchema) : {};
  const target = await MemoryStore.open(folder, Object.keys(vectors).length === 0 ? {} : { vectors });
  try {
    await copy(target, from);
  } finally {
    await target.close();
  }
}

async function copy(target: MemoryStore, from: Store): Promise<void> {
  const stale = new Set<string>();
  for await (const { id } of target.iterate()) stale.add(id);
  let batch: StoredDocument[] = [];
  for await (const document of from.iterate({ batchSize })) {
    stale.delete(document.id);
    batch.push(document);
    if (batch.length < batchSize) continue;
    await target.upsert(batch);
    batch = [];
  }
  await target.upsert(batch);
  await target.delete({ ids: [...stale] });
  await target.snapshot();
}
