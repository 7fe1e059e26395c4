import { spawn } from "node:child_process";
import { fileURLToPath } from "node:url";
import { expect, it } from "vitest";
import { seeded } from "./workers/seeded.ts";

const script = (name: string) => fileURLToPath(new URL(`workers/${name}`, import.meta.url));

interface Ending {
  how: "exit" | "throw" | "reject" | "end";
  during: "nothing" | "load" | "encode" | "pool" | "stream";
  workers: number;
  delay: number;
}

interface Outcome {
  code: number | null;
  signal: string | null;
  stdout: string;
  stderr: string;
}

/** A process that hangs is killed, which shows as its signal. */
function run(parameters: readonly string[]): Promise<Outcome> {
  const child = spawn(process.execPath, parameters, {
    cwd: fileURLToPath(new URL("../..", import.meta.url)),
    timeout: 90_000,
    killSignal: "SIGKILL",
  });
  let [stdout, stderr] = ["", ""];
  child.stdout.on("data", (part) => {
    stdout += part;
  });
  child.stderr.on("data", (part) => {
    stderr += part;
  });
  return new Promise((resolve, reject) => {
    child.on("error", reject);
    child.on("close", (code, signal) => resolve({ code, signal, stdout, stderr }));
  });
}

const runEnding = (ending: Ending) => run([script("ending.mjs"), JSON.stringify(ending)]);

const codes = { exit: 3, throw: 1, reject: 1, end: 0 };

it.each(["exit", "throw", "reject", "end"] as const)(
  "a process that ends by %s at any moment keeps its exit code and adds nothing to its output",
  async (how) => {
    const plain = await runEnding({ how, during: "nothing", workers: 1, delay: 0 });
    expect(plain.code).toBe(codes[how]);
    const random = seeded(codes[how] + how.length);
    const endings = (["load", "encode", "pool", "stream"] as const).flatMap((during) =>
      [1, 2, 1, 2].map((workers): Ending => ({ how, during, workers, delay: Math.floor(random() * 300) })),
    );
    // Two at a time: a single one would leave a core idle.
    const queue = endings.values();
    const take = async () => {
      for (const ending of queue) {
        const outcome = await runEnding(ending);
        expect(outcome, JSON.stringify(ending)).toEqual(plain);
      }
    };
    await Promise.all([take(), take()]);
    expect(endings).toHaveLength(16);
  },
  // Each takes a second; the limit is for one that hangs.
  120_000,
);

it("a worker that ended in the middle of a run does not hold up the end of the process", async () => {
  const outcome = await run(["--import", "tsx", script("ending-after-failure.ts")]);
  expect(outcome).toEqual({ code: 3, signal: null, stdout: "", stderr: "" });
}, 120_000);

it("lists the devices that open, without a word of their drivers", async () => {
  const program =
    'import { listDevices } from "@sparse-encoder/core"; console.log(JSON.stringify(await listDevices()));';
  const { code, stdout, stderr } = await run(["--input-type=module", "--eval", program]);
  expect({ code, stderr }).toEqual({ code: 0, stderr: "" });
  const devices = JSON.parse(stdout) as string[];
  expect(devices[0]).toBe("cpu");
  for (const device of devices.slice(1)) expect(device).toMatch(/^((cuda|dml):\d+|webgpu|coreml)$/);
});
