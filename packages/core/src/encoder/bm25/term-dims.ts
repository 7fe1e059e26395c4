/**
 * Number of dims of BM25 vectors: of 100,000 terms some 9 share a dim with another one. Below the 10^9 dims of pgvector.
 */
export const dimension = 2 ** 29;

/**
 * The dim of a term: 29 bits of the murmur3 hash of its UTF-16 code units. It depends on nothing but the term, so it is the
 * same in every process and never changes.
 */
export function dimOf(term: string): number {
  return hashOf(term) % dimension;
}

/** The murmur3 hash (x86, 32 bits, seed 0) of the UTF-16 code units of a text, each taken as a block. */
export function hashOf(term: string): number {
  let hash = 0;
  for (let at = 0; at < term.length; at++) {
    let unit = Math.imul(term.charCodeAt(at), 0xcc9e2d51);
    unit = (unit << 15) | (unit >>> 17);
    hash ^= Math.imul(unit, 0x1b873593);
    hash = (hash << 13) | (hash >>> 19);
    hash = (Math.imul(hash, 5) + 0xe6546b64) | 0;
  }
  hash ^= term.length;
  hash = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b);
  hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2ae35);
  return (hash ^ (hash >>> 16)) >>> 0;
}
