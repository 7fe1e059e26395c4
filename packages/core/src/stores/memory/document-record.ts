import { corrupt } from "../../disk/index.ts";
import { received } from "../../errors.ts";
import { freezeMetadata } from "../metadata.ts";
import { isPlainObject } from "../plain-object.ts";
import type { Metadata } from "../store.ts";

interface Content {
  readonly text: string;
  readonly metadata: Metadata;
}

/** Text and metadata of a document. Those that come from a file stay bytes until they are needed. */
export class DocumentRecord {
  private content: Content | undefined;
  /** Many records in a row. Two numbers a record take a tenth of the time to make that a view takes. */
  private block: Buffer | undefined;
  private readonly start: number;
  private readonly end: number;

  private constructor(content: Content | undefined, block: Buffer | undefined, start: number, end: number) {
    this.content = content;
    this.block = block;
    this.start = start;
    this.end = end;
  }

  /** @param metadata frozen at every level */
  static of(text: string, metadata: Metadata): DocumentRecord {
    return new DocumentRecord({ text, metadata }, undefined, 0, 0);
  }

  /** The bytes [start, end) of `block` are what {@link DocumentRecord.toBytes} gave. */
  static from(block: Buffer, start: number, end: number): DocumentRecord {
    return new DocumentRecord(undefined, block, start, end);
  }

  get text(): string {
    return this.parsed().text;
  }

  get metadata(): Metadata {
    return this.parsed().metadata;
  }

  toBytes(): Buffer {
    if (this.block !== undefined) return this.block.subarray(this.start, this.end);
    const { text, metadata } = this.parsed();
    // JSON for the text too: it may hold lone surrogates, which UTF-8 cannot.
    return Buffer.from(JSON.stringify([text, metadata]), "utf8");
  }

  private parsed(): Content {
    if (this.content === undefined) {
      const json = this.block!.toString("utf8", this.start, this.end);
      const { text, metadata } = parse(json);
      freezeMetadata(metadata);
      this.content = { text, metadata };
      this.block = undefined;
    }
    return this.content;
  }
}

/** @throws SparseEncoderError `STORE_CORRUPT` */
function parse(json: string): Content {
  try {
    const [text, metadata] = JSON.parse(json) as unknown[];
    if (typeof text === "string" && isPlainObject(metadata)) return { text, metadata: metadata as Metadata };
  } catch {
    // It says the same as a record without these parts.
  }
  throw corrupt("A record of the store", `it does not hold a text and metadata: ${received(json)}`);
}
