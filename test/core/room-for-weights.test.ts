import { execFileSync } from "node:child_process";
import { cpSync, ftruncateSync, mkdtempSync, openSync, rmSync, writeSync } from "node:fs";
import { tmpdir, totalmem } from "node:os";
import path from "node:path";
import { CrossEncoder, DenseEncoder, SparseEncoder } from "@sparse-encoder/core";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { addressRoom, checkRoom } from "../../packages/core/src/encoder/loading/room-for-weights.ts";
import { TensorTable } from "../../packages/core/src/model/index.ts";
import { goldenModelFolder } from "../helpers/golden-data.ts";
import { editJson } from "../helpers/model-copies.ts";
import { rerankerFolder } from "../helpers/reranker-folders.ts";
import { canMount } from "../helpers/small-disk.ts";

let root: string;
beforeEach(() => {
  root = mkdtempSync(path.join(tmpdir(), "sparse-encoder-room-"));
});
afterEach(() => rmSync(root, { recursive: true }));

/** A copy whose weights are a file of holes: word embeddings of twice the memory of this machine, as half numbers. */
function withHugeWeights(source: string): string {
  const folder = path.join(root, path.basename(source));
  cpSync(source, folder, { recursive: true });
  const [rows, width] = [Math.ceil(totalmem() / 1024), 512];
  const name = "bert.embeddings.word_embeddings.weight";
  const header = JSON.stringify({
    [name]: { dtype: "F16", shape: [rows, width], data_offsets: [0, rows * width * 2] },
  });
  const bytes = Buffer.alloc(8 + header.length);
  bytes.writeBigUInt64LE(BigInt(header.length));
  bytes.write(header, 8);
  const file = openSync(path.join(folder, "model.safetensors"), "w");
  writeSync(file, bytes);
  ftruncateSync(file, bytes.length + rows * width * 2);
  editJson(path.join(folder, "config.json"), (config) => Object.assign(config, { vocab_size: rows }));
  return folder;
}

describe("weights larger than the memory", () => {
  it("are refused by name before anything is mapped or converted, by every class and number format", async () => {
    const reranker = rerankerFolder("bert");
    const [sparse, dense, pairs] = [
      goldenModelFolder("bert-max-relu"),
      goldenModelFolder("dense-cls"),
      reranker,
    ].map(withHugeWeights) as [string, string, string];
    rmSync(reranker, { recursive: true });
    const options = { cacheDir: root, workers: 1 };
    for (const load of [
      () => SparseEncoder.load(sparse, options),
      () => DenseEncoder.load(dense, options),
      () => CrossEncoder.load(pairs, options),
      () => SparseEncoder.load(sparse, { ...options, dtype: "fp16" }),
    ]) {
      await expect(load()).rejects.toMatchObject({
        code: "MODEL_UNSUPPORTED",
        message: expect.stringMatching(
          /The weights in .* take \d+\.\d GB as fp32, and .* memory .*leaves \d+\.\d GB\. /,
        ),
      });
    }
  });

  it("name int8 where that fits, and nothing where that does not", async () => {
    const tensor = { type: "BF16", shape: [1000, 1000], file: "", offset: 0, byteLength: 2e6 } as const;
    const tables = [new TensorTable(new Map([["a", tensor]]), "a file")];
    const rooms = (bytes: number) => [
      { bytes: 1e12, of: "the memory" },
      { bytes, of: "the limit" },
    ];
    await checkRoom("here", tables, "fp32", rooms(4e6));
    await expect(checkRoom("here", tables, "fp32", rooms(3.9e6))).rejects.toThrow(
      'The weights in here take 0.0 GB as fp32, and the limit leaves 0.0 GB. With dtype "int8" the weights take 0.0 GB.',
    );
    await checkRoom("here", tables, "int8", rooms(1e6));
    await expect(checkRoom("here", tables, "int8", rooms(0.9e6))).rejects.toThrow(/Choose a smaller model/);
  });

  it("count against a limit on address space", () => {
    const limits = (value: string) =>
      `Limit  Soft Limit  Hard Limit\nMax address space         ${value}  bytes\n`;
    const status = "VmPeak:\t 2000 kB\nVmSize:\t 1000 kB\n";
    expect(addressRoom(limits("3024000 unlimited"), status)?.bytes).toBe(2_000_000);
    expect(addressRoom(limits("unlimited unlimited"), status)).toBeUndefined();
    expect(addressRoom("", "")).toBeUndefined();
  });
});

it.runIf(await canMount())(
  "int8 weights that the disk has no room for are refused before they are written",
  async () => {
    execFileSync("mount", ["-t", "tmpfs", "-o", "size=64k", "tmpfs", root], { stdio: "ignore" });
    try {
      const folder = goldenModelFolder("bert-max-relu");
      await expect(SparseEncoder.load(folder, { dtype: "int8", cacheDir: root })).rejects.toMatchObject({
        code: "CACHE_UNWRITABLE",
        message: expect.stringMatching(
          /The int8 weights need \d\.\d\d GB, and the disk of .* has 0\.00 GB free\. .*cacheDir/,
        ),
      });
    } finally {
      execFileSync("umount", [root]);
    }
  },
);
