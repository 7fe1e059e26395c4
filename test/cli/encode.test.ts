import { execFileSync } from "node:child_process";
import { once } from "node:events";
import {
  existsSync,
  lstatSync,
  mkdirSync,
  openSync,
  readdirSync,
  readFileSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { fileURLToPath } from "node:url";
import { gzipSync } from "node:zlib";
import { SparseEncoder } from "@sparse-encoder/core";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { type EncodedLine, parseJsonLines, readJsonLines, sampleTexts } from "./encode-cases.ts";
import { runCli, startCli, temporaryFolder } from "./run-cli.ts";

/** `{"_id":"x","text":"heat flow","year":1960}` in two frames, packed by Zstandard's own library. */
const zstandardSample =
  "KLUv/SAUoQAAeyJfaWQiOiJ4IiwidGV4dCI6ImgotS/9IBe5AABlYXQgZmxvdyIsInllYXIiOjE5NjB9Cg==";

const texts = sampleTexts(600);
const folder = temporaryFolder();
let encoder: SparseEncoder;

beforeAll(async () => {
  encoder = await SparseEncoder.load();
  writeFileSync(folder.file("texts.txt"), `${texts.join("\n")}\n`);
});

afterAll(async () => {
  await encoder.close();
  folder[Symbol.dispose]();
});

/** Checks lines against vectors that the library makes. */
async function expectVectors(lines: readonly EncodedLine[], expected: readonly string[]): Promise<void> {
  expect(lines).toHaveLength(expected.length);
  const vectors = await encoder.encodeDocument(expected);
  for (const [row, { indices, values }] of lines.entries()) {
    const vector = vectors.row(row);
    expect(indices).toEqual([...vector.indices]);
    for (const [place, value] of values.entries()) expect(value).toBeCloseTo(vector.values[place]!, 4);
  }
}

describe("encode", () => {
  it("writes a line of JSON for each line of standard input", async () => {
    const { code, stdout, stderr } = await runCli(["encode"], { input: "a fast jet\n\nheat flow\r\n" });
    expect([code, stderr]).toEqual([0, ""]);
    const lines = parseJsonLines<EncodedLine>(stdout);
    expect(lines.map(({ id }) => id)).toEqual(["1", "3"]);
    await expectVectors(lines, ["a fast jet", "heat flow"]);
  });

  it("writes weights by vocabulary piece", async () => {
    const { stdout } = await runCli(["encode", "--tokens", "--max-active-dims", "3"], { input: "heat flow" });
    const [line] = parseJsonLines<{ weights: Record<string, number> }>(stdout);
    const vector = await encoder.encodeDocument("heat flow", { maxActiveDims: 3 });
    expect(Object.keys(line!.weights)).toEqual(encoder.decode(vector).map(([token]) => token));
  });

  it.each([
    ["JSONL", "r.jsonl", '{"_id":"x","text":"heat flow","year":1960}\n'],
    ["CSV", "r.csv", "﻿_id,text,year\nx,heat flow,1960\n"],
    ["CSV with quotes and line ends in fields", "q.csv", '_id,text,year\r\nx,"heat flow",1960\r\n'],
    ["TSV", "r.tsv", "_id\ttext\tyear\nx\theat flow\t1960\n"],
    ["JSONL in gzip", "r.jsonl.gz", gzipSync('{"_id":"x","text":"heat flow","year":1960}\n')],
    [
      "JSONL in two members of gzip",
      "m.jsonl.gz",
      Buffer.concat([gzipSync('{"_id":"x","text":"heat '), gzipSync('flow","year":1960}')]),
    ],
    ["JSONL in Zstandard", "r.jsonl.zst", Buffer.from(zstandardSample, "base64")],
  ])("reads %s", async (_form, name, content) => {
    writeFileSync(folder.file(name), content);
    const { code, stdout, stderr } = await runCli(["encode", folder.file(name), "--keep-fields"]);
    expect([code, stderr]).toEqual([0, ""]);
    const [line] = parseJsonLines<EncodedLine & { text: string; year: number | string }>(stdout);
    expect(line).toMatchObject({ id: "x", text: "heat flow" });
    expect(Number(line!.year)).toBe(1960);
    await expectVectors([line!], ["heat flow"]);
  });

  it.each(["snappy", "gzip", "zstd", "brotli"])("reads Parquet of pyarrow, packed with %s", async (codec) => {
    const file = fileURLToPath(new URL(`../fixtures/cli/${codec}.parquet`, import.meta.url));
    const { code, stdout, stderr } = await runCli(["encode", file, "--keep-fields"]);
    expect([code, stderr]).toEqual([0, ""]);
    const [line] = parseJsonLines<EncodedLine>(stdout);
    expect(line).toMatchObject({ id: "x", text: "heat flow", year: 1960 });
  });

  it("gives the vectors of one run in two shards", async () => {
    const whole = await runCli(["encode", folder.file("texts.txt"), "-o", folder.file("whole.jsonl")]);
    expect(whole.stderr).toBe("600 texts encoded.\n");
    const parts = await Promise.all(
      [0, 1].map(async (shard) => {
        const output = folder.file(`part-${shard}.jsonl`);
        await runCli(["encode", folder.file("texts.txt"), "-o", output, "--shard", `${shard}/2`]);
        return readJsonLines<EncodedLine>(output);
      }),
    );
    expect(parts.map(({ length }) => length)).toEqual([344, 256]);
    const merged = parts.flat().sort((a, b) => Number(a.id) - Number(b.id));
    expect(merged).toEqual(readJsonLines(folder.file("whole.jsonl")));
    await expectVectors(merged.slice(0, 20), texts.slice(0, 20));
  });

  it("goes on after a kill with nothing lost or doubled", async () => {
    const output = folder.file("killed.jsonl.gz");
    const command = ["encode", folder.file("texts.txt"), "-o", output, "--workers", "1"];
    await runCli([...command.slice(0, 3), folder.file("one-run.jsonl.gz"), ...command.slice(4)]);
    const child = startCli(command);
    await firstBlock(`${output}.partial.json`);
    child.kill("SIGKILL");
    await once(child, "close");
    expect(existsSync(output)).toBe(false);
    // What a kill in the middle of a write leaves behind the checkpoint.
    writeFileSync(
      `${output}.partial`,
      Buffer.concat([readFileSync(`${output}.partial`), Buffer.from("half a b")]),
    );

    const refused = await runCli(command);
    expect(refused.code).toBe(1);
    expect(refused.stderr).toContain("Add --resume to go on, or --restart to begin again.");
    const other = await runCli([...command, "--resume", "--max-active-dims", "9"]);
    expect(other.stderr).toContain("maxActiveDims was undefined, now 9");

    const resumed = await runCli([...command, "--resume"]);
    expect(resumed.code).toBe(0);
    expect(readJsonLines(output)).toEqual(readJsonLines(folder.file("one-run.jsonl.gz")));
    expect(readdirSync(folder.path).filter((name) => name.includes(".partial"))).toEqual([]);
    const again = await runCli([...command, "--resume"]);
    expect(again).toMatchObject({ code: 0, stderr: `${output} is complete; nothing is left to do.\n` });
  });

  it("writes into a store, once for each id", async () => {
    const { MemoryStore } = await import("@sparse-encoder/core");
    const store = folder.file("store");
    writeFileSync(
      folder.file("twice.jsonl"),
      '{"id":"a","text":"old"}\n{"id":"a","text":"heat flow","tag":[1]}\n',
    );
    const { code, stderr } = await runCli([
      "encode",
      folder.file("twice.jsonl"),
      "--store",
      `folder:${store}`,
    ]);
    expect([code, stderr]).toEqual([0, "2 texts encoded.\n"]);
    await using opened = await MemoryStore.open(store, { model: "splade-tiny" });
    const [document] = await opened.get(["a"]);
    expect(document).toMatchObject({ text: "heat flow", metadata: { tag: [1] } });
    expect(await opened.count()).toBe(1);
  });
});

describe("encode, given something wrong,", () => {
  const broken = '{"text":"heat"}\n{"text":\n{"id":"z"}\n[1]\n{"text":"flow","id":{}}\n{"text":"jet"}\n';

  it("names file and line of a broken record", async () => {
    writeFileSync(folder.file("broken.jsonl"), broken);
    const { code, stdout, stderr } = await runCli(["encode", folder.file("broken.jsonl")]);
    expect([code, stdout]).toEqual([1, ""]);
    expect(stderr).toContain(`${folder.file("broken.jsonl")}, line 2: not JSON`);
    expect(stderr).toContain("--skip-invalid");
  });

  it("leaves broken records out when told to, and says which", async () => {
    writeFileSync(folder.file("broken.jsonl"), broken);
    const { code, stdout, stderr } = await runCli(["encode", folder.file("broken.jsonl"), "--skip-invalid"]);
    expect(code).toBe(0);
    expect(parseJsonLines<EncodedLine>(stdout).map(({ id }) => id)).toEqual(["1", "6"]);
    expect(stderr.match(/line \d/g)).toEqual(["line 2", "line 3", "line 4", "line 5"]);
    expect(stderr).toContain("4 invalid records left out.");
  });

  it("refuses a binary file", async () => {
    writeFileSync(folder.file("binary.txt"), Buffer.from([0x50, 0x4b, 3, 4, 0, 0xff, 0xfe, 10]));
    const { code, stderr } = await runCli(["encode", folder.file("binary.txt")]);
    expect(code).toBe(1);
    expect(stderr).toContain("is not a text file");
  });

  it("refuses a packed file that is cut", async () => {
    writeFileSync(folder.file("cut.txt.gz"), gzipSync("heat flow\n".repeat(500)).subarray(0, 30));
    const { code, stderr } = await runCli(["encode", folder.file("cut.txt.gz")]);
    expect(code).toBe(1);
    expect(stderr).toContain("cut.txt.gz cannot be read: unexpected end of file");
  });

  it("refuses a CSV file with a quote that is never closed", async () => {
    writeFileSync(folder.file("open.csv"), 'text\nheat\n"flow\n');
    const { code, stderr } = await runCli(["encode", folder.file("open.csv")]);
    expect(code).toBe(1);
    expect(stderr).toContain("open.csv is not valid after row 1: Quote Not Closed");
  });

  it.each([
    ["a missing file", ["encode", "missing.txt"], 1, "There is no file missing.txt."],
    ["a missing folder", ["encode", "-o", "/nowhere/out.jsonl"], 1, "the folder /nowhere does not exist"],
    ["a folder as output", ["encode", "-o", "."], 1, "cannot be written"],
    ["a shard beyond the last", ["encode", "--shard", "2/2"], 2, "i from 0 to n - 1"],
    ["an unknown option", ["encode", "--tokns"], 2, "Did you mean --tokens?"],
    ["a batch of none", ["encode", "--batch-size", "0"], 2, "whole number of at least 1"],
    ["two outputs", ["encode", "-o", "a", "--store", "folder:b"], 2, "not both"],
    ["an address of no store", ["encode", "--store", "redis://a"], 2, "Forms: folder:<path>"],
    ["dense without a model", ["encode", "--dense"], 2, "--dense needs --model"],
    ["a model that is not there", ["encode", "--model", "./none"], 1, "[MODEL_NOT_FOUND]"],
  ])("tells about %s", async (_case, parameters, code, message) => {
    const result = await runCli(parameters, { cwd: folder.path, input: "heat" });
    expect(result.stderr).toContain(message);
    expect([result.code, result.stdout]).toEqual([code, ""]);
  });

  it("puts no file in the place of a device, and writes where a link points at", async () => {
    using folder = temporaryFolder();
    const fifo = folder.file("pipe");
    execFileSync("mkfifo", [fifo]);
    const refused = await runCli(["encode", "-o", fifo], { input: "a" });
    expect([refused.code, refused.stderr]).toEqual([
      1,
      `sparse-encoder: ${fifo} cannot be written: it is not a regular file; leave the option out and redirect standard output.\n`,
    ]);
    expect(lstatSync(fifo).isFIFO()).toBe(true);
    writeFileSync(folder.file("target.jsonl"), "");
    symlinkSync("target.jsonl", folder.file("link.jsonl"));
    expect((await runCli(["encode", "-o", folder.file("link.jsonl")], { input: "a" })).code).toBe(0);
    expect(lstatSync(folder.file("link.jsonl")).isSymbolicLink()).toBe(true);
    expect(readJsonLines(folder.file("target.jsonl"))).toHaveLength(1);
  });

  it("keeps no password of a store in messages and checkpoints", async () => {
    using folder = temporaryFolder();
    const checkpoint = folder.file("checkpoint.json");
    const resume = ["--checkpoint", checkpoint, "--resume"];
    const store = (parameters: string) => `postgres://user:hunter22@127.0.0.1:1/db${parameters}`;
    const typo = await runCli(["encode", "--store", "qdrant://user:hunter22@localhost/docs"], { input: "a" });
    const lost = await runCli(["encode", "--store", store("?password=hunter22"), ...resume], { input: "a" });
    expect([typo.code, lost.code]).toEqual([2, 1]);
    const settings = { version: 1, settings: { store: "other" }, checkpoint: { blocks: 0, bytes: 0 } };
    writeFileSync(checkpoint, JSON.stringify(settings));
    const other = await runCli(["encode", "--store", `folder:${folder.file("user:hunter22")}`, ...resume], {
      input: "a",
    });
    expect(other.stderr).toContain("had other settings");
    for (const { stderr } of [typo, lost]) expect(stderr).not.toContain("hunter22");
  });

  it("ends without a message when the reader of its output has enough", async () => {
    const child = startCli(["encode", folder.file("texts.txt")]);
    let stderr = "";
    child.stderr!.on("data", (chunk: Buffer) => {
      stderr += chunk.toString();
    });
    await once(child.stdout!, "data");
    child.stdout!.destroy();
    const [code] = await once(child, "close");
    expect([code, stderr]).toEqual([0, ""]);
  });

  it("ends in order on Ctrl-C and says how to go on", async () => {
    const output = folder.file("interrupted.jsonl");
    const child = startCli(["encode", folder.file("texts.txt"), "-o", output, "--workers", "1"]);
    let stderr = "";
    child.stderr!.on("data", (chunk: Buffer) => {
      stderr += chunk.toString();
    });
    await firstBlock(`${output}.partial.json`);
    child.kill("SIGINT");
    const [code] = await once(child, "close");
    expect(code).toBe(130);
    expect(stderr).toContain("add --resume to the same command to go on.");
    expect(existsSync(output)).toBe(false);
  });

  it.skipIf(!existsSync("/dev/full")).each([
    ["vectors", ["encode", "texts.txt"]],
    ["help", ["encode", "--help"]],
    ["the version", ["--version"]],
    ["a script", ["completion", "zsh"]],
  ])("tells that the disk is full when it writes %s", async (_case, parameters) => {
    const child = startCli(parameters, { stdout: openSync("/dev/full", "w"), cwd: folder.path });
    let stderr = "";
    child.stderr!.on("data", (chunk: Buffer) => {
      stderr += chunk.toString();
    });
    const [code] = await once(child, "close");
    expect([code, stderr]).toEqual([
      1,
      "sparse-encoder: Standard output cannot be written: the disk is full.\n",
    ]);
  });

  it("cannot write below a file", async () => {
    mkdirSync(folder.file("closed"));
    writeFileSync(folder.file("closed/file"), "");
    const { code, stderr } = await runCli(["encode", "-o", folder.file("closed/file/out.jsonl")], {
      input: "heat",
    });
    expect(code).toBe(1);
    expect(stderr).toContain("closed/file is not a folder");
  });
});

/** Waits until a checkpoint says that a block is stored. */
async function firstBlock(checkpoint: string): Promise<void> {
  for (;;) {
    await new Promise((resolve) => setTimeout(resolve, 5));
    const text = existsSync(checkpoint) ? readFileSync(checkpoint, "utf8") : "";
    if (/"blocks":[1-9]/.test(text)) return;
  }
}
