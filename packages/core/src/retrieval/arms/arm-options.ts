import { invalidArgument, received } from "../../errors.ts";
import {
  type CheckedOptions,
  callback,
  checkOptionNames,
  count,
  declareOptions,
  defined,
  unchecked,
} from "../../options/index.ts";
import type { Store } from "../../stores/index.ts";
import { filterObject, milliseconds, scoreFloor, weight } from "../rules.ts";
import type { Arm, ArmSettings, CallArm, RetrieveFunction, StoreArm } from "./arm.ts";
import { embedderOf } from "./text-embedder.ts";

/** The settings of an arm. */
export const armSettingOptions = declareOptions<ArmSettings>()({
  k: count(),
  weight: weight(),
  minScore: scoreFloor(),
  filter: filterObject(),
  timeout: milliseconds(),
});

const armOptions = declareOptions<CallArm>()({
  // Checked where they are used: which of them an arm needs depends on the others.
  encoder: unchecked<NonNullable<CallArm["encoder"]>>(),
  embed: unchecked<NonNullable<CallArm["embed"]>>(),
  retrieve: callback<RetrieveFunction>(),
  store: unchecked<Store>(),
  vector: unchecked<string>(),
  ...armSettingOptions.rules,
});

type CheckedArm = CheckedOptions<(typeof armOptions)["rules"]>;

/** What a store must be able to do to serve an arm. */
const storeMethods = ["upsert", "delete", "get", "searchSparse", "searchDense"] as const;

/** @throws SparseEncoderError `INVALID_ARGUMENT`, `UNKNOWN_OPTION` */
export function resolveArms(arms: unknown): Arm[] {
  if (typeof arms !== "object" || arms === null || Array.isArray(arms) || Object.keys(arms).length === 0) {
    throw invalidArgument(
      `HybridRetriever: arms must map at least one name to { encoder, store }, received ${received(arms)}.`,
    );
  }
  const resolved = Object.entries(arms).map(([name, options]) => resolveArm(name, checkArm(name, options)));
  checkVectorNames(resolved);
  return byName(resolved);
}

/**
 * The arms of one call: the arms of the retriever with what the call sets for them, and the arms that only the call has.
 * @throws SparseEncoderError `INVALID_ARGUMENT`, `UNKNOWN_OPTION`
 */
export function resolveCallArms(
  arms: readonly Arm[],
  callArms: Readonly<Record<string, CallArm>> | undefined,
): Arm[] {
  const resolved = new Map(arms.map((arm) => [arm.name, arm]));
  const names = [...resolved.keys()];
  for (const [name, options] of Object.entries(callArms ?? {})) {
    const arm = resolved.get(name);
    const checked = arm === undefined && !isWhole(options) ? undefined : checkArm(name, options);
    if (checked === undefined) checkOptionNames("arms", { [name]: options }, names);
    else resolved.set(name, arm === undefined ? resolveArm(name, checked) : changedArm(arm, checked));
  }
  return byName([...resolved.values()]);
}

function isWhole(options: unknown): boolean {
  return (
    typeof options === "object" &&
    options !== null &&
    ("encoder" in options || "embed" in options || "retrieve" in options)
  );
}

/** By name, so that nothing depends on the order in which arms are written. */
function byName(arms: Arm[]): Arm[] {
  return arms.sort((a, b) => (a.name < b.name ? -1 : 1));
}

function checkArm(name: string, options: unknown): CheckedArm {
  if (name === "" || name === "__proto__" || !name.isWellFormed()) {
    throw invalidArgument(
      `HybridRetriever: the name of an arm must be a well-formed text, received ${received(name)}.`,
    );
  }
  if (typeof options !== "object" || options === null) {
    throw invalidArgument(`The arm ${name} must be an object, received ${received(options)}.`);
  }
  return armOptions.check(`The arm ${name}`, options, (option) => `The ${option} of the arm ${name}`);
}

function settingsOf({ k, weight: counts, minScore, filter, timeout }: ArmSettings): ArmSettings {
  return defined({ k, weight: counts, minScore, filter, timeout });
}

function resolveArm(name: string, options: CallArm): Arm {
  const { encoder, embed, retrieve, store, vector } = options;
  const parts = Object.keys(defined({ encoder, embed, retrieve }));
  if (parts.length !== 1) {
    throw invalidArgument(
      `The arm ${name} needs one of encoder, embed and retrieve, received ${parts.length === 0 ? "none" : parts.join(" and ")}.`,
    );
  }
  const settings = settingsOf(options);
  if (retrieve === undefined) {
    const embedder = embedderOf(name, { encoder, embed });
    const source = { embedder, store: checkStore(name, store), vector: checkVector(name, vector ?? name) };
    return { ...settings, name, source, retrieve: undefined };
  }
  const [surplus] = Object.keys(defined({ store, vector }));
  if (surplus !== undefined) {
    throw invalidArgument(
      `The arm ${name} has a retrieve function, beside which ${surplus} has no meaning; leave out ${surplus}.`,
    );
  }
  return { ...settings, name, source: undefined, retrieve };
}

/** An arm of the retriever with what one call sets for it. */
function changedArm(arm: Arm, options: CallArm): Arm {
  const settings = settingsOf(options);
  const { encoder, embed, retrieve, store, vector } = options;
  if (encoder === undefined && embed === undefined && retrieve === undefined) {
    if (store === undefined && vector === undefined) return { ...arm, ...settings };
    if (arm.source === undefined) {
      throw invalidArgument(`The arm ${arm.name} is a function, which takes no store and no vector.`);
    }
    const source = {
      ...arm.source,
      ...(store === undefined ? {} : { store: checkStore(arm.name, store) }),
      ...(vector === undefined ? {} : { vector: checkVector(arm.name, vector) }),
    };
    return { ...arm, ...settings, source };
  }
  const place =
    retrieve === undefined && arm.source !== undefined
      ? { store: arm.source.store, vector: arm.source.vector }
      : {};
  return resolveArm(arm.name, { ...settingsOf(arm), ...place, ...defined(options) });
}

function checkStore(arm: string, store: unknown): Store {
  const candidate = store as Store | null | undefined;
  if (
    typeof candidate !== "object" ||
    candidate === null ||
    storeMethods.some((method) => typeof candidate[method] !== "function")
  ) {
    throw invalidArgument(
      `The arm ${arm} needs a store, such as new MemoryStore(), received ${received(store)}.`,
    );
  }
  return candidate;
}

function checkVector(arm: string, vector: unknown): string {
  if (typeof vector === "string" && vector !== "") return vector;
  throw invalidArgument(`The vector of the arm ${arm} must be a name, received ${received(vector)}.`);
}

/** Refuses one name of vectors in a store for two encoders. */
function checkVectorNames(arms: readonly Arm[]): void {
  const stored = arms.filter((arm): arm is StoreArm => arm.source !== undefined);
  for (const { name, source } of stored) {
    const other = stored.find(
      (arm) =>
        arm.source.store === source.store &&
        arm.source.vector === source.vector &&
        arm.source.embedder.identity !== source.embedder.identity,
    );
    if (other !== undefined) {
      throw invalidArgument(
        `The arms ${name} and ${other.name} keep vectors of different encoders under the name ${received(source.vector)} in one store; give them different names by the option vector.`,
      );
    }
  }
}
