import { invalidArgument, received } from "../../errors.ts";
import { checkModelOption } from "../../index/index.ts";
import { checkOptionNames, positiveInteger } from "../../options/index.ts";
import type { VectorSchema } from "../store.ts";
import { checkVectorSchema, type ResolvedField } from "../vector-fields.ts";

/** Options of a {@link MemoryStore}. */
export interface MemoryStoreOptions {
  /**
   * Kind, dimension and metric of the vectors by name; other names are then refused, for as long as the store is open.
   * Without this option, the first document that has a name says what the vectors of that name are, and dense vectors are
   * compared by cosine.
   */
  readonly vectors?: VectorSchema | undefined;
}

/** Options of {@link MemoryStore.open}. */
export interface DurableStoreOptions extends MemoryStoreOptions {
  /**
   * A name of the model or models of the vectors, kept with them: opening the folder for another one is refused, so that
   * vectors of different models never meet.
   */
  readonly model?: string | undefined;
  /**
   * Length of the journal, in bytes, at which a new snapshot is written in the background. Default: 64 MiB, or the size of
   * the last snapshot up to 512 MiB, whichever is more.
   */
  readonly journalBytes?: number | undefined;
}

/** Options of {@link MemoryStore.open} after they were checked. */
export interface ResolvedDurableOptions {
  readonly declared: ReadonlyMap<string, ResolvedField> | undefined;
  readonly model: string | undefined;
  readonly journalBytes: number | undefined;
}

/** @throws SparseEncoderError `INVALID_ARGUMENT`, `UNKNOWN_OPTION` */
export function checkMemoryOptions(
  options: MemoryStoreOptions,
): ReadonlyMap<string, ResolvedField> | undefined {
  checkOptionNames("MemoryStore", options, ["vectors"]);
  return options.vectors === undefined ? undefined : checkVectorSchema("MemoryStore", options.vectors);
}

/** @throws SparseEncoderError `INVALID_ARGUMENT`, `UNKNOWN_OPTION` */
export function checkDurableOptions(folder: string, options: DurableStoreOptions): ResolvedDurableOptions {
  const call = "MemoryStore.open";
  checkOptionNames(call, options, ["vectors", "model", "journalBytes"]);
  checkFolder(call, folder);
  const { vectors, model, journalBytes } = options;
  checkModelOption(call, model);
  if (journalBytes !== undefined) positiveInteger(`${call}: journalBytes`, journalBytes);
  return {
    declared: vectors === undefined ? undefined : checkVectorSchema(call, vectors),
    model,
    journalBytes,
  };
}

/** @throws SparseEncoderError `INVALID_ARGUMENT` */
export function checkFolder(call: string, folder: unknown): asserts folder is string {
  if (typeof folder === "string" && folder !== "") return;
  throw invalidArgument(`${call}: the folder must be a path, received ${received(folder)}.`);
}
