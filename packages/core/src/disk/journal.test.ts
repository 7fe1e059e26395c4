import { mkdtemp, open, readFile, rm, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { crc32 } from "node:zlib";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { Journal } from "./journal.ts";
import { type JournalReading, readJournal } from "./journal-content.ts";

const origin = { store: "0123456789abcdef0123456789abcdef", generation: 7 };
const headLength = 36;
const markLength = 24;
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

async function read(reading?: JournalReading) {
  const texts: string[] = [];
  const content = await readJournal(file, origin, (record) => texts.push(record.toString()), reading);
  return { texts, content };
}

/** Writes the records, one append each, and returns the bytes of the file and where each record begins and ends. */
async function write(): Promise<{ bytes: Buffer; begins: number[]; ends: number[] }> {
  const journal = await Journal.create(file, origin);
  const begins = [journal.byteLength];
  const ends = [journal.byteLength];
  for (const record of records) {
    await journal.append([record]);
    begins.push(journal.byteLength);
    ends.push(journal.byteLength - markLength);
  }
  await journal.close();
  return { bytes: await readFile(file), begins, ends };
}

describe("a journal", () => {
  it("gives its records back and is appended to after it was read", async () => {
    const journal = await Journal.create(file, origin);
    await journal.append(records.slice(0, 3));
    await journal.close();
    const { texts, content } = await read();
    expect(texts).toEqual(["first", "", "the third record"]);
    const again = await Journal.open(file, content);
    await again.append([records[3]!]);
    await again.close();
    expect((await read()).texts).toEqual(records.map(String));
  });

  it("cut anywhere has the records before the cut, and goes on from there", async () => {
    const { bytes, begins, ends } = await write();
    for (let length = headLength; length < bytes.length; length++) {
      await writeFile(file, bytes.subarray(0, length));
      const whole = ends.filter((end) => end <= length).length - 1;
      const { texts, content } = await read();
      expect(texts).toEqual(records.slice(0, whole).map(String));
      const end = length >= begins[whole]! ? begins[whole]! : ends[whole]!;
      expect([content.end.position, content.torn]).toEqual([end, length - end]);
      if (length % 9 !== 0) continue;
      const journal = await Journal.open(file, content);
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
      if (bit >= 8 * (bytes.length - markLength)) {
        // The last mark only says that the record before it counts, which is whole.
        expect((await read()).texts, `bit ${bit}`).toEqual(records.map(String));
        continue;
      }
      await expect(read(), `bit ${bit}`).rejects.toMatchObject({
        code: "STORE_CORRUPT",
        message: expect.stringContaining(file),
      });
    }
  });

  it("whose last record reads as zeros at its end lost its power while it was written", async () => {
    const { bytes, ends } = await write();
    for (let zeros = 8; zeros <= ends[4]! - ends[3]! - markLength; zeros++) {
      const torn = Buffer.from(bytes.subarray(0, ends[4]));
      torn.fill(0, torn.length - zeros);
      await writeFile(file, torn);
      expect((await read()).texts).toEqual(records.slice(0, 3).map(String));
    }
  });

  it("whose flush did not return may hold any part of what was written, and no other record is in doubt", async () => {
    const { bytes, begins, ends } = await write();
    const tail = ends[4]! - begins[3]!;
    for (let position = 0; position < tail; position++) {
      const torn = Buffer.from(bytes.subarray(0, ends[4]));
      torn[begins[3]! + position]! ^= 0xff;
      await writeFile(file, torn);
      expect((await read()).texts, `byte ${position}`).toEqual(records.slice(0, 3).map(String));
    }
  });

  it("with several records written at once may hold later ones without an earlier one", async () => {
    const journal = await Journal.create(file, origin);
    await journal.append([records[0]!]);
    const start = journal.byteLength;
    await journal.append(["one", "two", "three"].map((text) => Buffer.from(text)));
    await journal.close();
    const bytes = await readFile(file);
    const unmarked = bytes.subarray(0, bytes.length - markLength);
    const missing = Buffer.from(unmarked);
    missing.fill(0, start, start + 40);
    await writeFile(file, missing);
    expect((await read()).texts).toEqual(["first"]);
    // Once the flush had returned, the same is damage: the mark says so.
    await writeFile(file, Buffer.concat([missing, bytes.subarray(-markLength)]));
    await expect(read()).rejects.toMatchObject({ code: "STORE_CORRUPT" });
  });

  it("cannot be made to look damaged by documents that hold the bytes of a journal", async () => {
    const { bytes } = await write();
    const journal = await Journal.create(file, { ...origin, store: "f".repeat(32) });
    await journal.append([records[0]!]);
    await journal.append([Buffer.concat([bytes, bytes])]);
    await journal.close();
    const written = await readFile(file);
    written.fill(0, 140, 160);
    await writeFile(file, written.subarray(0, written.length - markLength));
    const texts: string[] = [];
    await readJournal(file, { ...origin, store: "f".repeat(32) }, (record) => texts.push(record.toString()));
    expect(texts).toEqual(["first"]);
  });

  it("beside its writer gives only what is on the disk, from where a reader stopped", async () => {
    const { bytes, begins, ends } = await write();
    await writeFile(file, bytes.subarray(0, ends[3]));
    const first = await read({ syncedOnly: true });
    expect(first.texts).toEqual(["first", ""]);
    expect(first.content.end).toEqual({ position: begins[2], frames: 2 });
    await writeFile(file, bytes);
    const next = await read({ from: first.content.end, syncedOnly: true });
    expect(next.texts).toEqual(["the third record", "4"]);
    expect(next.content.end).toEqual({ position: begins[4], frames: 4 });
    expect((await read({ from: next.content.end, syncedOnly: true })).texts).toEqual([]);
    await writeFile(file, bytes.subarray(0, begins[1]));
    await expect(read({ from: next.content.end })).rejects.toMatchObject({ code: "STORE_CORRUPT" });
  });

  it("is not opened through a link, which would change what it leads to", async () => {
    const { bytes } = await write();
    const { content } = await read();
    const elsewhere = path.join(folder, "elsewhere");
    await writeFile(elsewhere, Buffer.concat([bytes, Buffer.from("more")]));
    await rm(file);
    await symlink(elsewhere, file);
    await expect(Journal.open(file, content)).rejects.toMatchObject({ code: "ELOOP" });
    await symlink(elsewhere, `${file}.tmp`);
    await rm(file);
    await (await Journal.create(file, origin)).close();
    expect((await readFile(elsewhere)).length).toBe(bytes.length + 4);
  });

  it("with records swapped, left out or from elsewhere is damaged", async () => {
    const { bytes, begins } = await write();
    const part = (number: number) => bytes.subarray(begins[number], begins[number + 1]);
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
    bytes.writeUInt32LE(3, 8);
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
    expect((await read()).content.torn).toBe(10);
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
