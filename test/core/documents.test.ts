import { existsSync, readFileSync } from "node:fs";
import path from "node:path";
import * as core from "@sparse-encoder/core";
import { describe, expect, it } from "vitest";
import { pages, root } from "../docs/code-blocks.ts";

const read = (file: string) => readFileSync(path.join(root, file), "utf8");

/** The headings of a page, as the anchors that links name. */
function anchorsOf(text: string): Set<string> {
  const headings = text.replace(/^```[\s\S]*?^```$/gm, "").matchAll(/^#+ (.+)$/gm);
  return new Set(
    [...headings].map(([, heading]) =>
      heading!
        .toLowerCase()
        .replace(/[^\p{L}\p{N} _-]/gu, "")
        .replaceAll(" ", "-"),
    ),
  );
}

describe("the documents", () => {
  it.each(pages)("%s links to files and headings that exist", (page) => {
    const links = [...read(page).matchAll(/\]\((?!https?:|mailto:)([^)\s]+)\)/g)].map(([, link]) => link!);
    const broken = links.filter((link) => {
      const [file, anchor] = link.split("#") as [string, string | undefined];
      const target = file === "" ? page : path.join(path.dirname(page), file);
      if (!existsSync(path.join(root, target))) return true;
      return anchor !== undefined && !anchorsOf(read(target)).has(anchor);
    });
    expect(broken).toEqual([]);
  });

  it("README.md has at most 130 lines", () => {
    expect(read("README.md").trimEnd().split("\n").length).toBeLessThanOrEqual(130);
  });
});

describe("README.md", () => {
  const blocks = [...read("README.md").matchAll(/^```ts\n([\s\S]*?)^```$/gm)].map(([, code]) => code!);
  const AsyncFunction = (async () => {}).constructor as new (
    ...parts: string[]
  ) => (...values: unknown[]) => Promise<Record<string, unknown>>;
  /** Runs a block and returns the values of these expressions at its end. */
  const run = (code: string, ...results: string[]) => {
    const body = code.replace(/^import \{([^}]*)\} from "@sparse-encoder\/core";$/gm, "const {$1} = core;");
    return new AsyncFunction("core", `${body}\nreturn [${results.join(", ")}];`)(core);
  };

  it("shows the figures that its first example gives", async () => {
    const [similarity, tokens, hits] = (await run(
      blocks[0]!.replace("await encoder.close();", ""),
      "encoder.similarity(query, documents)",
      "encoder.decode(documents.row(0), { topK: 3 })",
      "index.search(query, { topK: 2 })",
    )) as unknown as [Float32Array[], [string, number][], core.SearchHit[]];
    const rounded = (value: number) => Number(value.toFixed(2));
    expect([...similarity[0]!].map(rounded)).toEqual([12.78, 4.37, 0]);
    expect(tokens.map(([token, weight]) => [token, rounded(weight)])).toEqual([
      ["today", 2.54],
      ["lovely", 2.12],
      ["weather", 2.04],
    ]);
    expect(hits.map(({ id, score }) => [id, rounded(score)])).toEqual([
      ["lovely", 12.78],
      ["sunny", 4.37],
    ]);
    for (const figure of ["[[12.78, 4.37, 0]]", '["today", 2.54]', "score: 4.37"]) {
      expect(blocks[0]).toContain(figure);
    }
  });

  it("finds and explains the document of its second example", async () => {
    const [hits] = (await run(blocks[1]!, "hits")) as unknown as [core.RetrievedDocument[]];
    expect(hits.map(({ id }) => id)).toEqual(["lovely"]);
    expect(hits[0]!.arms).toMatchObject({ sparse: { rank: 1 } });
  });
});

it("the card of the site shows what explains the second document", async () => {
  const shown = Array.from(
    read("site/.vitepress/theme/MatchCard.vue").matchAll(/\{ token: "(\w+)", contribution: ([\d.]+) \}/g),
    ([, token, contribution]) => [token, Number(contribution)],
  );
  const encoder = await core.SparseEncoder.load();
  const index = new core.InvertedIndex(encoder.embeddingDimension);
  index.addMany(["sunny"], await encoder.encodeDocument(["It's so sunny outside!"]));
  const terms = index.explain(await encoder.encodeQuery("What is the weather like?"), "sunny");
  expect(shown).toEqual(
    terms.map(({ index, contribution }) => [encoder.tokenOf(index), Number(contribution.toFixed(2))]),
  );
  await encoder.close();
});
