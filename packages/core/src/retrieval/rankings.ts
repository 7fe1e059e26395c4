/** A document of a ranking and its score there. */
export interface ScoredId {
  /** Id of the document. */
  readonly id: string;
  /** Its score; larger is better. */
  readonly score: number;
}

/** Rankings by name of the arm, best first. */
export type Rankings = Readonly<Record<string, readonly ScoredId[]>>;

/** Weights by name of the arm: finite, at least 0. An arm without one has weight 1. */
export type Weights = Readonly<Record<string, number>>;

/**
 * Makes one ranking of several: the documents of all rankings, each once, with a score by which the larger is better. The
 * order of the answer does not matter to a retriever, which sorts it. The functions of this library give sorted rankings. Any
 * function of this form will do.
 *
 * @param rankings of the arms that answered; an empty one if an arm found nothing
 * @param weights of this call; they go before the weights that the function was made with
 */
export type Fusion = (rankings: Rankings, weights?: Weights) => readonly ScoredId[];

/** Options of the fusion functions. */
export interface FusionOptions {
  /** What each arm counts, by its name. Default 1. An arm of weight 0 is left out, with what only it found. */
  readonly weights?: Weights | undefined;
}
