import { mkdtemp, open, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { crc32 } from "node:zlib";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { Journal, readJournal } from "./journal.ts";

const origin = { store: "0123456789abcdef0123456789abcdef", generation: 7 };
const headLength = 36;
const records = ["first", "", "the third record", "4"].map((text) => Buffer.from(text));
let folder: string;
let file: string;

beforeEach(async () => {
  folder = await mkdtemp(path.join(tmpdir(), "journal-"));
  file = path.join(folder, "journal");
});
afterEach(async () => {
  vi.restoreAllMocks();
  await rm(folder, { recursive: true, force: true });
});

async function read(): Promise<{ texts: string[]; end: number; torn: number; frames: number }> {
  const texts: string[] = [];
  const content = await readJournal(file, origin, (record) => texts.push(record.toString()));
  return { texts, ...content };
}

/** Writes the records, one append each, and returns the bytes of the file and where each append ended. */
async function write(): Promise<{ bytes: Buffer; ends: number[] }> {
  const journal = await Journal.create(file, origin);
  const ends = [journal.byteLength];
  for (const record of records) {
    await journal.append([record]);
    ends.push(journal.byteLength);
  }
  await journal.close();
  return { bytes: await readFile(file), ends };
}

describe("a journal", () => {
  it("gives its records back and is appended to after it was read", async () => {
    const journal = await Journal.create(file, origin);
    await journal.append(records.slice(0, 3));
    await journal.close();
    const { texts, end, frames } = await read();
    expect(texts).toEqual(["first", "", "the third record"]);
    const again = await Journal.open(file, end, frames);
    await again.append([records[3]!]);
    await again.close();
    expect((await read()).texts).toEqual(records.map(String));
  });

  it("cut anywhere has the records before the cut, and goes on from there", async () => {
    const { bytes, ends } = await write();
    for (let length = headLength; length < bytes.length; length++) {
      await writeFile(file, bytes.subarray(0, length));
      const whole = ends.filter((end) => end <= length).length - 1;
      const { texts, end, torn, frames } = await read();
      expect(texts).toEqual(records.slice(0, whole).map(String));
      expect([end, torn]).toEqual([ends[whole], length - ends[whole]!]);
      if (length % 9 !== 0) continue;
      const journal = await Journal.open(file, end, frames);
      await journal.append([Buffer.from("next")]);
      await journal.close();
      expect((await read()).texts).toEqual([...records.slice(0, whole).map(String), "next"]);
    }
    for (let length = 0; length < headLength; length++) {
      await writeFile(file, bytes.subarray(0, length));
      await expect(read()).rejects.toMatchObject({ code: "STORE_CORRUPT" });
    }
  });

  it("with any bit flipped is damaged: no record is taken for one that was never acknowledged", async () => {
    const { bytes } = await write();
    for (let bit = 0; bit < 8 * bytes.length; bit += 5) {
      const flipped = Buffer.from(bytes);
      flipped[bit >> 3]! ^= 1 << (bit & 7);
      await writeFile(file, flipped);
      await expect(read(), `bit ${bit}`).rejects.toMatchObject({
        code: "STORE_CORRUPT",
        message: expect.stringContaining(file),
      });
    }
  });

  it("whose last record reads as zeros at its end lost its power while it was written", async () => {
    const { bytes, ends } = await write();
    for (let zeros = 8; zeros <= bytes.length - ends[3]!; zeros++) {
      const torn = Buffer.from(bytes);
      torn.fill(0, bytes.length - zeros);
      await writeFile(file, torn);
      expect((await read()).texts).toEqual(records.slice(0, 3).map(String));
    }
  });

  it("with records swapped, left out or from elsewhere is damaged", async () => {
    const { bytes, ends } = await write();
    const part = (number: number) => bytes.subarray(ends[number], ends[number + 1]);
    const head = bytes.subarray(0, headLength);
    for (const parts of [
      [head, part(1), part(0), part(2), part(3)],
      [head, part(0), part(2), part(3)],
      [head, part(0), part(0)],
    ]) {
      await writeFile(file, Buffer.concat(parts));
      await expect(read()).rejects.toMatchObject({ code: "STORE_CORRUPT" });
    }
    await writeFile(file, bytes);
    for (const other of [
      { ...origin, generation: 8 },
      { ...origin, store: "f".repeat(32) },
    ]) {
      await expect(readJournal(file, other, () => {})).rejects.toMatchObject({ code: "STORE_CORRUPT" });
    }
  });

  it("of a newer format is told from a damaged one", async () => {
    const { bytes } = await write();
    bytes.writeUInt32LE(2, 8);
    bytes.writeUInt32LE(crc32(bytes.subarray(0, 32)), 32);
    await writeFile(file, bytes);
    await expect(read()).rejects.toMatchObject({ code: "STORE_MISMATCH" });
  });

  it("is as before after an append that fails half way, even if it cannot be cut off at once", async () => {
    const journal = await Journal.create(file, origin);
    await journal.append([records[0]!]);
    const handle = await open(file, "r");
    const prototype = Object.getPrototypeOf(handle) as typeof handle;
    await handle.close();
    const full = Object.assign(new Error("ENOSPC: no space left on device"), { code: "ENOSPC" });
    const write = prototype.write as (...all: unknown[]) => Promise<{ bytesWritten: number }>;
    let calls = 0;
    // The first write stores 10 bytes, the next one finds the disk full.
    vi.spyOn(prototype, "write").mockImplementation(function (this: unknown, ...all: unknown[]) {
      if (++calls > 1) return Promise.reject(full);
      const [bytes, start, , position] = all;
      return write.call(this, bytes, start, 10, position);
    } as typeof prototype.write);
    vi.spyOn(prototype, "truncate").mockRejectedValueOnce(full);
    await expect(journal.append([records[2]!])).rejects.toMatchObject({ code: "STORE_FAILED", cause: full });
    expect((await readFile(file)).length).toBe(journal.byteLength + 10);
    vi.restoreAllMocks();
    expect((await read()).torn).toBe(10);
    await journal.append([records[3]!]);
    await journal.close();
    expect((await read()).texts).toEqual(["first", "4"]);
  });

  it("is as before after a flush that fails", async () => {
    const journal = await Journal.create(file, origin);
    const handle = await open(file, "r");
    const prototype = Object.getPrototypeOf(handle) as typeof handle;
    await handle.close();
    vi.spyOn(prototype, "datasync").mockRejectedValueOnce(Object.assign(new Error("EIO"), { code: "EIO" }));
    await expect(journal.append([records[0]!])).rejects.toMatchObject({ code: "STORE_FAILED" });
    await journal.append([records[3]!]);
    await journal.close();
    expect((await read()).texts).toEqual(["4"]);
  });
});
