import { mkdtempSync, realpathSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { readSafetensors } from "./safetensors.ts";

let folder: string;
let count = 0;

beforeAll(() => {
  folder = realpathSync(mkdtempSync(path.join(tmpdir(), "safetensors-")));
});

afterAll(() => {
  rmSync(folder, { recursive: true, force: true });
});

/** Writes a file of a header, as JSON text or as what becomes it, and `dataBytes` bytes of data. */
function write(header: unknown, dataBytes: number, headerBytes?: bigint): string {
  const text = Buffer.from(typeof header === "string" ? header : JSON.stringify(header));
  const prefix = Buffer.alloc(8);
  prefix.writeBigUInt64LE(headerBytes ?? BigInt(text.length));
  return writeBytes(Buffer.concat([prefix, text, Buffer.alloc(dataBytes)]));
}

function writeBytes(bytes: Buffer): string {
  const file = path.join(folder, `${count++}.safetensors`);
  writeFileSync(file, bytes);
  return file;
}

const tensor = (shape: unknown, begin: unknown, end: unknown, dtype: unknown = "F32") => ({
  dtype,
  shape,
  data_offsets: [begin, end],
});

describe("readSafetensors", () => {
  it("finds the place of each tensor, whatever their order in the header", async () => {
    const header = {
      b: tensor([3], 24, 30, "F16"),
      __metadata__: { format: "pt" },
      a: tensor([2, 3], 0, 24),
      none: tensor([0, 5], 24, 24),
      single: tensor([], 30, 31, "U8"),
    };
    const file = write(header, 31);
    const start = 8 + JSON.stringify(header).length;
    const table = await readSafetensors(file);
    expect(new Map(table.entries())).toEqual(
      new Map([
        ["b", { type: "F16", shape: [3], file, offset: start + 24, byteLength: 6 }],
        ["a", { type: "F32", shape: [2, 3], file, offset: start, byteLength: 24 }],
        ["none", { type: "F32", shape: [0, 5], file, offset: start + 24, byteLength: 0 }],
        ["single", { type: "U8", shape: [], file, offset: start + 30, byteLength: 1 }],
      ]),
    );
    expect(table.metadata).toEqual({ format: "pt" });
    expect(table.byteLength).toBe(31);
    expect(table.files).toEqual([file]);
  });

  it("reads a header that is padded with blanks, and one without tensors", async () => {
    const padded = write(`${JSON.stringify({ a: tensor([1], 0, 4) })}    `, 4);
    expect((await readSafetensors(padded)).get("a", [1]).byteLength).toBe(4);
    expect([...(await readSafetensors(write({}, 0))).entries()]).toEqual([]);
  });

  it("names the file behind a link, where onnxruntime looks for it", async () => {
    const file = write({ a: tensor([1], 0, 4) }, 4);
    const link = path.join(folder, "link.safetensors");
    symlinkSync(file, link);
    expect((await readSafetensors(link)).get("a", [1]).file).toBe(file);
  });

  it.each([
    ["an empty file", () => writeBytes(Buffer.alloc(0)), "has 0 bytes, fewer than the 8"],
    ["a file of seven bytes", () => writeBytes(Buffer.alloc(7)), "has 7 bytes, fewer than the 8"],
    ["a header longer than the file", () => write({}, 0, 3n), "a header of 3 bytes, but only 2 bytes follow"],
    ["a header length of 2^64 - 1", () => write({}, 0, 2n ** 64n - 1n), "but only 2 bytes follow"],
    ["a header of no bytes", () => write("", 0), "a header that is not valid JSON"],
    ["a header that is cut", () => write('{"a": {"dtype"', 0), "a header that is not valid JSON"],
    ["a header of zeros", () => write("\0\0\0\0", 0), "a header that is not valid JSON"],
    ["a header that is a list", () => write([], 0), "a header that is not a JSON object: []"],
    ["a header that is null", () => write("null", 0), "a header that is not a JSON object: null"],
    ["a text in place of a tensor", () => write({ a: "F32" }, 4), `describes tensor 'a' as 'F32'`],
    [
      "a tensor without type",
      () => write({ a: { shape: [1], data_offsets: [0, 4] } }, 4),
      "the type undefined",
    ],
    [
      "an unknown type",
      () => write({ a: tensor([1], 0, 4, "F31") }, 4),
      "the type 'F31'; known types: F64, F32,",
    ],
    ["a type that is an object member", () => write({ a: tensor([1], 0, 4, "toString") }, 4), "'toString'"],
    ["a shape that is not a list", () => write({ a: tensor(1, 0, 4) }, 4), `'a' the shape 1`],
    ["a negative size", () => write({ a: tensor([-1], 0, 4) }, 4), `'a' the shape [ -1 ]`],
    ["a broken size", () => write({ a: tensor([0.5], 0, 2) }, 2), `'a' the shape [ 0.5 ]`],
    ["offsets that fall", () => write({ a: tensor([1], 4, 0) }, 4), "the data_offsets [ 4, 0 ]"],
    ["a negative offset", () => write({ a: tensor([1], -4, 0) }, 4), "the data_offsets [ -4, 0 ]"],
    ["offsets that are texts", () => write({ a: tensor([1], "0", "4") }, 4), "the data_offsets [ '0', '4' ]"],
    [
      "three offsets",
      () => write({ a: { dtype: "F32", shape: [1], data_offsets: [0, 4, 8] } }, 8),
      "the data_offsets [ 0, 4, 8 ]",
    ],
    [
      "offsets beyond the end",
      () => write({ a: tensor([2], 0, 8) }, 7),
      "the file is cut off: download it again",
    ],
    ["offsets far beyond the end", () => write({ a: tensor([2], 0, 2 ** 53 - 1) }, 8), "the file is cut off"],
    [
      "a shape that needs more bytes",
      () => write({ a: tensor([3], 0, 8) }, 8),
      "8 bytes, but F32 [3] needs 12",
    ],
    [
      "a shape that needs fewer bytes",
      () => write({ a: tensor([1], 0, 8) }, 8),
      "8 bytes, but F32 [1] needs 4",
    ],
    ["a type that needs fewer bytes", () => write({ a: tensor([2], 0, 8, "F16") }, 8), "F16 [2] needs 4"],
    ["a shape beyond all bounds", () => write({ a: tensor([2 ** 52, 2 ** 52], 0, 8) }, 8), "needs 8.1"],
    [
      "tensors that overlap",
      () => write({ a: tensor([2], 0, 8), b: tensor([2], 4, 12) }, 12),
      `lets tensors 'a' and 'b' overlap`,
    ],
    [
      "tensors in the same place",
      () => write({ a: tensor([2], 0, 8), b: tensor([2], 0, 8) }, 8),
      `lets tensors 'a' and 'b' overlap`,
    ],
    [
      "a tensor within another",
      () => write({ a: tensor([4], 0, 16), b: tensor([1], 4, 8) }, 16),
      `lets tensors 'a' and 'b' overlap`,
    ],
    [
      "an empty tensor within another",
      () => write({ a: tensor([4], 0, 16), b: tensor([0], 4, 4) }, 16),
      `lets tensors 'a' and 'b' overlap`,
    ],
    [
      "a gap",
      () => write({ a: tensor([1], 0, 4), b: tensor([1], 8, 12) }, 12),
      `leaves 4 bytes before tensor 'b' unused`,
    ],
    [
      "a gap before the first",
      () => write({ a: tensor([1], 4, 8) }, 8),
      `leaves 4 bytes before tensor 'a' unused`,
    ],
    [
      "bytes behind the last tensor",
      () => write({ a: tensor([1], 0, 4) }, 5),
      "has 1 bytes behind its last tensor",
    ],
  ])("refuses %s, naming the file", async (_, make, message) => {
    const file = make();
    await expect(readSafetensors(file)).rejects.toMatchObject({
      code: "WEIGHTS_INVALID",
      message: expect.stringContaining(message),
    });
    await expect(readSafetensors(file)).rejects.toThrow(file);
  });

  it("refuses a file cut anywhere", async () => {
    const header = JSON.stringify({ a: tensor([2], 0, 8), b: tensor([1], 8, 12) });
    const prefix = Buffer.alloc(8);
    prefix.writeBigUInt64LE(BigInt(header.length));
    const whole = Buffer.concat([prefix, Buffer.from(header), Buffer.alloc(12, 1)]);
    await readSafetensors(writeBytes(whole));
    for (let length = 0; length < whole.length; length++) {
      const file = writeBytes(whole.subarray(0, length));
      await expect(readSafetensors(file), `${length} bytes`).rejects.toMatchObject({
        code: "WEIGHTS_INVALID",
      });
    }
  });
});

describe("TensorTable", () => {
  it("gives weights of the right shape and type only, naming what is wrong", async () => {
    const header = {
      "encoder.weight": tensor([2, 3], 0, 24),
      "encoder.ids": tensor([3], 24, 48, "I64"),
      "LayerNorm.gamma": tensor([3], 48, 60),
    };
    const file = write(header, 60);
    const table = await readSafetensors(file);
    expect(table.get("encoder.weight", [2, 3]).byteLength).toBe(24);
    expect(table.get("LayerNorm.weight", [3])).toEqual(table.get("LayerNorm.gamma", [3]));
    const get = (name: string, shape: number[]) => () => table.get(name, shape);
    const invalid = expect.objectContaining({ code: "WEIGHTS_INVALID" });
    for (const [call, message] of [
      [get("decoder.bias", [3]), `${file} has no tensor 'decoder.bias', which the model needs.`],
      [get("encoder.weight", [3, 2]), `'encoder.weight' with shape [2,3], but config.json asks for [3,2]`],
      [get("encoder.weight", [2]), `'encoder.weight' with shape [2,3], but config.json asks for [2]`],
      [get("encoder.weight", [2, 3, 1]), "config.json asks for [2,3,1]"],
      [get("encoder.ids", [3]), `'encoder.ids' as I64; only F32, F16, BF16 weights are supported`],
    ] as const) {
      expect(call).toThrow(invalid);
      expect(call).toThrow(message);
    }
  });
});
