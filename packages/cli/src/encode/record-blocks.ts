import { CommandError } from "../command-error.ts";
import { type InputRecord, type InvalidRecord, isInvalid } from "../input/input-record.ts";
import type { Shard } from "./shard.ts";

/**
 * Records that are encoded together. A block has the same records whatever was done before and however many shards there
 * are, so that its vectors are the same to the last bit.
 */
export interface RecordBlock {
  /** From 0, over the whole input. */
  readonly number: number;
  readonly records: readonly InputRecord[];
}

/** Records of a block. Work between two checkpoints is lost when a run is killed. */
export const blockRecords = 256;

export interface BlockOptions {
  readonly shard: Shard;
  /** Blocks of the shard to pass over, which an earlier run has stored. */
  readonly skip: number;
  /** Called for each record that cannot be encoded; without it, the first one is an error. */
  readonly onInvalid: ((record: InvalidRecord) => void) | undefined;
}

/** The blocks of a shard. */
export async function* recordBlocks(
  source: AsyncIterable<InputRecord | InvalidRecord>,
  { shard, skip, onInvalid }: BlockOptions,
): AsyncGenerator<RecordBlock, void, undefined> {
  let number = 0;
  let passed = 0;
  let records: InputRecord[] = [];
  const isWanted = () => number % shard.count === shard.index && passed++ >= skip;
  for await (const record of source) {
    if (isInvalid(record)) {
      if (onInvalid === undefined) {
        throw new CommandError(
          `${record.place}: ${record.problem}. Add --skip-invalid to go on without such records.`,
        );
      }
      onInvalid(record);
      continue;
    }
    records.push(record);
    if (records.length < blockRecords) continue;
    if (isWanted()) yield { number, records };
    number++;
    records = [];
  }
  if (records.length > 0 && isWanted()) yield { number, records };
}
