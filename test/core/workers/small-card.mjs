// A fake of workers on a card with room for some of them: those that come later say so and end, as the worker does.
import { threadId, workerData } from "node:worker_threads";

/** Fields of the memory that all workers and the test share: workers that have room; those that had none; batches done. */
const field = { room: 0, refused: 1, done: 2 };
const shared = new Int32Array(workerData.model.bytes.buffer);
let refused = false;
const opened = Atomics.sub(shared, field.room, 1) > 0;

export async function runTask(task) {
  if (!opened) {
    if (!refused) Atomics.add(shared, field.refused, 1);
    refused = true;
    setTimeout(() => process.exit(), 200);
    return { crowded: "CUDA failure 2: out of memory", thread: threadId };
  }
  if (task === "open") return "ready";
  await new Promise((resolve) => setTimeout(resolve, 2));
  Atomics.add(shared, field.done, 1);
  return { dense: Float32Array.of(task.lengths[0], threadId) };
}
