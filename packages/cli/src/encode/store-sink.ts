import type { Metadata, Store } from "@sparse-encoder/core";
import type { BlockSink, EncodedBlock } from "./block-sink.ts";
import { Checkpoint, type RunSettings } from "./checkpoint.ts";
import type { EarlierRun } from "./file-sink.ts";

/** Stores documents with their vectors. A block that is stored twice is there once, as documents are replaced by their ids. */
export class StoreSink implements BlockSink {
  private readonly store: Store;
  private readonly vector: string;
  private readonly checkpoint: Checkpoint;

  private constructor(store: Store, vector: string, checkpoint: Checkpoint) {
    this.store = store;
    this.vector = vector;
    this.checkpoint = checkpoint;
  }

  /** @param checkpointPath undefined for a run that cannot go on after it was killed */
  static async open(
    store: Store,
    vector: string,
    checkpointPath: string | undefined,
    settings: RunSettings,
    earlier: EarlierRun,
  ): Promise<StoreSink> {
    const saved =
      checkpointPath === undefined || earlier !== "resume"
        ? undefined
        : await Checkpoint.read(checkpointPath, settings);
    return new StoreSink(store, vector, saved ?? Checkpoint.start(checkpointPath, settings));
  }

  get stored(): number {
    return this.checkpoint.blocks;
  }

  async write({ records, vectors }: EncodedBlock): Promise<void> {
    const rows = [...vectors];
    const documents = records.map(({ id, text, fields }, row) => ({
      id,
      text,
      metadata: JSON.parse(JSON.stringify(fields, plainNumbers)) as Metadata,
      vectors: { [this.vector]: rows[row]! },
    }));
    // Of two records with one id in a block the later one stays, as it does over blocks.
    const latest = new Map(documents.map((document) => [document.id, document]));
    await this.store.upsert([...latest.values()]);
    await this.checkpoint.addBlock(0);
  }

  async finish(): Promise<void> {
    await this.checkpoint.remove();
  }

  async close(): Promise<void> {
    await this.store.close();
  }
}

function plainNumbers(_name: string, value: unknown): unknown {
  return typeof value === "bigint" ? Number(value) : value;
}
