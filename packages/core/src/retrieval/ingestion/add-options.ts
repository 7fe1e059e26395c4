import { abortSignal, callback, count, declareOptions, flag, rule, unchecked } from "../../options/index.ts";

/** How far a call of `add` has come. */
export interface AddProgress {
  /** Documents of the source that are stored, skipped documents included. */
  readonly done: number;
  /** Documents of the source; undefined for a source that is not an array. */
  readonly total: number | undefined;
}

/** How messages speak of a call of `add`, for programs that wrap a retriever. */
export interface AddWording {
  /** The function as the user called it. */
  readonly call: string;
  /** One sentence or two for a call that failed: how many documents are stored, and how to go on. */
  readonly goOn: (stored: number) => string;
}

/** Options of `add`. */
export interface AddOptions {
  /** Documents that are encoded and stored together. Default 512. */
  readonly batchSize?: number | undefined;
  /** Documents at the start of the source to pass over, such as documents that an earlier call stored. Default 0. */
  readonly skip?: number | undefined;
  /**
   * Whether encoders that weigh queries by the documents, such as `Bm25Encoder`, count what is added to stores that do not
   * count it themselves (`capabilities.countsDims`). False where the encoder has counted the whole collection already, or is
   * to keep the counts of another one. Default true.
   */
  readonly countDocuments?: boolean | undefined;
  /** Ends the call with an `ABORTED` error. Documents that are stored by then stay. */
  readonly signal?: AbortSignal | undefined;
  /** Called after each batch is stored. An error that it throws fails the call. */
  readonly onProgress?: ((progress: AddProgress) => void) | undefined;
  /** How messages speak of the call, for programs that wrap a retriever. */
  readonly wording?: AddWording | undefined;
}

const ownWording: AddWording = {
  call: "add",
  goOn: (stored) =>
    `The first ${stored} documents of the source are stored; add all again, or go on with the option skip: ${stored}.`,
};

const wordingOptions = declareOptions<AddWording>()({
  call: unchecked<string>().required(),
  goOn: callback<AddWording["goOn"]>().required(),
});

/** The options of `add`: names, checks, defaults. */
export const addOptions = declareOptions<AddOptions>()({
  batchSize: count().default(512),
  skip: count({ minimum: 0 }).default(0),
  countDocuments: flag().default(true),
  signal: abortSignal(),
  onProgress: callback<(progress: AddProgress) => void>(),
  wording: rule((value): AddWording => wordingOptions.check("wording", value)).default(ownWording),
});
