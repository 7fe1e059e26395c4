import { setImmediate as turn } from "node:timers/promises";
import { describe, expect, it } from "vitest";
import { OrderedCalls } from "./index.ts";

/** Work that ends when it is told to, and the names of what was begun. */
function steps() {
  const begun: string[] = [];
  const ends = new Map<string, (error?: Error) => void>();
  const work = (name: string) => () => {
    begun.push(name);
    return new Promise<string>((resolve, reject) => {
      ends.set(name, (error) => (error === undefined ? resolve(name) : reject(error)));
    });
  };
  const end = async (name: string, error?: Error) => {
    ends.get(name)!(error);
    await turn();
  };
  return { begun, work, end };
}

describe("calls of shared keys", () => {
  it("follow each other, and others overlap", async () => {
    const calls = new OrderedCalls();
    const { begun, work, end } = steps();
    const all = [
      calls.run(["a", "b"], work("ab")),
      calls.run(["b", "c"], work("bc")),
      calls.run(["c"], work("c")),
      calls.run(["d"], work("d")),
    ];
    expect(begun).toEqual(["ab", "d"]);
    await end("d");
    expect(begun).toEqual(["ab", "d"]);
    await end("ab");
    expect(begun).toEqual(["ab", "d", "bc"]);
    await end("bc");
    await end("c");
    expect(await Promise.all(all)).toEqual(["ab", "bc", "c", "d"]);
  });

  it("follow a call that failed too", async () => {
    const calls = new OrderedCalls();
    const { begun, work, end } = steps();
    const first = calls.run(["a"], work("first"));
    const second = calls.run(["a"], work("second"));
    const outcome = expect(first).rejects.toThrow("no");
    await end("first", new Error("no"));
    await outcome;
    expect(begun).toEqual(["first", "second"]);
    await end("second");
    expect(await second).toBe("second");
  });

  it("wait for a call of all keys, which waits for all calls before it", async () => {
    const calls = new OrderedCalls();
    const { begun, work, end } = steps();
    void calls.run(["a"], work("a"));
    void calls.run(["b"], work("b"));
    void calls.run(undefined, work("all"));
    void calls.run(["c"], work("c"));
    void calls.run(undefined, work("all again"));
    await end("a");
    expect(begun).toEqual(["a", "b"]);
    await end("b");
    expect(begun).toEqual(["a", "b", "all"]);
    await end("all");
    expect(begun).toEqual(["a", "b", "all", "c"]);
    await end("c");
    expect(begun).toEqual(["a", "b", "all", "c", "all again"]);
    await end("all again");
    // Nothing of them is left.
    void calls.run(["a"], work("later"));
    expect(begun.at(-1)).toBe("later");
  });
});
