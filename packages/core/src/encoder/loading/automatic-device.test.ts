import { mkdtempSync, readdirSync, rmSync, utimesSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import type { CompiledModel } from "../../graph/index.ts";
import { type DeviceTrial, parseDevice } from "../../runtime/index.ts";
import { chooseDevices } from "./automatic-device.ts";

const model = {
  bytes: Uint8Array.of(1, 2, 3),
  weightsFolder: "folder",
  prepack: false,
  exportFile: undefined,
  vocabularySize: 10,
} as CompiledModel;
const [cpu, webgpu] = [parseDevice("cpu"), parseDevice("webgpu")];

const fast: DeviceTrial = {
  batch: { device: 10, cpu: 100 },
  query: { device: 5, cpu: 4 },
  difference: 1e-5,
};

describe("the devices of auto", () => {
  let cache: string;
  let trials: number;
  beforeEach(() => {
    cache = mkdtempSync(path.join(tmpdir(), "sparse-encoder-trial-"));
    trials = 0;
  });
  afterEach(() => rmSync(cache, { recursive: true }));

  /** Names of the devices that are chosen where the trial, a fake, finds this. */
  const chosen = async (found: DeviceTrial | undefined, of = model, folder = cache) => {
    const tryDevice = async () => {
      trials++;
      return found;
    };
    const devices = await chooseDevices(of, folder, undefined, {
      tryDevice,
      devices: [cpu, webgpu],
      others: [cpu],
    });
    return devices.map(({ name }) => name);
  };

  it.each<[string, DeviceTrial | undefined, string[]]>([
    ["is faster", fast, ["webgpu", "cpu"]],
    ["is not faster by half", { ...fast, batch: { device: 70, cpu: 100 } }, ["cpu"]],
    ["takes too long for one text", { ...fast, query: { device: 9, cpu: 4 } }, ["cpu"]],
    ["gives other numbers", { ...fast, difference: 0.01 }, ["cpu"]],
    ["gives what is not a number", { ...fast, difference: Number.POSITIVE_INFINITY }, ["cpu"]],
    ["does not run the model", undefined, ["cpu"]],
  ])("WebGPU %s", async (_, trial, names) => {
    expect(await chosen(trial)).toEqual(names);
    // What was found is kept, so the next load tries nothing.
    expect(await chosen(undefined)).toEqual(names);
    expect(trials).toBe(1);
  });

  it("are tried again after a week, for another model, and where the kept file is broken", async () => {
    await chosen(fast);
    const folder = path.join(cache, "device-trials");
    const file = path.join(folder, readdirSync(folder)[0]!);
    const eightDaysAgo = new Date(Date.now() - 8 * 24 * 3600 * 1000);
    utimesSync(file, eightDaysAgo, eightDaysAgo);
    expect(await chosen(undefined)).toEqual(["cpu"]);
    writeFileSync(file, "{");
    expect(await chosen(fast)).toEqual(["webgpu", "cpu"]);
    await chosen(fast, { ...model, bytes: Uint8Array.of(4) });
    expect(trials).toBe(4);
  });

  it("are found where nothing can be kept", async () => {
    const file = path.join(cache, "file");
    writeFileSync(file, "");
    expect(await chosen(fast, model, path.join(file, "below"))).toEqual(["webgpu", "cpu"]);
  });

  it.each([
    ["integer products", { ...model, prepack: true }],
    ["an exported file", { ...model, exportFile: "model.onnx" }],
  ])("are not tried with %s", async (_, other) => {
    expect(await chosen(fast, other)).toEqual(["cpu"]);
    expect(trials).toBe(0);
  });
});
