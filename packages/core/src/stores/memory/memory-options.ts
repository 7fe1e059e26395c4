import { invalidArgument } from "../../errors.ts";
import { checkFolder, modelName } from "../../index/index.ts";
import { count, declareOptions, flag, text, unchecked } from "../../options/index.ts";
import type { VectorSchema } from "../store.ts";
import { type AliasTarget, checkAliasNames } from "../store-alias.ts";
import { tenantName } from "../tenant.ts";
import { checkVectorSchema, type ResolvedField } from "../vector-fields.ts";

/** Options of a {@link MemoryStore}. */
export interface MemoryStoreOptions {
  /**
   * Kind, dimension and metric of the vectors by name; other names are then refused, for as long as the store is open.
   * Without this option, the first document that has a name says what the vectors of that name are, and dense vectors are
   * compared by cosine.
   */
  readonly vectors?: VectorSchema | undefined;
  /**
   * Name of a tenant, 1 to 128 characters: the store reads, writes and counts documents of this tenant only, and ids are
   * of one tenant. A folder that was made with this option has tenants, each with files and a lock of its own, and opens
   * with this option only. Default: none.
   */
  readonly tenant?: string | undefined;
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
  /**
   * True to only read: no lock, nothing written, so that any number of processes may read, also on a file system that takes
   * no writes, and also while one process writes. The store has what was acknowledged before; `refresh` takes up what was
   * acknowledged since. Default false.
   */
  readonly readOnly?: boolean | undefined;
}

/** Options of a store in memory after they were checked. */
export interface ResolvedMemoryOptions {
  readonly declared: ReadonlyMap<string, ResolvedField> | undefined;
  readonly tenant: string | undefined;
}

/** Options of {@link MemoryStore.open} after they were checked. */
export interface ResolvedDurableOptions extends ResolvedMemoryOptions {
  readonly model: string | undefined;
  readonly journalBytes: number | undefined;
  readonly readOnly: boolean;
}

const memoryOptions = declareOptions<MemoryStoreOptions>()({
  vectors: unchecked<VectorSchema>(),
  tenant: tenantName,
});

const durableOptions = declareOptions<DurableStoreOptions>()({
  ...memoryOptions.rules,
  model: modelName,
  journalBytes: count(),
  readOnly: flag().default(false),
});

/** @throws SparseEncoderError `INVALID_ARGUMENT`, `UNKNOWN_OPTION` */
export function checkMemoryOptions(options: MemoryStoreOptions): ResolvedMemoryOptions {
  const call = "MemoryStore";
  const { vectors, tenant } = memoryOptions.check(call, options, `${call}: `);
  return { declared: vectors === undefined ? undefined : checkVectorSchema(call, vectors), tenant };
}

/** @throws SparseEncoderError `INVALID_ARGUMENT`, `UNKNOWN_OPTION` */
export function checkDurableOptions(folder: string, options: DurableStoreOptions): ResolvedDurableOptions {
  const call = "MemoryStore.open";
  checkFolder(call, folder);
  const { vectors, tenant, model, journalBytes, readOnly } = durableOptions.check(call, options, `${call}: `);
  if (readOnly && journalBytes !== undefined) {
    throw invalidArgument(
      `${call}: journalBytes is for a store that is written; leave it out with readOnly.`,
    );
  }
  const declared = vectors === undefined ? undefined : checkVectorSchema(call, vectors);
  return { declared, tenant, model, journalBytes, readOnly };
}

const aliasOptions = declareOptions<AliasTarget>()({
  alias: text().required(),
  to: text().required(),
  from: text(),
});

/** @throws SparseEncoderError `INVALID_ARGUMENT`, `UNKNOWN_OPTION` */
export function checkFolderTarget(options: AliasTarget): AliasTarget {
  const call = "MemoryStore.switchAlias";
  const checked = aliasOptions.check(call, options, `${call}: `);
  checkAliasNames(call, checked);
  return checked;
}
