import type { RetrieveOptions } from "@sparse-encoder/core";
import {
  checkOptionNames,
  type DocumentFilter,
  declareOptions,
  defined,
  retrievalSettingOptions,
  unchecked,
} from "@sparse-encoder/core/internal";

import { withDates } from "./retriever-arm.ts";

/** Settings that one call can replace, through `config.configurable`. */
export interface CallSettings
  extends Pick<
    RetrieveOptions,
    "k" | "alpha" | "weights" | "fusion" | "minScore" | "mmr" | "arms" | "onArmError"
  > {
  /** Only documents whose metadata pass. */
  readonly filter?: DocumentFilter | undefined;
}

const { k, alpha, weights, fusion, minScore, mmr, onArmError } = retrievalSettingOptions.rules;

/** Settings that are read from `configurable` itself. Core checks filters and arms. */
const shortRules = { k, alpha, weights, filter: unchecked<DocumentFilter>(), fusion };

const callOptions = declareOptions<CallSettings>()({
  ...shortRules,
  minScore,
  mmr,
  arms: unchecked<NonNullable<CallSettings["arms"]>>(),
  onArmError,
});

const shortNames = Object.keys(shortRules);

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
  const own = configurable[ownName] as CallSettings | undefined;
  // Core checks the values.
  checkOptionNames(`configurable.${ownName}`, own, callOptions.names);
  const short: CallSettings = Object.fromEntries(shortNames.map((name) => [name, configurable[name]]));
  const settings = defined({ ...short, ...defined(own ?? {}) });
  const { arms } = settings;
  if (typeof arms !== "object") return settings;
  const dated = Object.entries(arms).map(([name, arm]) => [name, withDates(arm)]);
  return { ...settings, arms: Object.fromEntries(dated) };
}

/** `configurable` for what a hybrid retriever calls: without the settings that are its own. */
export function withoutCallSettings(
  configurable: Readonly<Record<string, unknown>> | undefined,
): Record<string, unknown> {
  const own: readonly string[] = [...shortNames, ownName];
  return Object.fromEntries(Object.entries(configurable ?? {}).filter(([name]) => !own.includes(name)));
}
