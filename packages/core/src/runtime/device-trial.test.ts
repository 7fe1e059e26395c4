import { describe, expect, it } from "vitest";
import { compileModel } from "../graph/index.ts";
import { embeddedModelFolder, readModelFolder, readWeights } from "../model/index.ts";
import { cpu, parseDevice } from "./device/device.ts";
import { tryDevice } from "./device-trial.ts";

async function embeddedModel() {
  const folder = embeddedModelFolder();
  const { plain } = (await readModelFolder(folder, "SparseEncoder")).routes;
  return compileModel(plain, new Map([[folder, await readWeights(folder)]]), undefined);
}

describe("the trial of a device", () => {
  it("times both inputs and finds the same numbers on the same device", async () => {
    const model = await embeddedModel();
    const trial = await tryDevice(model, model.vocabularySize, cpu, undefined, 100_000);
    expect(trial?.difference).toBe(0);
    for (const times of [trial!.batch, trial!.query]) {
      expect(times.device).toBeGreaterThan(0);
      expect(times.cpu).toBeGreaterThan(0);
    }
    expect(trial!.batch.cpu).toBeGreaterThan(trial!.query.cpu);
  });

  it("finds nothing where the device does not open, and prints nothing", async () => {
    const model = await embeddedModel();
    const device = parseDevice(process.platform === "win32" ? "coreml" : "dml");
    expect(await tryDevice(model, model.vocabularySize, device)).toBeUndefined();
  });

  it("ends with its signal", async () => {
    const model = await embeddedModel();
    expect(await tryDevice(model, model.vocabularySize, cpu, AbortSignal.abort())).toBeUndefined();
  });
});
