import type { SparseEncoder, SparseVector } from "@sparse-encoder/core";

/** A term of a text: what it weighs, and whether the text itself has it. */
export interface TextTerm {
  readonly index: number;
  readonly token: string;
  readonly weight: number;
  /** False for a term that the model added. */
  readonly isInText: boolean;
}

/** A term that query and document share, and its part of the score. */
export interface SharedTerm {
  readonly index: number;
  readonly token: string;
  readonly queryWeight: number;
  readonly documentWeight: number;
  readonly contribution: number;
  /** Contribution divided by the score. */
  readonly share: number;
}

/** The terms of a vector, heaviest first. */
export async function textTerms(
  encoder: SparseEncoder,
  text: string,
  vector: SparseVector,
): Promise<TextTerm[]> {
  const [ids] = await encoder.tokenize([text]);
  const own = new Set(ids);
  return vector
    .ranked()
    .map(([index, weight]) => ({ index, token: encoder.tokenOf(index), weight, isInText: own.has(index) }));
}

/** What query and document share, largest contribution first, equal ones by rising index. */
export function sharedTerms(
  encoder: SparseEncoder,
  query: SparseVector,
  document: SparseVector,
): SharedTerm[] {
  const score = query.dot(document);
  return encoder
    .intersection(query, document)
    .ranked()
    .map(([index]) => {
      const queryWeight = query.get(index);
      const documentWeight = document.get(index);
      const contribution = queryWeight * documentWeight;
      return {
        index,
        token: encoder.tokenOf(index),
        queryWeight,
        documentWeight,
        contribution,
        share: contribution / score,
      };
    });
}
