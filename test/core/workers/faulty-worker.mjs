// The worker as it is built, which fails where it is told to: each file in the folder of the environment variable
// names one fault as "<moment>-<kind>-<anything>", and whoever meets it first takes it away.
import { readdirSync, unlinkSync } from "node:fs";
import { createRequire } from "node:module";
import path from "node:path";
import { threadId, workerData } from "node:worker_threads";

const core = createRequire(new URL("../../../packages/core/package.json", import.meta.url));

/** The native library, loaded behind the pool's gate as the worker does it, or undefined if the pool is stopping. */
function loadRuntime() {
  const fields = new Int32Array(workerData.gate);
  let field = 1;
  while (Atomics.compareExchange(fields, field, 0, threadId) !== 0) field++;
  const runtime = Atomics.load(fields, 0) === 0 ? core("onnxruntime-node") : undefined;
  Atomics.store(fields, field, 0);
  Atomics.notify(fields, field);
  return runtime;
}

const faults = {
  exit: () => process.exit(7),
  throw: () => {
    throw new Error("the worker was told to throw");
  },
  // Nobody catches it: it ends the thread.
  uncaught: () => {
    setImmediate(() => {
      throw new Error("the worker was told to fail on its own");
    });
    return new Promise(() => {});
  },
};

/** Carries out the first fault of that moment, if there is one. */
function meet(moment) {
  const folder = process.env.FAULTS_FOLDER;
  for (const name of readdirSync(folder)) {
    const [at, kind] = name.split("-");
    if (at !== moment) continue;
    try {
      if (!name.endsWith("-always")) unlinkSync(path.join(folder, name));
    } catch {
      // Another worker was faster.
      continue;
    }
    return faults[kind]();
  }
  return undefined;
}

await meet("load");

// Inside of a run as the pool sees it: the gate has let the thread in.
const { InferenceSession } = loadRuntime() ?? {};
if (InferenceSession !== undefined) {
  const { create } = InferenceSession;
  InferenceSession.create = async (...model) => {
    await meet("create");
    return create.apply(InferenceSession, model);
  };
  const { run } = InferenceSession.prototype;
  InferenceSession.prototype.run = async function (...feeds) {
    await meet("run");
    return run.apply(this, feeds);
  };
}

const { runTask: runBuiltTask } = await import("../../../packages/core/dist/esm/runtime/worker.js");

export async function runTask(task) {
  await meet(task === "open" ? "open" : "before");
  const rows = await runBuiltTask(task);
  if (task !== "open") await meet("after");
  return rows;
}
