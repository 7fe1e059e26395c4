/** Numbers that look random and are the same in every run (a 32-bit mix of a counter). */
export class Random {
  private state: number;

  constructor(seed: number) {
    this.state = seed >>> 0;
  }

  /** A whole number from 0 to `below` - 1. */
  below(below: number): number {
    this.state = (this.state + 0x9e3779b9) >>> 0;
    let mixed = this.state;
    mixed = Math.imul(mixed ^ (mixed >>> 16), 0x21f0aaad);
    mixed = Math.imul(mixed ^ (mixed >>> 15), 0x735a2d97);
    return ((mixed ^ (mixed >>> 15)) >>> 0) % below;
  }

  pick<Value>(values: readonly Value[]): Value {
    return values[this.below(values.length)]!;
  }

  /** `count` different whole numbers from 0 to `below` - 1, rising. */
  distinct(count: number, below: number): number[] {
    const numbers = new Set<number>();
    while (numbers.size < count) numbers.add(this.below(below));
    return [...numbers].sort((a, b) => a - b);
  }
}
