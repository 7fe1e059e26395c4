import { describe, expect, it } from "vitest";
import type { EncodeBatch, EncodedRows } from "../messages.ts";
import { type BatchRunner, encodeInMemory } from "./device-memory.ts";

/** The words of onnxruntime 1.30 for a card without room. */
const noRoom =
  "Non-zero status code returned while running Gemm node. Name:'' Status Message: Failed to allocate memory for requested buffer of size 1006632960";

/**
 * A fake of a session on a card: holds `tokens` tokens, padding included, and gives each text one entry, its first id as the
 * dim and its length as the value.
 */
class SmallCard implements BatchRunner {
  readonly tokens: number;
  readonly tried: number[] = [];

  constructor(tokens: number) {
    this.tokens = tokens;
  }

  async encode({ ids, lengths }: EncodeBatch): Promise<EncodedRows> {
    this.tried.push(ids.length);
    if (ids.length > this.tokens) throw new Error(noRoom);
    const width = ids.length / lengths.length;
    return {
      offsets: Uint32Array.from({ length: lengths.length + 1 }, (_, row) => row),
      indices: Uint32Array.from(lengths, (_, row) => ids[row * width]!),
      values: Float32Array.from(lengths),
    };
  }
}

function batchOf(texts: number, width: number): EncodeBatch {
  return {
    ids: Int32Array.from({ length: texts * width }, (_, position) => Math.floor(position / width)),
    lengths: Int32Array.from({ length: texts }, (_, row) => row + 1),
    maxActiveDims: 0,
    skippedTokens: 0,
    alone: false,
  };
}

describe("a batch that does not fit the memory of the device", () => {
  it("is halved until it fits, and its rows stay in order", async () => {
    const card = new SmallCard(24);
    const rows = await encodeInMemory(card, batchOf(7, 8));
    expect(rows).toEqual({
      offsets: Uint32Array.of(0, 1, 2, 3, 4, 5, 6, 7),
      indices: Uint32Array.of(0, 1, 2, 3, 4, 5, 6),
      values: Float32Array.of(1, 2, 3, 4, 5, 6, 7),
    });
    // 56 and 32 tokens are too many; of then on nothing larger than 28, then 16, is tried.
    expect(card.tried).toEqual([56, 16, 16, 24]);
  });

  it("is cut at once when a batch before it did not fit", async () => {
    const card = new SmallCard(24);
    await encodeInMemory(card, batchOf(6, 8));
    card.tried.length = 0;
    await encodeInMemory(card, batchOf(6, 8));
    expect(card.tried).toEqual([24, 24]);
  });

  it("fails with the runtime's words if one text is too much", async () => {
    await expect(encodeInMemory(new SmallCard(4), batchOf(3, 8))).rejects.toThrow(
      "Failed to allocate memory",
    );
  });

  it("is not halved for another failure", async () => {
    let tries = 0;
    const broken: BatchRunner = {
      encode: () => {
        tries++;
        return Promise.reject(new Error("CUDA failure 700: an illegal memory access was encountered"));
      },
    };
    await expect(encodeInMemory(broken, batchOf(4, 8))).rejects.toThrow("illegal memory access");
    expect(tries).toBe(1);
  });

  it("is joined from dense parts too", async () => {
    const dense: BatchRunner = {
      encode: async ({ lengths }) => {
        if (lengths.length > 1) throw new Error("CUDA failure 2: out of memory");
        return { dense: Float32Array.of(lengths[0]!, -lengths[0]!) };
      },
    };
    expect(await encodeInMemory(dense, batchOf(3, 2))).toEqual({
      dense: Float32Array.of(1, -1, 2, -2, 3, -3),
    });
  });
});
