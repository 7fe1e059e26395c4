import { randomBytes } from "node:crypto";

/** Largest value of the counter: 12 bits. */
const maximumCount = 0xfff;

let lastTime = 0;
let lastCount = 0;

/**
 * A UUID of version 7 that is larger, as text, than all that this process made before: documents that get one are in the
 * order of their adding. 4,096 ids share a millisecond; beyond that the time in the ids runs ahead of the clock.
 *
 * Source: RFC 9562, sections 5.7 and 6.2 (method 1, a counter of fixed length).
 */
export function risingId(): string {
  const now = Date.now();
  if (now > lastTime) {
    lastTime = now;
    lastCount = 0;
  } else if (lastCount < maximumCount) {
    lastCount++;
  } else {
    lastTime++;
    lastCount = 0;
  }
  const time = lastTime.toString(16).padStart(12, "0");
  const count = lastCount.toString(16).padStart(3, "0");
  const random = randomBytes(8);
  // The two highest bits say which standard the UUID keeps to.
  random[0] = (random[0]! & 0x3f) | 0x80;
  const tail = random.toString("hex");
  return `${time.slice(0, 8)}-${time.slice(8)}-7${count}-${tail.slice(0, 4)}-${tail.slice(4)}`;
}
