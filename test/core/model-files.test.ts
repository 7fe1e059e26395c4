import { execFileSync } from "node:child_process";
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { SparseEncoder } from "@sparse-encoder/core";
import { afterAll, describe, expect, it } from "vitest";
import { modelFiles } from "../../packages/core/src/model/hub/hub.ts";
import { readSafetensors } from "../../packages/core/src/model/index.ts";
import { parseVocabularyText } from "../../packages/core/src/model/tokenizer/vocabulary.ts";
import { goldenModelFolder } from "../helpers/golden-data.ts";
import { copyModel } from "../helpers/model-copies.ts";

const root = mkdtempSync(path.join(tmpdir(), "sparse-encoder-files-"));
afterAll(() => rmSync(root, { recursive: true, force: true }));

let copies = 0;
function copyWithout(file: string): string {
  const folder = path.join(root, String(copies++));
  copyModel(goldenModelFolder("bert-max-relu"), folder, (name) => name === file);
  return folder;
}

async function refusal(folder: string): Promise<{ code: string; message: string }> {
  const error: unknown = await SparseEncoder.load(folder).then(
    () => undefined,
    (thrown: unknown) => thrown,
  );
  return error as { code: string; message: string };
}

const files = [
  "config.json",
  "modules.json",
  "sentence_bert_config.json",
  "1_SpladePooling/config.json",
  "tokenizer.json",
  "tokenizer_config.json",
  "model.safetensors",
];

describe("a file of a model that is not a regular file", () => {
  it.skipIf(process.platform === "win32").each(files)(
    "such as a pipe is refused, without waiting for it: %s",
    async (file) => {
      const folder = copyWithout(file);
      execFileSync("mkfifo", [path.join(folder, file)]);
      const { code, message } = await refusal(folder);
      expect(code).toMatch(/_INVALID$/);
      expect(message).toMatch(/not a (?:regular )?file/);
      expect(message).toContain(path.basename(file));
    },
  );

  it.skipIf(process.platform !== "linux").each(["vocab.txt", "onnx/model.onnx"])(
    "such as a device is refused: %s",
    async (file) => {
      const folder = copyWithout(file === "vocab.txt" ? "tokenizer.json" : "model.safetensors");
      mkdirSync(path.dirname(path.join(folder, file)), { recursive: true });
      symlinkSync("/dev/zero", path.join(folder, file));
      const { code, message } = await refusal(folder);
      expect(code).toMatch(/_INVALID$/);
      expect(message).toMatch(/a pipe, a device or a socket, not a file/);
    },
  );
});

describe("an error about a file of a model", () => {
  it.skipIf(process.platform === "win32").each(files.filter((file) => file.endsWith(".json")))(
    "does not quote it, since a link may have led elsewhere: %s",
    async (file) => {
      const folder = copyWithout(file);
      const secret = path.join(root, "secret");
      writeFileSync(secret, "root:x:0:0:hidden words:/root:/bin/sh\n");
      symlinkSync(secret, path.join(folder, file));
      const { code, message, ...rest } = await refusal(folder);
      expect(code).toMatch(/_INVALID$/);
      expect(`${message} ${JSON.stringify(rest)}`).not.toMatch(/root:x|hidden/);
      const { cause } = rest as { cause?: unknown };
      expect(String(cause)).not.toMatch(/root:x|hidden/);
    },
  );

  it("is short, whatever the file says", async () => {
    const long = "x".repeat(300_000);
    const tensor = (change: object) => ({ dtype: "F32", shape: [1], data_offsets: [0, 4], ...change });
    const headers = [
      { [long]: tensor({ dtype: long }) },
      { [long]: tensor({ shape: new Array(100_000).fill(1e9) }) },
      { [long]: tensor({ shape: new Array(100_000).fill(2) }) },
      { [long]: tensor({ data_offsets: [0, 1e9] }) },
      { [long]: tensor({}), [`${long}2`]: tensor({}) },
      { [long]: tensor({ data_offsets: [4, 8] }) },
    ];
    for (const header of headers) {
      const text = Buffer.from(JSON.stringify(header));
      const start = Buffer.alloc(8);
      start.writeBigUInt64LE(BigInt(text.length));
      const file = path.join(root, "long.safetensors");
      writeFileSync(file, Buffer.concat([start, text, Buffer.alloc(8)]));
      const error: unknown = await readSafetensors(file).catch((thrown: unknown) => thrown);
      expect(error).toMatchObject({ code: "WEIGHTS_INVALID" });
      expect((error as Error).message.length).toBeLessThan(1000);
    }
  });
});

describe("long names and lines take time in proportion to their length", () => {
  it("in the choice of files", () => {
    const name = `${"config".repeat(200_000)}!`;
    expect(modelFiles([name, `${"1_a".repeat(200_000)}/config.json`, "config.json"])).toEqual([
      "config.json",
    ]);
  });

  it("in vocab.txt", () => {
    const blanks = " ".repeat(1_000_000);
    expect(parseVocabularyText(`a\n${blanks}b${blanks}\n`)).toEqual({ a: 0, [`${blanks}b`]: 1 });
  });
});
