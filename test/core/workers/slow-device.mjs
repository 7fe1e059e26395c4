// A fake of workers on one graphics processor: what a batch needs of the device is done for one batch at a time, as a card runs one
// after the other, and takes three times as long as what its worker does besides. All of it is waiting, so it needs no core.
import { workerData } from "node:worker_threads";

const deviceWork = 45;
const hostWork = 15;

/** Fields of the memory that all workers and the test share. */
const field = { held: 0, waiting: 1, done: 2, followed: 3 };
const shared = new Int32Array(workerData.model.bytes.buffer);
const sleep = (milliseconds) => Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, milliseconds);

export function runTask(task) {
  if (task === "open") return "ready";
  sleep(hostWork / 2);
  Atomics.add(shared, field.waiting, 1);
  while (Atomics.compareExchange(shared, field.held, 0, 1) !== 0) Atomics.wait(shared, field.held, 1);
  Atomics.sub(shared, field.waiting, 1);
  sleep(deviceWork);
  Atomics.add(shared, field.done, 1);
  if (Atomics.load(shared, field.waiting) > 0) Atomics.add(shared, field.followed, 1);
  Atomics.store(shared, field.held, 0);
  Atomics.notify(shared, field.held, 1);
  sleep(hostWork / 2);
  const rows = task.lengths.length;
  return {
    offsets: Uint32Array.from({ length: rows + 1 }, (_, row) => row),
    indices: new Uint32Array(rows),
    values: Float32Array.from(task.lengths),
  };
}
