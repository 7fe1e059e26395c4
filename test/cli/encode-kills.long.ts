import { readFileSync, writeFileSync } from "node:fs";
import { MemoryStore } from "@sparse-encoder/core";
import { OpenSearchStore, PostgresStore, QdrantStore } from "@sparse-encoder/core/stores";
import { afterAll, describe, expect, it } from "vitest";
import { FakeOpenSearch } from "../fakes/opensearch/fake-opensearch.ts";
import { FakeQdrant } from "../fakes/qdrant/fake-qdrant.ts";
import { expectNothingLost, killAtRandom } from "../helpers/killed-encode.ts";
import { type EncodedLine, readJsonLines, sampleTexts } from "./encode-cases.ts";
import { runCli, temporaryFolder } from "./run-cli.ts";

/** Lines to encode: 100,000 in the figures of docs/command-line.md. */
const lines = Number(process.env.LINES ?? 20_000);
const kills = 20;
const folder = temporaryFolder();
const input = folder.file("texts.txt");
const whole = folder.file("whole.jsonl");

afterAll(() => folder[Symbol.dispose]());

describe(`encode on ${lines} lines`, () => {
  it("gives, in two shards, the lines of one run", async () => {
    writeFileSync(input, `${sampleTexts(lines).join("\n")}\n`);
    expect((await runCli(["encode", input, "-o", whole])).code).toBe(0);
    for (const shard of [0, 1]) {
      const { code } = await runCli([
        "encode",
        input,
        "-o",
        folder.file(`${shard}.jsonl`),
        "--shard",
        `${shard}/2`,
      ]);
      expect(code).toBe(0);
    }
    const merged = [0, 1].flatMap((shard) => readJsonLines<EncodedLine>(folder.file(`${shard}.jsonl`)));
    merged.sort((a, b) => Number(a.id) - Number(b.id));
    const expected = readJsonLines<EncodedLine>(whole);
    expect(merged).toHaveLength(lines);
    expect(merged.every((line, row) => JSON.stringify(line) === JSON.stringify(expected[row]))).toBe(true);
  });

  it(`gives the bytes of one run after ${kills} kills at random`, async () => {
    const output = folder.file("killed.jsonl");
    const command = ["encode", input, "-o", output, "--resume"];
    const checkpoint = `${output}.partial.json`;
    const killed = await killAtRandom(command, { checkpoint, blocks: lines / 256 });
    expect((await runCli(command)).code).toBe(0);
    expect(killed).toBe(kills);
    expect(readFileSync(output).equals(readFileSync(whole))).toBe(true);
  });
});

/** Enough for a block per kill. */
const storedLines = Number(process.env.STORED_LINES ?? 256 * 24);

describe(`encode on ${storedLines} lines into a store, killed at random`, () => {
  const vectors = { sparse: { kind: "sparse", dimension: 30_522 } } as const;

  it("has in a folder what one run has", async () => {
    await expectNothingLost(
      {
        address: (name) => `folder:${folder.file(`memory-${name}`)}`,
        open: (name) => MemoryStore.open(folder.file(`memory-${name}`), { model: "splade-tiny" }),
      },
      storedLines,
    );
  });

  it("has in PGlite what one run has", async () => {
    await expectNothingLost(
      {
        address: (name) => `pglite:${folder.file(`pglite-${name}`)}`,
        open: (name) =>
          PostgresStore.open({ folder: folder.file(`pglite-${name}`), vectors, model: "splade-tiny" }),
      },
      storedLines,
    );
  });

  it("has in a fake of Qdrant what one run has", async () => {
    await using fake = await FakeQdrant.start();
    const { url } = fake;
    await expectNothingLost(
      {
        address: (collection) => `qdrant+${url}/${collection}`,
        open: (collection) => QdrantStore.open({ url, collection, vectors, model: "splade-tiny" }),
      },
      storedLines,
    );
  });

  it("has in a fake of OpenSearch what one run has", async () => {
    await using fake = await FakeOpenSearch.start();
    const { url } = fake;
    await expectNothingLost(
      {
        address: (index) => `opensearch+${url}/${index}`,
        open: (index) => OpenSearchStore.open({ url, index, vectors, model: "splade-tiny" }),
      },
      storedLines,
    );
  });
});
