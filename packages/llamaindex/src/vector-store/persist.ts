import { MemoryStore, SparseEncoderError, type Store } from "@sparse-encoder/core";
import { copyStore } from "@sparse-encoder/core/stores";

/**
 * Makes the store in a folder hold what another store does. Nothing is deleted before all is copied, so a copy that was
 * interrupted loses nothing and can be made again.
 *
 * @param folder undefined for a store that keeps its documents itself
 * @throws SparseEncoderError `STORE_UNSUPPORTED`, and as `MemoryStore.open`
 */
export async function persistTo(folder: string | undefined, from: Store): Promise<void> {
  if (folder === undefined) {
    if (from.capabilities.durable) return;
    throw new SparseEncoderError(
      "STORE_UNSUPPORTED",
      `persist: the store ${from.name} is only in memory; name a folder, or use HybridVectorStore.load.`,
    );
  }
  // The metrics of dense vectors go along.
  const { vectors = {} } = from;
  const target = await MemoryStore.open(folder, Object.keys(vectors).length === 0 ? {} : { vectors });
  try {
    await copyStore(from, target, { deleteStale: true, sample: 0 });
    await target.snapshot();
  } finally {
    await target.close();
  }
}
