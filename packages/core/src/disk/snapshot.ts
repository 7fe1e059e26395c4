import { corrupt } from "./storage-errors.ts";

/** A named part of a snapshot. */
export interface SnapshotSection {
  readonly name: string;
  readonly bytes: Uint8Array;
}

/** What a snapshot holds, after all checksums were found right. */
export class Snapshot {
  readonly file: string;
  /** As it was given to {@link writeSnapshot}. */
  readonly description: unknown;
  /** Length of the file in bytes. */
  readonly byteLength: number;
  private readonly sections: ReadonlyMap<string, ArrayBuffer>;

  constructor(
    file: string,
    description: unknown,
    byteLength: number,
    sections: ReadonlyMap<string, ArrayBuffer>,
  ) {
    this.file = file;
    this.description = description;
    this.byteLength = byteLength;
    this.sections = sections;
  }

  has(name: string): boolean {
    return this.sections.has(name);
  }

  bytes(name: string): Buffer {
    return Buffer.from(this.section(name));
  }

  uint16(name: string): Uint16Array {
    return new Uint16Array(this.section(name, 2));
  }

  uint32(name: string): Uint32Array {
    return new Uint32Array(this.section(name, 4));
  }

  float32(name: string): Float32Array {
    return new Float32Array(this.section(name, 4));
  }

  float64(name: string): Float64Array {
    return new Float64Array(this.section(name, 8));
  }

  json(name: string): unknown {
    try {
      return JSON.parse(this.bytes(name).toString("utf8"));
    } catch {
      throw corrupt(this.file, `section ${name} is not JSON`);
    }
  }

  /** @param width bytes of a number in the section */
  private section(name: string, width = 1): ArrayBuffer {
    const section = this.sections.get(name);
    if (section === undefined) throw corrupt(this.file, `it has no section ${name}`);
    if (section.byteLength % width !== 0) throw corrupt(this.file, `section ${name} has a wrong length`);
    return section;
  }
}

/** The memory of numbers, as bytes. */
export function bytesOf(numbers: Uint16Array | Uint32Array | Float32Array | Float64Array): Uint8Array {
  return new Uint8Array(numbers.buffer, numbers.byteOffset, numbers.byteLength);
}
