import { received, SparseEncoderError } from "../../errors.ts";
import { checkModel } from "../../index/index.ts";
import { checkTenancy } from "../tenant.ts";
import { describeField, type ResolvedField, sameField } from "../vector-fields.ts";
import type { ResolvedEngineOptions } from "./engine-options.ts";

/** Version of what the stores keep beside each document: since 2, the active dims of sparse vectors, to count them. */
const format = 2;

/** Version of a collection with tenants: libraries that know of none refuse it. */
const tenantFormat = 3;

/** What a store writes into the metadata of the collection it makes. */
export interface CollectionDescription {
  /** The version. */
  readonly sparseEncoder: number;
  readonly model: string | null;
  /** There, and true, in a collection that keeps documents by tenant. */
  readonly tenants?: true;
  readonly vectors: readonly (readonly [name: string, field: ResolvedField])[];
}

type Declared = Pick<ResolvedEngineOptions, "declared" | "model" | "tenant">;

/**
 * The description of a collection that is to be made.
 * @throws SparseEncoderError `INVALID_ARGUMENT` if the vectors are not known
 */
export function newDescription(place: string, { declared, model, tenant }: Declared): CollectionDescription {
  if (declared === undefined) {
    throw new SparseEncoderError(
      "INVALID_ARGUMENT",
      `${place} does not exist; the option vectors is needed to make it.`,
    );
  }
  const own = { model: model ?? null, vectors: [...declared] };
  return tenant === undefined
    ? { sparseEncoder: format, ...own }
    : { sparseEncoder: tenantFormat, tenants: true, ...own };
}

/** Of a store whose collection says that it has no dims. */
export const countsNothing =
  "counts dims only in collections that this version of the library made; copy the documents into another one with copyStore.";

/** The vectors of a collection, and what it keeps beside each document. */
export interface CheckedCollection {
  readonly description: CollectionDescription;
  readonly fields: ReadonlyMap<string, ResolvedField>;
  /** True if the active dims of sparse vectors are among it. */
  readonly hasDims: boolean;
}

/**
 * The description of a collection, if a store made it.
 * @param found what was read; anything at all
 * @param hint for a collection that others made
 * @throws SparseEncoderError `STORE_MISMATCH`
 */
export function checkOwn(place: string, found: unknown, hint: string): CollectionDescription {
  const description = (found ?? {}) as Partial<CollectionDescription>;
  if (typeof description.sparseEncoder === "number" && Array.isArray(description.vectors)) {
    return description as CollectionDescription;
  }
  throw new SparseEncoderError("STORE_MISMATCH", `${place} was made by something else; ${hint}`);
}

/** Of a collection that others made, where an alias is to name it. */
export const noAliasOfOthers = "an alias of it would open nothing.";

/**
 * What a collection that is there is like, if it is one of the store's and has what the options declare.
 * @param found what was read; anything at all
 * @param hint for a collection that others made
 * @throws SparseEncoderError `STORE_MISMATCH`
 */
export function checkDescription(
  place: string,
  found: unknown,
  { declared, model, tenant }: Declared,
  hint: string,
): CheckedCollection {
  const description = checkOwn(place, found, hint);
  if (description.sparseEncoder > tenantFormat) {
    throw new SparseEncoderError(
      "STORE_MISMATCH",
      `${place} has version ${description.sparseEncoder}, this library knows up to ${tenantFormat}; update it.`,
    );
  }
  checkTenancy(place, description.tenants !== undefined, tenant);
  checkModel(place, description.model ?? null, model);
  const stored = new Map(description.vectors);
  checkDeclared(place, stored, declared);
  return {
    description,
    fields: stored,
    hasDims: description.sparseEncoder >= 2,
  };
}

/** The description of a collection after another encoder was bound to vectors of it. */
export function withEncoder(
  description: CollectionDescription,
  name: string,
  field: ResolvedField,
): CollectionDescription {
  const vectors = description.vectors.map(([one, known]) => [one, one === name ? field : known] as const);
  return { ...description, vectors };
}

/** @throws SparseEncoderError `STORE_MISMATCH` for a declared name that is missing, or has other vectors */
export function checkDeclared(
  place: string,
  stored: ReadonlyMap<string, ResolvedField>,
  declared: ReadonlyMap<string, ResolvedField> | undefined,
): void {
  for (const [name, field] of declared ?? []) {
    const known = stored.get(name);
    if (known !== undefined && sameField(known, field)) continue;
    throw new SparseEncoderError(
      "STORE_MISMATCH",
      known === undefined
        ? `${place} has no vectors named ${received(name)}, and none can be added later; make another one and copy the documents with copyStore.`
        : `${place} has vectors named ${received(name)} that are ${describeField(known)}, not ${describeField(field)} as the option vectors says.`,
    );
  }
}

/** JSON of a description, or undefined for the text of somebody else. */
export function parseDescription(text: string | undefined): unknown {
  try {
    return JSON.parse(text ?? "null");
  } catch {
    return undefined;
  }
}
