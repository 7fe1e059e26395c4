// A process in which a worker ended in the middle of a run, and which then ends itself while others are busy.
import { batchOf, Faults, startFaultyPool } from "./faulty-pool.ts";

const faults = new Faults();
const pool = await startFaultyPool({ workers: 2 });
const isBusy = async () => {
  for (;;) await pool.run(() => batchOf(3));
};
void Promise.all([isBusy(), isBusy(), isBusy()]);
faults.plan("run", "exit");
while (faults.waiting > 0) await new Promise((resolve) => setTimeout(resolve, 5));
// Long enough to be noticed, never without a batch.
await new Promise((resolve) => setTimeout(resolve, 200));
faults.remove();
process.exit(3);
