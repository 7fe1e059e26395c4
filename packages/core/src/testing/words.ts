/** The words of a text, in lower case. */
export function wordsOf(text: string): string[] {
  return text.toLowerCase().match(/[\p{L}\p{N}]+/gu) ?? [];
}

/** A whole number from 0 to 2^32 - 1 that stands for a word (FNV-1a over its UTF-16 code units). */
export function hashOf(word: string): number {
  let hash = 0x811c9dc5;
  for (let position = 0; position < word.length; position++) {
    hash = Math.imul(hash ^ word.charCodeAt(position), 0x01000193);
  }
  // FNV alone leaves the low bits of short words alike.
  hash ^= hash >>> 15;
  return Math.imul(hash, 0x2c1b3c6d) >>> 0;
}
