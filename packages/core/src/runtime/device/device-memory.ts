import type { EncodeBatch, EncodedRows, SparseRows } from "../messages.ts";
import { isOutOfMemory } from "./device-failure.ts";

/** What embeds a batch: a session. */
export interface BatchRunner {
  encode(batch: EncodeBatch): Promise<EncodedRows>;
}

/** Most tokens, padding included, that a session had memory for, where it lacked some once. */
const roomOf = new WeakMap<BatchRunner, number>();

/**
 * Embeds a batch in parts that fit the device's memory: a batch that does not is halved, again and again down to one text, and
 * later ones are cut to what fitted.
 *
 * @throws what the session throws; for want of memory only if a single text is too much
 */
export async function encodeInMemory(session: BatchRunner, batch: EncodeBatch): Promise<EncodedRows> {
  const rows = batch.lengths.length;
  const room = roomOf.get(session) ?? Number.POSITIVE_INFINITY;
  if (rows === 1 || batch.ids.length <= room) {
    try {
      return await session.encode(batch);
    } catch (error) {
      if (rows === 1 || !isOutOfMemory(error)) throw error;
      roomOf.set(session, Math.min(room, Math.ceil(batch.ids.length / 2)));
    }
  }
  const half = Math.ceil(rows / 2);
  const first = await encodeInMemory(session, rowsOf(batch, 0, half));
  return joinRows(first, await encodeInMemory(session, rowsOf(batch, half, rows)));
}

function rowsOf(batch: EncodeBatch, start: number, end: number): EncodeBatch {
  const width = batch.ids.length / batch.lengths.length;
  return {
    ...batch,
    ids: batch.ids.slice(start * width, end * width),
    lengths: batch.lengths.slice(start, end),
  };
}

function joinRows(first: EncodedRows, second: EncodedRows): EncodedRows {
  if ("dense" in first) return { dense: joined(first.dense, (second as typeof first).dense) };
  const other = second as SparseRows;
  const entries = first.indices.length;
  const moved = other.offsets.subarray(1).map((offset) => entries + offset);
  return {
    offsets: joined(first.offsets, moved),
    indices: joined(first.indices, other.indices),
    values: joined(first.values, other.values),
  };
}

function joined<Values extends Float32Array | Uint32Array>(first: Values, second: Values): Values {
  const all = new (first.constructor as new (length: number) => Values)(first.length + second.length);
  all.set(first);
  all.set(second, first.length);
  return all;
}
