import type { FileHandle } from "node:fs/promises";
import { crc32 } from "node:zlib";
import { SparseEncoderError } from "../../errors.ts";

/** The formats' own signatures and sizes (https://pkware.cachefly.net/webdocs/casestudies/APPNOTE.TXT). */
const localHeader = { signature: 0x04034b50, bytes: 30 };
const centralHeader = { signature: 0x02014b50, bytes: 46 };
const directoryEnd = { signature: 0x06054b50, bytes: 22 };
const locator64 = { signature: 0x07064b50, bytes: 20 };
const directoryEnd64 = { signature: 0x06064b50, bytes: 56 };

/** A comment of at most this many bytes may follow the directory. */
const maximumCommentBytes = 0xffff;
/** So that a broken length never asks for gigabytes of memory. */
const maximumDirectoryBytes = 100_000_000;
/** In place of a number that zip64 fields hold. */
const inZip64 = 0xffffffff;

/** A file inside a zip archive, stored without compression. */
export interface ZipEntry {
  readonly name: string;
  /** First byte of its data in the archive. */
  readonly offset: number;
  readonly byteLength: number;
  /** CRC-32 of its data. */
  readonly checksum: number;
}

/** What the directory of an archive says about an entry. */
interface DirectoryEntry extends Omit<ZipEntry, "offset"> {
  readonly headerOffset: number;
  readonly compressed: boolean;
}

/** Reads a zip archive as torch writes it: stored entries, with or without zip64. */
export class ZipReader {
  private readonly handle: FileHandle;
  private readonly file: string;
  private readonly fileBytes: number;
  private readonly directory: ReadonlyMap<string, DirectoryEntry>;

  private constructor(
    handle: FileHandle,
    file: string,
    fileBytes: number,
    directory: ReadonlyMap<string, DirectoryEntry>,
  ) {
    this.handle = handle;
    this.file = file;
    this.fileBytes = fileBytes;
    this.directory = directory;
  }

  /**
   * Reads the directory of an archive.
   * @param file its path, for messages
   * @throws SparseEncoderError `WEIGHTS_INVALID`
   */
  static async open(handle: FileHandle, file: string): Promise<ZipReader> {
    const fileBytes = (await handle.stat()).size;
    const read = (offset: number, length: number) => readBytes(handle, file, fileBytes, offset, length);
    const { offset, length, entries } = await findDirectory(read, file, fileBytes);
    if (length > maximumDirectoryBytes) throw invalid(file, `has a directory of ${length} bytes`);
    const directory = parseDirectory(await read(offset, length), entries, file);
    return new ZipReader(handle, file, fileBytes, directory);
  }

  get names(): string[] {
    return [...this.directory.keys()];
  }

  /**
   * Where an entry lies, or undefined if there is none of that name.
   * @throws SparseEncoderError `WEIGHTS_INVALID` if it is compressed, encrypted or out of the file
   */
  async find(name: string): Promise<ZipEntry | undefined> {
    const entry = this.directory.get(name);
    if (entry === undefined) return undefined;
    if (entry.compressed) {
      throw invalid(
        this.file,
        `has the compressed or encrypted entry ${name}: save it again with torch.save`,
      );
    }
    const header = await this.read(entry.headerOffset, localHeader.bytes);
    if (header.readUInt32LE(0) !== localHeader.signature) {
      throw invalid(this.file, `has no entry ${name} at byte ${entry.headerOffset}`);
    }
    // Lengths of name and padding; torch pads here, so that data is aligned.
    const offset = entry.headerOffset + localHeader.bytes + header.readUInt16LE(26) + header.readUInt16LE(28);
    if (offset + entry.byteLength > this.fileBytes) {
      throw invalid(this.file, `ends before its entry ${name} does; the file is cut off: download it again`);
    }
    return { name, offset, byteLength: entry.byteLength, checksum: entry.checksum };
  }

  /** The data of an entry, compared with its checksum. */
  async readEntry(entry: ZipEntry): Promise<Buffer> {
    const data = await this.read(entry.offset, entry.byteLength);
    if (crc32(data) !== entry.checksum) {
      throw invalid(
        this.file,
        `has a wrong checksum for ${entry.name}; the file is damaged: download it again`,
      );
    }
    return data;
  }

  private read(offset: number, length: number): Promise<Buffer> {
    return readBytes(this.handle, this.file, this.fileBytes, offset, length);
  }
}

type Read = (offset: number, length: number) => Promise<Buffer>;

/** The directory is found from the end of the file. */
async function findDirectory(
  read: Read,
  file: string,
  fileBytes: number,
): Promise<{ offset: number; length: number; entries: number }> {
  const tailBytes = Math.min(fileBytes, directoryEnd.bytes + maximumCommentBytes);
  const tail = await read(fileBytes - tailBytes, tailBytes);
  let at = tail.length - directoryEnd.bytes;
  while (at >= 0 && tail.readUInt32LE(at) !== directoryEnd.signature) at--;
  if (at < 0) throw invalid(file, "is not a complete zip archive; the file is cut off: download it again");
  const end = {
    entries: tail.readUInt16LE(at + 10),
    length: tail.readUInt32LE(at + 12),
    offset: tail.readUInt32LE(at + 16),
  };
  const endOffset = fileBytes - tailBytes + at;
  if (endOffset < locator64.bytes) return end;
  const locator = await read(endOffset - locator64.bytes, locator64.bytes);
  if (locator.readUInt32LE(0) !== locator64.signature) return end;
  const end64 = await read(unsigned64(locator, 8), directoryEnd64.bytes);
  if (end64.readUInt32LE(0) !== directoryEnd64.signature) throw invalid(file, "has no zip64 directory");
  return { entries: unsigned64(end64, 32), length: unsigned64(end64, 40), offset: unsigned64(end64, 48) };
}

function parseDirectory(bytes: Buffer, entries: number, file: string): Map<string, DirectoryEntry> {
  const directory = new Map<string, DirectoryEntry>();
  let at = 0;
  for (let number = 0; number < entries; number++) {
    if (at + centralHeader.bytes > bytes.length || bytes.readUInt32LE(at) !== centralHeader.signature) {
      throw invalid(file, `has a broken directory at entry ${number} of ${entries}`);
    }
    const nameEnd = at + centralHeader.bytes + bytes.readUInt16LE(at + 28);
    const extraEnd = nameEnd + bytes.readUInt16LE(at + 30);
    if (extraEnd > bytes.length)
      throw invalid(file, `has a broken directory at entry ${number} of ${entries}`);
    const name = bytes.toString("utf8", at + centralHeader.bytes, nameEnd);
    if (directory.has(name)) throw invalid(file, `has two entries ${name}`);
    const sizes = zip64Sizes(bytes.subarray(nameEnd, extraEnd), [
      bytes.readUInt32LE(at + 24),
      bytes.readUInt32LE(at + 20),
      bytes.readUInt32LE(at + 42),
    ]);
    const [byteLength, storedBytes, headerOffset] = sizes as [number, number, number];
    const encrypted = (bytes.readUInt16LE(at + 8) & 1) === 1;
    const compressed = encrypted || bytes.readUInt16LE(at + 10) !== 0 || storedBytes !== byteLength;
    directory.set(name, {
      name,
      byteLength,
      headerOffset,
      compressed,
      checksum: bytes.readUInt32LE(at + 16),
    });
    at = extraEnd + bytes.readUInt16LE(at + 32);
  }
  return directory;
}

/** Numbers that do not fit 32 bits follow in the extra field with id 1, in this order, without the others. */
function zip64Sizes(extra: Buffer, sizes: readonly number[]): number[] {
  let fields: Buffer = Buffer.alloc(0);
  for (let at = 0; at + 4 <= extra.length; at += 4 + extra.readUInt16LE(at + 2)) {
    if (extra.readUInt16LE(at) === 1) fields = extra.subarray(at + 4, at + 4 + extra.readUInt16LE(at + 2));
  }
  let next = 0;
  return sizes.map((size) => {
    if (size !== inZip64 || next + 8 > fields.length) return size;
    next += 8;
    return unsigned64(fields, next - 8);
  });
}

/** Beyond 2^53 the number is not exact; it is beyond any file, too. */
function unsigned64(bytes: Buffer, at: number): number {
  return Number(bytes.readBigUInt64LE(at));
}

async function readBytes(
  handle: FileHandle,
  file: string,
  fileBytes: number,
  offset: number,
  length: number,
): Promise<Buffer> {
  if (offset + length > fileBytes) {
    throw invalid(file, `ends at byte ${fileBytes}, but names data up to byte ${offset + length}`);
  }
  const bytes = Buffer.alloc(length);
  const { bytesRead } = await handle.read(bytes, 0, length, offset);
  if (bytesRead < length) throw invalid(file, "became shorter while it was read");
  return bytes;
}

function invalid(file: string, problem: string): SparseEncoderError {
  return new SparseEncoderError("WEIGHTS_INVALID", `${file} ${problem}.`);
}
