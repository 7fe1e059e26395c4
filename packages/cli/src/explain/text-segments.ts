/** A piece of a text: its token, if it is one's, and the weight of the token in the vector. */
export interface TextSegment {
  readonly text: string;
  /** Dim of the token; undefined for what lies between tokens. */
  readonly index?: number | undefined;
  readonly token?: string | undefined;
  /** 0 for a token that the vector lacks. */
  readonly weight?: number | undefined;
}

/** Tokens of a text that are looked for no further ahead than this: a token that is not found must not skip a page. */
const lookahead = 64;

/** Case folded and without accents, each unit with the place in the text that it comes from. */
interface FoldedText {
  readonly text: string;
  readonly places: readonly number[];
}

/**
 * Cuts a text at its tokens. Tokenizers fold case and accents and give no places, so each token is looked for in the folded
 * text behind the one before it; special tokens and what is not found belong to no piece.
 *
 * @param tokenOf the piece of a token id as the vocabulary stores it
 * @param weightOf the weight of a token id in the vector of the text
 */
export function textSegments(
  text: string,
  ids: ArrayLike<number>,
  tokenOf: (id: number) => string,
  weightOf: (id: number) => number,
): TextSegment[] {
  const folded = fold(text);
  const segments: TextSegment[] = [];
  let end = 0;
  let cursor = 0;
  for (const id of Array.from(ids)) {
    const token = tokenOf(id);
    const piece = fold(
      token
        .replace(/^##/, "")
        .replace(/^[▁Ġ]/, "")
        .replace(/<\/w>$/, ""),
    ).text;
    if (piece === "") continue;
    const found = folded.text.indexOf(piece, cursor);
    if (found === -1 || found - cursor > lookahead) continue;
    const from = folded.places[found]!;
    const to = folded.places[found + piece.length] ?? text.length;
    if (from > end) segments.push({ text: text.slice(end, from) });
    segments.push({ text: text.slice(from, to), index: id, token, weight: weightOf(id) });
    end = to;
    cursor = found + piece.length;
  }
  if (end < text.length) segments.push({ text: text.slice(end) });
  return segments;
}

function fold(text: string): FoldedText {
  let result = "";
  const places: number[] = [];
  let place = 0;
  for (const character of text) {
    const plain = character.normalize("NFD").replace(/\p{M}/gu, "").toLowerCase();
    for (let unit = 0; unit < plain.length; unit++) places.push(place);
    result += plain;
    place += character.length;
  }
  return { text: result, places };
}
