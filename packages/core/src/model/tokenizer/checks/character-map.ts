import type { JsonPart } from "./json-part.ts";

/** Bytes of the longest text that a character may become; the longest in use has 33. */
const longestReplacement = 256;

/** Bits of a unit of the trie: a double array as darts-clone writes it (https://github.com/s-yata/darts-clone). */
const hasLeaf = (unit: number) => (unit & 0x100) !== 0;
const labelOf = (unit: number) => (unit & 0x800000ff) >>> 0;
const offsetOf = (unit: number) => (unit >>> 10) << ((unit & 0x200) >>> 6);
const textOf = (unit: number) => unit & 0x7fffffff;

/**
 * Checks the table of a SentencePiece normaliser: base64 of the length of a trie, the trie, and the texts that characters become,
 * each ending with a zero byte. The native library follows the trie without looking where it leads, so every step and every text
 * that can be reached is looked at here.
 *
 * @throws SparseEncoderError `TOKENIZER_INVALID`
 */
export function checkCharacterMap(part: JsonPart): string {
  const encoded = part.text("precompiled_charsmap");
  if (!/^[A-Za-z0-9+/]+={0,2}$/.test(encoded) || encoded.length % 4 !== 0) {
    throw part.invalid("has a precompiled_charsmap that is not base64");
  }
  const bytes = Buffer.from(encoded, "base64");
  const trieBytes = bytes.length < 4 ? 0 : bytes.readUInt32LE(0);
  if (trieBytes === 0 || trieBytes % 1024 !== 0 || 4 + trieBytes > bytes.length) {
    throw part.invalid(`has a precompiled_charsmap that is cut off or damaged`);
  }
  const units = new Uint32Array(trieBytes / 4);
  for (let index = 0; index < units.length; index++) units[index] = bytes.readUInt32LE(4 + 4 * index);
  const texts = bytes.subarray(4 + trieBytes);
  if (!isUtf8(texts)) throw part.invalid("has a precompiled_charsmap whose texts are not UTF-8");
  for (const start of reachableTexts(units, part)) checkText(texts, start, part);
  return encoded;
}

/** Where the texts start that some key leads to. */
function* reachableTexts(units: Uint32Array, part: JsonPart): Generator<number> {
  const seen = new Uint8Array(units.length);
  const open = [offsetOf(units[0]!)];
  for (let base = open.pop(); base !== undefined; base = open.pop()) {
    // A step looks at the place of each next byte; the places after one place lie in one block of 256.
    if (base >= units.length) throw part.invalid("has a precompiled_charsmap that leads beyond its end");
    if (seen[base] === 1) continue;
    seen[base] = 1;
    for (let byte = 1; byte < 256; byte++) {
      const place = base ^ byte;
      const unit = units[place]!;
      if (labelOf(unit) !== byte) continue;
      const next = (place ^ offsetOf(unit)) >>> 0;
      if (next >= units.length) throw part.invalid("has a precompiled_charsmap that leads beyond its end");
      if (hasLeaf(unit)) yield textOf(units[next]!);
      open.push(next);
    }
  }
}

/** A text must start at a character, inside, and must not be long. */
function checkText(texts: Buffer, start: number, part: JsonPart): void {
  const isStart = start <= texts.length && (start === texts.length || (texts[start]! & 0xc0) !== 0x80);
  if (!isStart) throw part.invalid("has a precompiled_charsmap that leads into the middle of a text");
  const end = texts.indexOf(0, start);
  const length = (end < 0 ? texts.length : end) - start;
  if (length > longestReplacement) {
    throw part.invalid(`makes ${length} bytes of one character, more than ${longestReplacement}`);
  }
}

function isUtf8(bytes: Buffer): boolean {
  return Buffer.compare(Buffer.from(bytes.toString("utf8")), bytes) === 0;
}
