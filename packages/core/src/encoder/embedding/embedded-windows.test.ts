import { describe, expect, it } from "vitest";
import { embedWindows } from "./embedded-windows.ts";
import { BatchFailure, type EmbedCall, type EmbedWindow, type RowEmbedder } from "./row-embedder.ts";

const call = { signal: undefined, onTexts: () => {} } as unknown as EmbedCall;

async function* windowsOfThree(texts: readonly string[]): AsyncGenerator<EmbedWindow> {
  for (let first = 0; first < texts.length; first += 3) yield { first, texts: texts.slice(first, first + 3) };
}

/** Gives texts as they are; of a window with texts that fail, the last of these is found to do so. */
function embedderFailingAt(failing: readonly string[]): RowEmbedder<readonly string[]> {
  return {
    embed: async ({ texts, first }: EmbedWindow) => {
      const place = texts.findLastIndex((text) => failing.includes(text));
      if (place !== -1) throw new BatchFailure(`failed at ${texts[place]}`, first + place, undefined);
      return texts;
    },
  } as unknown as RowEmbedder<readonly string[]>;
}

async function run(failing: readonly string[]): Promise<{ given: string[]; error: unknown }> {
  const given: string[] = [];
  try {
    const windows = windowsOfThree([..."abcdefgh"]);
    for await (const rows of embedWindows(embedderFailingAt(failing), windows, call)) given.push(...rows);
    return { given, error: undefined };
  } catch (error) {
    return { given, error };
  }
}

describe("windows of a stream", () => {
  it("come in order", async () => {
    expect(await run([])).toEqual({ given: [..."abcdefgh"], error: undefined });
  });

  it.each([
    ["in the middle of a window", ["e"], "abcd", 4],
    ["at the end of one", ["f"], "abcde", 5],
    ["at the start of one", ["d"], "abc", 3],
    ["at the start of all", ["a"], "", 0],
    ["at the end of all", ["h"], "abcdefg", 7],
    ["twice in a window", ["d", "f"], "abc", 3],
    ["twice in one, with texts before", ["e", "f"], "abcd", 4],
  ])("give the texts before a batch that fails %s, then its error", async (_, failing, given, first) => {
    const outcome = await run(failing);
    expect(outcome.given.join("")).toBe(given);
    expect(outcome.error).toBeInstanceOf(BatchFailure);
    expect(outcome.error).toMatchObject({ code: "WORKER_FAILED", first });
  });
});
