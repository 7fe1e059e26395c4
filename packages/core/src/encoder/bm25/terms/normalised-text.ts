/** UTF-16 code units that are normalised in one go, so that other work of the process has its turn between two of them. */
const blockLength = 1 << 15;

/** Code units on both sides of a cut that tell whether it parts what normalisation joins. */
const nearby = 16;

/** Places that are tried for a cut. */
const mostTries = 64;

/** Combining marks that one letter keeps; Unicode's stream-safe format allows as many, and the time grows with their square. */
const tooManyMarks = /(\p{M}{30})\p{M}+/gu;

/**
 * The NFKC form of a text, block by block. Put together, the blocks are the form of the whole text, except that a letter
 * keeps 30 combining marks.
 *
 * @param prepare is done to each block before
 */
export function* normalisedBlocks(text: string, prepare: (block: string) => string): Iterable<string> {
  for (let start = 0; start < text.length; ) {
    const end = text.length - start <= blockLength ? text.length : safeCut(text, start + blockLength);
    yield prepare(text.slice(start, end)).replace(tooManyMarks, "$1").normalize("NFKC");
    start = end;
  }
}

function safeCut(text: string, latest: number): number {
  for (let cut = latest; cut > latest - mostTries; cut--) {
    const left = text.slice(cut - nearby, cut);
    const right = text.slice(cut, cut + nearby);
    if (left.normalize("NFKC") + right.normalize("NFKC") === (left + right).normalize("NFKC")) return cut;
  }
  return latest;
}
