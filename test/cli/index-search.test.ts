import { mkdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { Bm25Encoder, MemoryStore, type RetrievedDocument, SparseEncoder } from "@sparse-encoder/core";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { pdfSample } from "./pdf-sample.ts";
import { runCli, temporaryFolder } from "./run-cli.ts";

const folder = temporaryFolder();
const index = folder.file("index");
const docs = folder.file("docs");

beforeAll(() => {
  mkdirSync(`${docs}/deep/.hidden`, { recursive: true });
  writeFileSync(
    `${docs}/guide.md`,
    "---\ntitle: Guide\n---\n# Orders\n\nCancel an *order* in `settings`.\n\n## Refunds\n\nMoney returns within a week.\n",
  );
  writeFileSync(
    `${docs}/deep/page.html`,
    "<title>Wings</title><script>secret()</script><style>p{}</style><p>A swept   wing<br>delays shock &amp; drag.</p><table><tr><td>Mach</td><td>0.8</td></tr></table>",
  );
  writeFileSync(`${docs}/notes.txt`, "Penguins live in the south.\n\nThey swim well.\n");
  writeFileSync(
    `${docs}/report.pdf`,
    pdfSample(["Turbine blades are cooled by air.", "Volcanoes erupt at night."]),
  );
  writeFileSync(`${docs}/broken.txt`, Buffer.from([0xff, 0xfe, 0]));
  writeFileSync(`${docs}/broken.pdf`, "%PDF-1.4 nothing");
  writeFileSync(`${docs}/image.png`, "");
  writeFileSync(`${docs}/deep/.hidden/secret.txt`, "hidden");
  writeFileSync(folder.file("outside.txt"), "outside");
  symlinkSync(folder.file("outside.txt"), `${docs}/link.txt`);
});

afterAll(() => folder[Symbol.dispose]());

async function indexDocs(...parameters: readonly string[]) {
  const result = await runCli(["index", docs, "--index", index, "--json", ...parameters]);
  return { ...result, summary: result.code === 0 ? JSON.parse(result.stdout) : undefined };
}

async function search(query: string, ...parameters: readonly string[]): Promise<RetrievedDocument[]> {
  const { code, stdout, stderr } = await runCli(["search", query, "--index", index, "--json", ...parameters]);
  expect([code, stderr]).toEqual([0, ""]);
  return JSON.parse(stdout).hits;
}

/** Checks that the keyword statistics are right for the passages, and the stored vectors equal what the encoders give. */
async function expectConsistent(): Promise<void> {
  await using store = await MemoryStore.open(`${index}/store`);
  const keyword = await Bm25Encoder.load(`${index}/keyword.json`);
  await using encoder = await SparseEncoder.load();
  for await (const { text, metadata, vectors } of store.iterate()) {
    const parts = [metadata.title, metadata.heading, text].filter(
      (part) => part !== undefined && part !== "",
    );
    const encoded = [...new Set(parts)].join("\n");
    expect(vectors.keyword).toEqual(await keyword.encodeDocument(encoded));
    const expected = await encoder.encodeDocument(encoded);
    expect(expected.equals(vectors.sparse as typeof expected, { absolute: 1e-4, relative: 1e-4 })).toBe(true);
  }
}

describe("index and search", () => {
  it("index Markdown, HTML, text and PDF, and tell what cannot be read", async () => {
    const { code, summary, stderr } = await indexDocs();
    expect(code).toBe(0);
    expect(summary).toMatchObject({ added: 4, changed: 0, removed: 0, unchanged: 0 });
    expect(summary.failed.map(({ file }: { file: string }) => file)).toEqual([
      "docs/broken.pdf",
      "docs/broken.txt",
    ]);
    expect(stderr).toContain("docs/broken.txt: ");
    await expectConsistent();
  });

  it.each([
    [
      "cancel order",
      "docs/guide.md#1",
      "Cancel an order in settings.",
      { title: "Guide", heading: "Orders" },
    ],
    [
      "when is my money back",
      "docs/guide.md#2",
      "Money returns within a week.",
      { heading: "Orders › Refunds" },
    ],
    [
      "transonic wing",
      "docs/deep/page.html#1",
      "A swept wing\ndelays shock & drag.\nMach\n0.8",
      { title: "Wings" },
    ],
    ["penguins", "docs/notes.txt#1", "Penguins live in the south.\nThey swim well.", { title: "notes.txt" }],
    ["cooling of turbine blades", "docs/report.pdf#1", "Turbine blades are cooled by air.", { page: 1 }],
    ["volcano", "docs/report.pdf#2", "Volcanoes erupt at night.", { page: 2 }],
  ])("find %s", async (query, id, text, metadata) => {
    const [hit] = await search(query, "-k", "1");
    expect(hit).toMatchObject({ id, text, metadata });
  });

  it("show each arm's rank and terms, whose contributions are its score", async () => {
    const [hit] = await search("turbine blades");
    const { rank, score, terms } = hit!.arms.sparse!;
    expect(rank).toBe(1);
    expect(terms!.reduce((sum, { contribution }) => sum + contribution, 0)).toBeCloseTo(score, 3);
    const { stdout } = await runCli(["search", "turbine blades", "--index", index, "-k", "1", "--explain"]);
    expect(stdout).toMatch(/^1\. docs\/report\.pdf#1 {2}report\.pdf › page 1\n {3}\d\.\d{3} = /);
    expect(stdout).toMatch(/turbine +\d+\.\d\d █/);
  });

  it("search with one arm when the other counts 0", async () => {
    const hits = await search("turbine", "--weights", "sparse=0");
    expect(hits.map(({ arms }) => Object.keys(arms))).toEqual([["keyword"]]);
  });

  it("take up changes by content, and nothing else", async () => {
    expect((await indexDocs()).summary).toMatchObject({ added: 0, changed: 0, removed: 0, unchanged: 4 });
    writeFileSync(`${docs}/guide.md`, "# Orders\n\nSend an order by mail.\n");
    rmSync(`${docs}/notes.txt`);
    writeFileSync(`${docs}/new.txt`, "Zebras have stripes.");
    expect((await indexDocs()).summary).toMatchObject({ added: 1, changed: 1, removed: 1, unchanged: 2 });
    expect((await search("penguins swim", "--weights", "sparse=0")).length).toBe(0);
    expect((await search("money refund", "-k", "20")).map(({ id }) => id)).not.toContain("docs/guide.md#2");
    expect((await search("zebra stripes"))[0]!.id).toBe("docs/new.txt#1");
    await expectConsistent();
  });

  it("make keyword statistics again that cannot be read", async () => {
    writeFileSync(`${index}/keyword.json`, "{}");
    const broken = await runCli(["search", "zebra", "--index", index]);
    expect([broken.code, broken.stderr]).toEqual([1, expect.stringContaining("[MODEL_INVALID]")]);
    expect((await indexDocs()).summary).toMatchObject({ added: 0, unchanged: 4 });
    await expectConsistent();
  });

  it("mend an index whose last run was killed", async () => {
    const file = `${index}/index.json`;
    const description = JSON.parse(readFileSync(file, "utf8"));
    writeFileSync(file, JSON.stringify({ ...description, state: "writing", files: {} }));
    const { stderr } = await runCli(["search", "zebra", "--index", index]);
    expect(stderr).toContain("The last run of index did not end");
    expect((await indexDocs()).summary).toMatchObject({ added: 4 });
    await expectConsistent();
  });
});

describe("index and search, given something wrong,", () => {
  it.each([
    ["no index", ["search", "a", "--index", "none"], 1, "There is no index in none"],
    ["an empty query", ["search", " "], 2, "The query is empty."],
    ["a folder of something else", ["index", "docs", "--index", "docs"], 1, "docs holds other files"],
    ["a missing folder", ["index", "missing", "--index", "new"], 1, "There is no file or folder"],
    [
      "another model",
      ["search", "a", "--index", "index", "--model", "./other"],
      1,
      'was made with model null, not "./other"',
    ],
    [
      "another number format",
      ["index", "docs", "--index", "index", "--dtype", "int8"],
      1,
      'made with dtype "fp32"',
    ],
    ["an arm that is not there", ["search", "a", "--index", "index", "--weights", "dense=1"], 2, "dense"],
    ["weights without a number", ["search", "a", "--weights", "sparse"], 2, "Expected names with weights"],
    ["an unknown fusion", ["search", "a", "--fusion", "sum"], 2, "Allowed: distributionScore"],
  ])("tell about %s", async (_case, parameters, code, message) => {
    const result = await runCli(parameters, { cwd: folder.path });
    expect(result.stderr).toContain(message);
    expect(result.code).toBe(code);
  });

  it("write control characters of a file to no terminal as they are", async () => {
    const file = folder.file("evil.txt");
    writeFileSync(file, "Escape \u001b[2J\u202e sequences");
    const evil = folder.file("evil-index");
    await runCli(["index", file, "--index", evil]);
    const { stdout } = await runCli(["search", "escape sequences", "--index", evil]);
    expect(stdout).toContain("Escape \\u{1b}[2J\\u{202e} sequences");
  });

  it("search beside a process that writes, and let no second one write", async () => {
    await using _store = await MemoryStore.open(`${index}/store`);
    expect((await search("zebra stripes"))[0]!.id).toBe("docs/new.txt#1");
    const { code, stderr } = await indexDocs();
    expect([code, stderr]).toEqual([1, expect.stringContaining("[STORE_LOCKED]")]);
  });
});

describe("explain", () => {
  it("parts the terms of a text from the terms that the model adds", async () => {
    const { stdout } = await runCli(["explain", "cheap flights to Rome", "--json"]);
    await using encoder = await SparseEncoder.load();
    const vector = await encoder.encodeDocument("cheap flights to Rome");
    const { terms, activeDims } = JSON.parse(stdout);
    expect(activeDims).toBe(vector.activeDims);
    expect(terms[0]).toMatchObject({ token: "cheap", isInText: true });
    expect(terms.find(({ token }: { token: string }) => token === "italy").isInText).toBe(false);
  });

  it("shows what query and document share: shares of the score that sum to 1", async () => {
    const { stdout } = await runCli([
      "explain",
      "cheap flights",
      "Low-cost airlines fly to Italy.",
      "--json",
    ]);
    await using encoder = await SparseEncoder.load();
    const [query, document] = [
      await encoder.encodeQuery("cheap flights"),
      await encoder.encodeDocument("Low-cost airlines fly to Italy."),
    ];
    const { score, terms } = JSON.parse(stdout);
    expect(score).toBeCloseTo(query.dot(document), 4);
    expect(terms.reduce((sum: number, { share }: { share: number }) => sum + share, 0)).toBeCloseTo(1, 6);
  });
});
