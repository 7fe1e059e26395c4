import { execFileSync } from "node:child_process";
import { afterEach, describe, expect, it } from "vitest";
import { setCudaProducts } from "./cuda-products.ts";

const variable = "NVIDIA_TF32_OVERRIDE";
const mainThread = { isMainThread: true, native: () => process.env };

describe("setCudaProducts", () => {
  const undo: (() => void)[] = [];
  afterEach(() => {
    for (const step of undo.splice(0).toReversed()) step();
  });

  it("turns TF32 off for fp32, whatever the environment said, and takes it back", () => {
    process.env[variable] = "1";
    const back = setCudaProducts("fp32", mainThread);
    expect(process.env[variable]).toBe("0");
    back();
    expect(process.env[variable]).toBe("1");
    delete process.env[variable];
  });

  it("refuses the other way in one process, and takes the same way again", () => {
    undo.push(setCudaProducts("tf32", mainThread));
    expect(process.env[variable]).toBe("1");
    setCudaProducts("tf32", mainThread);
    expect(() => setCudaProducts("fp32", mainThread)).toThrow(
      expect.objectContaining({
        code: "DEVICE_UNAVAILABLE",
        message: expect.stringMatching(
          /opened CUDA with dtype "tf32" before.*dtype "fp32" in another process/,
        ),
      }),
    );
    expect(process.env[variable]).toBe("1");
  });

  it("refuses a worker thread whose environment is a copy, and takes one that started with the variable", () => {
    const copy = { isMainThread: false, native: () => ({}) };
    expect(() => setCudaProducts("fp32", copy)).toThrow(/Start the process with NVIDIA_TF32_OVERRIDE=0/);
    delete process.env[variable];
    undo.push(setCudaProducts("fp32", { isMainThread: false, native: () => ({ [variable]: "0" }) }));
  });

  it.runIf(process.platform === "linux")(
    "reaches native code from the main thread, not from a worker thread",
    () => {
      // A report shows the environment of the process itself, as native code sees it.
      const script = `
      const { Worker, SHARE_ENV } = require("node:worker_threads");
      const seen = "process.report.getReport().environmentVariables.${variable}";
      const set = "process.env.${variable} = '7'; require('node:worker_threads').parentPort.postMessage(" + seen + ");";
      const run = (env) => new Promise((done) => new Worker(set, { eval: true, env }).once("message", done));
      process.env.${variable} = "0";
      (async () => console.log(eval(seen), await run(undefined), await run(SHARE_ENV)))();`;
      const output = execFileSync(process.execPath, ["-e", script], { encoding: "utf8" });
      expect(output.trim()).toBe("0 0 7");
    },
  );
});
