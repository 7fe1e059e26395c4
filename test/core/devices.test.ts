import { cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { SparseEncoder } from "@sparse-encoder/core";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { deviceProbe } from "../../packages/core/src/graph/index.ts";
import { cudaInstalled, parseDevice, probeDevices } from "../../packages/core/src/runtime/index.ts";
import { goldenModelFolder, readGolden } from "../helpers/golden-data.ts";
import { WideOnCpu } from "../helpers/wide-models.ts";

const texts = ["The weather is lovely today.", "It's so sunny outside!"];

describe("probeDevices", () => {
  it("opens the CPU in a process of its own", async () => {
    const probe = await probeDevices(deviceProbe(), [parseDevice("cpu")]);
    expect(probe?.devices).toEqual([{ name: "cpu", opened: true, message: "" }]);
  });

  it("stops at the first device that does not open, and keeps what was written to stderr", async () => {
    const devices = ["dml:0", "dml:1"].map(parseDevice);
    const probe = await probeDevices(deviceProbe(), devices);
    expect(probe?.devices).toHaveLength(process.platform === "win32" ? 2 : 1);
    expect(typeof probe?.written).toBe("string");
  });
});

describe.skipIf(cudaInstalled())("CUDA where its provider is not installed", () => {
  it("is refused with what to install", async () => {
    await expect(SparseEncoder.load(undefined, { device: "cuda" })).rejects.toMatchObject({
      code: "DEVICE_UNAVAILABLE",
      message: expect.stringMatching(
        process.platform === "linux" && process.arch === "x64"
          ? /The CUDA provider is not installed.*Devices that open here: cpu/
          : /has CUDA for Linux on x64 only/,
      ),
    });
  });

  it("is named in a pool with other devices, which are closed, and the encoder goes on", async () => {
    await using encoder = await SparseEncoder.load(undefined, { workers: 1, threads: 1 });
    await expect(encoder.startPool(["cpu", "cuda:1"])).rejects.toMatchObject({
      code: "DEVICE_UNAVAILABLE",
      message: expect.stringMatching(/cannot be opened on cuda:1\./),
    });
    expect(await encoder.encode(texts)).toHaveLength(2);
  });
});

describe("number formats of graphics processors, on the CPU", () => {
  it.each(["fp16", "tf32"] as const)("%s is computed in float32, and said to be", async (dtype) => {
    await using encoder = await SparseEncoder.load(undefined, { dtype, device: "cpu", workers: 1 });
    await using exact = await SparseEncoder.load(undefined, { device: "cpu", workers: 1 });
    expect(encoder.describe()).toMatchObject({ dtype, computation: "float32" });
    expect((await encoder.encode(texts)).equals(await exact.encode(texts))).toBe(true);
  });
});

describe("half precision that overflows", () => {
  let folder: string;
  beforeAll(() => {
    folder = mkdtempSync(path.join(tmpdir(), "sparse-encoder-overflow-"));
  });
  afterAll(() => rmSync(folder, { recursive: true }));

  /** A copy of a model in which a tensor is multiplied. */
  function scaledModel(name: string, factor: number): string {
    const copy = path.join(folder, `scaled-${factor}`);
    cpSync(goldenModelFolder("bert-max-relu"), copy, { recursive: true });
    const file = path.join(copy, "model.safetensors");
    const bytes = readFileSync(file);
    const start = 8 + Number(bytes.readBigUInt64LE());
    const header = JSON.parse(bytes.toString("utf8", 8, start)) as Record<string, { data_offsets: number[] }>;
    const [from, to] = header[name]!.data_offsets as [number, number];
    for (let at = start + from; at < start + to; at += 4)
      bytes.writeFloatLE(bytes.readFloatLE(at) * factor, at);
    writeFileSync(file, bytes);
    return copy;
  }

  it("fails by name, and gives no vector", async () => {
    const model = scaledModel("bert.encoder.layer.0.output.dense.weight", 1e5);
    await using wide = await WideOnCpu.open(model, folder);
    const ids = readGolden("bert-max-relu").token_ids;
    await expect(wide.encode(ids, 8)).rejects.toThrow(/gives (NaN|Infinity) for dim \d+.*overflow/);
  });

  it("refuses weights that half precision cannot hold", async () => {
    const model = scaledModel("bert.encoder.layer.0.output.dense.weight", 1e9);
    await expect(WideOnCpu.open(model, folder)).rejects.toMatchObject({
      code: "WEIGHTS_INVALID",
      message: expect.stringMatching(/output\.dense\.weight.*fp16 ends at 65504.*dtype "fp32"/),
    });
  });
});
