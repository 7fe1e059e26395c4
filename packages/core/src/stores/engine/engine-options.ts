import { invalidArgument, received } from "../../errors.ts";
import { modelName } from "../../index/index.ts";
import { type CheckedOptions, count, unchecked } from "../../options/index.ts";
import type { VectorSchema } from "../store.ts";
import { tenantName } from "../tenant.ts";
import { checkVectorSchema, type ResolvedField } from "../vector-fields.ts";

/** Options that all stores on engines have. */
export interface EngineOptions {
  readonly vectors?: VectorSchema | undefined;
  readonly model?: string | undefined;
  readonly tenant?: string | undefined;
  readonly timeout?: number | undefined;
  readonly retries?: number | undefined;
  readonly writesAtOnce?: number | undefined;
}

/** The same after they were checked. */
export interface ResolvedEngineOptions {
  readonly declared: Map<string, ResolvedField> | undefined;
  readonly model: string | undefined;
  readonly tenant: string | undefined;
  /** Milliseconds that a request may take. */
  readonly timeout: number;
  /** Tries after the first one. */
  readonly retries: number;
  /** Requests under way at once that write. */
  readonly writesAtOnce: number;
}

/** Rules of the options of every request. */
export const serverTimes = {
  timeout: count({ maximum: 2 ** 31 - 1 }).default(60_000),
  retries: count({ minimum: 0 }).default(5),
};

/** Rules of these options, for the declarations of the stores. */
export const engineRules = {
  ...serverTimes,
  vectors: unchecked<VectorSchema>(),
  model: modelName,
  writesAtOnce: count({ maximum: 1000 }).default(4),
};

/** The rule of the option `tenant`, for stores that have it. */
export const tenantRules = { tenant: tenantName };

/** @throws SparseEncoderError `INVALID_ARGUMENT`, `UNKNOWN_OPTION` */
export function resolveEngineOptions(
  call: string,
  {
    vectors,
    model,
    tenant,
    timeout,
    retries,
    writesAtOnce,
  }: CheckedOptions<typeof engineRules> & Partial<CheckedOptions<typeof tenantRules>>,
): ResolvedEngineOptions {
  const declared = vectors === undefined ? undefined : checkVectorSchema(call, vectors);
  return {
    declared: declared === undefined ? undefined : new Map(declared),
    model,
    tenant,
    timeout,
    retries,
    writesAtOnce,
  };
}

/** Checks that one of the options says where the server is: one of `names`; the last one is a client. */
export function checkOneOf(call: string, options: object | undefined, names: readonly string[]): void {
  const given = names.filter(
    (name) => (options as Readonly<Record<string, unknown>> | undefined)?.[name] !== undefined,
  );
  if (given.length === 1) return;
  throw invalidArgument(
    `${call}: one of ${names.slice(0, -1).join(", ")} and ${names.at(-1)} says where the server is, received ${given.length === 0 ? "none" : given.join(" and ")}.`,
  );
}

/**
 * Checks that a store is opened with an options object at all.
 * @param example the least that it needs
 * @throws SparseEncoderError `INVALID_ARGUMENT`
 */
export function checkOpenOptions(call: string, options: unknown, example: string): void {
  if (typeof options === "object" && options !== null && !Array.isArray(options)) return;
  throw invalidArgument(
    `${call}: options must be an object such as ${example}, received ${received(options)}.`,
  );
}

/**
 * Checks the settings of an encrypted connection as far as they are the same for all clients.
 * @param allowsFlag true if `true` and `false` are settings too
 * @throws SparseEncoderError `INVALID_ARGUMENT`
 */
export function checkTls(tls: unknown, allowsFlag: boolean): void {
  if (tls === undefined || (allowsFlag && typeof tls === "boolean")) return;
  if (typeof tls === "object" && tls !== null && !Array.isArray(tls)) return;
  const flag = allowsFlag ? "true, false or " : "";
  throw invalidArgument(`tls must be ${flag}an object of the client's settings, received ${received(tls)}.`);
}
