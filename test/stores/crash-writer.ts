// A process that writes to a store until it is killed. Arguments: folder, seed, number of the first step. Says "open" when
// it has opened the store, and "start n" and "done n" around each step; up to four are under way at once.
import { writeSync } from "node:fs";
import { MemoryStore } from "@sparse-encoder/core";
import { stepAt, takeStep } from "./crash-history.ts";

const [folder, seed, first] = process.argv.slice(2);
const say = (line: string) => writeSync(1, `${line}\n`);

async function write(): Promise<never> {
  const store = await MemoryStore.open(folder!, { journalBytes: 20_000 });
  say("open");
  const underWay = new Set<Promise<void>>();
  for (let number = Number(first); ; number++) {
    const step = stepAt(Number(seed), number);
    say(`start ${number}`);
    const done = takeStep(store, step).then(() => {
      say(`done ${number}`);
      underWay.delete(done);
    });
    underWay.add(done);
    if (underWay.size >= 4) await Promise.race(underWay);
  }
}

await write();
