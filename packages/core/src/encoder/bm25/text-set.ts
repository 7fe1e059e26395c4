import { hashOf } from "./term-dims.ts";

/** Texts with repeats, kept as numbers: some 40 bytes per text. Two of 2^32 texts of one length may count as the same. */
export class TextSet {
  private readonly times = new Map<number, number>();

  add(text: string): void {
    const key = keyOf(text);
    this.times.set(key, (this.times.get(key) ?? 0) + 1);
  }

  /** Takes a text out once; false if it is not there. */
  remove(text: string): boolean {
    const key = keyOf(text);
    const times = this.times.get(key) ?? 0;
    if (times > 1) this.times.set(key, times - 1);
    else this.times.delete(key);
    return times > 0;
  }

  addAll(other: TextSet): void {
    for (const [key, times] of other.times) this.times.set(key, (this.times.get(key) ?? 0) + times);
  }
}

/** Bits of the length beside the 32 bits of the hash: together as many as a number keeps. */
const lengthBits = 20;

function keyOf(text: string): number {
  return hashOf(text) * 2 ** lengthBits + (text.length % 2 ** lengthBits);
}
