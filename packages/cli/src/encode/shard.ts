import { InvalidArgumentError } from "commander";

/** One of several equal parts of the work. */
export interface Shard {
  /** From 0 to `count` - 1. */
  readonly index: number;
  readonly count: number;
}

/** Reads `i/n`, i from 0, as the index of an indexed Kubernetes job is. */
export function parseShard(text: string): Shard {
  const [, index, count] = /^(\d+)\/(\d+)$/.exec(text)?.map(Number) ?? [];
  if (index === undefined || count === undefined || count < 1 || index >= count) {
    throw new InvalidArgumentError("Expected i/n with i from 0 to n - 1, such as 0/2 and 1/2.");
  }
  return { index, count };
}
