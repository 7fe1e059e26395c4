import type { RetrieveOptions } from "@sparse-encoder/core";
import { checkOptionNames } from "@sparse-encoder/core/internal";

/** Settings that one call can replace, through `config.configurable`. */
export type CallSettings = Pick<
  RetrieveOptions,
  "k" | "alpha" | "weights" | "filter" | "fusion" | "minScore" | "mmr" | "arms" | "onArmError"
>;

const names: readonly (keyof CallSettings)[] = [
  "k",
  "alpha",
  "weights",
  "filter",
  "fusion",
  "minScore",
  "mmr",
  "arms",
  "onArmError",
];

/** Those that are read without the name of this package before them. */
const shortNames: readonly (keyof CallSettings)[] = ["k", "alpha", "weights", "filter", "fusion"];

/** The name of this package within `configurable`. */
const ownName = "hybrid";

/**
 * The settings that `configurable` holds for a hybrid retriever: `k`, `alpha`, `weights`, `filter` and `fusion`, and all of
 * them under `hybrid`, which come first. Other names belong to other parts of a chain; under `hybrid` they are an error.
 *
 * @throws SparseEncoderError `UNKNOWN_OPTION`, `INVALID_ARGUMENT`
 */
export function callSettings(configurable: Readonly<Record<string, unknown>> | undefined): CallSettings {
  if (configurable === undefined) return {};
  const own = configurable[ownName];
  if (own !== undefined) checkOptionNames(`configurable.${ownName}`, own, names);
  const short = Object.fromEntries(
    shortNames.flatMap((name) => (configurable[name] === undefined ? [] : [[name, configurable[name]]])),
  );
  return { ...short, ...(own as CallSettings | undefined) };
}

/** `configurable` for what a hybrid retriever calls: without the settings that are its own. */
export function withoutCallSettings(
  configurable: Readonly<Record<string, unknown>> | undefined,
): Record<string, unknown> {
  const own: readonly string[] = [...shortNames, ownName];
  return Object.fromEntries(Object.entries(configurable ?? {}).filter(([name]) => !own.includes(name)));
}
