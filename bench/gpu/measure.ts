// Speed and exactness on an NVIDIA GPU: the shapes of bench/random-model.ts and the embedded model, in fp32 and fp16, beside
// sentence-transformers if this machine's python3 has it. docs/gpu.md says what must be installed.
// Usage: pnpm bench:gpu [-- --only base-fp16,golden --device cuda:0 --out file.json --data folder]
import { spawn, spawnSync } from "node:child_process";
import { mkdtempSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { embeddedModel, randomBert } from "../random-model.ts";
import { environment } from "../report.ts";
import { runStep, type Step } from "./steps.ts";

const { values: options } = parseArgs({
  args: process.argv.slice(2).filter((argument) => argument !== "--"),
  options: {
    only: { type: "string" },
    skip: { type: "string", default: "" },
    device: { type: "string", default: "cuda" },
    data: { type: "string" },
    out: { type: "string" },
    /** A file with further steps. */
    steps: { type: "string" },
    /** For the processes that this one starts. */
    step: { type: "string" },
  },
});
const here = path.dirname(fileURLToPath(import.meta.url));

/** Seconds that a step may take unless it says otherwise. */
const patience = 60;

const shapes = ["embedded", "small", "base"] as const;

function plannedSteps(device: string): Step[] {
  const steps: Step[] = [{ name: "devices", kind: "devices" }];
  const step = (name: string, rest: Omit<Step, "name" | "device">) => steps.push({ name, device, ...rest });
  step("golden", { kind: "golden", seconds: 120 });
  for (const model of shapes) {
    for (const dtype of ["fp32", "fp16"] as const) {
      step(`${model}-${dtype}`, {
        kind: "speed",
        model,
        dtype,
        texts: model === "base" && dtype === "fp32" ? 4096 : 8192,
      });
    }
  }
  for (const workers of [1, 2, 4]) {
    for (const model of ["embedded", "base"]) {
      step(`${model}-fp16-${workers}`, { kind: "speed", model, dtype: "fp16", workers });
    }
  }
  for (const model of shapes) {
    for (const dtype of ["fp32", "fp16"] as const)
      step(`difference-${model}-${dtype}`, { kind: "difference", model, dtype });
  }
  for (const dtype of ["fp32", "fp16"] as const) step(`quality-${dtype}`, { kind: "quality", dtype });
  step("base-tf32", { kind: "speed", model: "base", dtype: "tf32" });
  step("difference-base-tf32", { kind: "difference", model: "base", dtype: "tf32" });
  step("pool", { kind: "pool", model: "embedded", dtype: "fp32" });
  return steps;
}

async function main(): Promise<void> {
  const data = options.data ?? (await freshData());
  const results: Record<string, unknown> = {};
  const out = options.out ?? path.join(here, "../results/gpu.json");
  const save = () =>
    writeFileSync(
      out,
      `${JSON.stringify({ environment: { ...environment(), ...card() }, figures: results }, undefined, 2)}\n`,
    );
  const chosen = options.only?.split(",");
  const wanted = (name: string) =>
    (chosen === undefined || chosen.includes(name)) && !options.skip.split(",").includes(name);
  const further: Step[] = options.steps === undefined ? [] : JSON.parse(options.steps);
  for (const step of [...plannedSteps(options.device), ...further]) {
    if (!wanted(step.name)) continue;
    results[step.name] = await inProcess(step, data);
    console.log(step.name, JSON.stringify(results[step.name]));
    save();
  }
  for (const model of shapes) {
    for (const dtype of ["float32", "float16"]) {
      const name = `sentence-transformers-${model}-${dtype}`;
      if (!wanted(name)) continue;
      results[name] = reference(model, dtype, data);
      console.log(name, JSON.stringify(results[name]));
      save();
    }
  }
}

/** A step in a process of its own: what it prints last, or how it ended. */
function inProcess(step: Step, data: string): Promise<unknown> {
  return new Promise((done) => {
    const child = spawn(
      process.execPath,
      [...process.execArgv, fileURLToPath(import.meta.url), "--step", JSON.stringify(step), "--data", data],
      { env: { ...process.env, ...step.environment }, stdio: ["ignore", "pipe", "pipe"] },
    );
    let [output, errors] = ["", ""];
    child.stdout.on("data", (chunk: Buffer) => {
      output += chunk;
    });
    child.stderr.on("data", (chunk: Buffer) => {
      errors += chunk;
    });
    const timer = setTimeout(() => child.kill("SIGKILL"), (step.seconds ?? patience) * 1000);
    child.on("close", (code, signal) => {
      clearTimeout(timer);
      const last = output.trim().split("\n").at(-1) ?? "";
      const written = errors === "" ? {} : { stderr: errors.slice(-1500) };
      if (code === 0 && last.startsWith("{")) done({ ...(JSON.parse(last) as object), ...written });
      else done({ failed: signal ?? code, output: output.slice(-500), ...written });
    });
  });
}

function reference(model: string, dtype: string, data: string): unknown {
  const folder = model === "embedded" ? embeddedModel : randomBert(model);
  const count = model === "base" ? 1024 : 4096;
  const { stdout, stderr, status } = spawnSync(
    "python3",
    [path.join(here, "reference.py"), path.join(data, "texts.json"), folder, dtype, "32,128", String(count)],
    { encoding: "utf8", timeout: patience * 1000 },
  );
  const last = stdout?.trim().split("\n").at(-1) ?? "";
  return status === 0 && last.startsWith("{")
    ? JSON.parse(last)
    : { failed: status, stderr: stderr?.slice(-500) };
}

/** Name, memory and driver of each card. */
function card(): Record<string, string> {
  const { stdout } = spawnSync(
    "nvidia-smi",
    ["--query-gpu=name,memory.total,driver_version", "--format=csv,noheader"],
    {
      encoding: "utf8",
    },
  );
  return { card: stdout?.trim() || "unknown" };
}

async function freshData(): Promise<string> {
  const { writeData } = await import("./data.ts");
  const folder = mkdtempSync(path.join(tmpdir(), "sparse-encoder-gpu-"));
  await writeData(folder);
  return folder;
}

if (options.step !== undefined) {
  console.log(JSON.stringify(await runStep(JSON.parse(options.step) as Step, options.data!)));
} else await main();
