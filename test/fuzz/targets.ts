import type { Attempt } from "./attempts.ts";
import { dataReaders } from "./data-readers.ts";
import { filterTargets } from "./filters.ts";
import { hubTargets } from "./hub.ts";
import { readers } from "./readers.ts";
import { storeTargets } from "./stores.ts";
import { workerTargets } from "./workers.ts";

/** All that is fuzzed, by group; each target has a name of its own. */
export const targetGroups: Readonly<Record<string, Readonly<Record<string, Attempt>>>> = {
  readers: { ...readers, ...dataReaders },
  filters: filterTargets,
  stores: storeTargets,
  hub: hubTargets,
  workers: workerTargets,
};

export const targets: Readonly<Record<string, Attempt>> = Object.assign({}, ...Object.values(targetGroups));

/**
 * Names of the targets that are named, alone or by their group.
 * @throws Error for a name that is neither
 */
export function chosenTargets(names: readonly string[]): string[] {
  return names.flatMap((name) => {
    if (Object.hasOwn(targetGroups, name)) return Object.keys(targetGroups[name]!);
    if (Object.hasOwn(targets, name)) return [name];
    const known = [...Object.keys(targetGroups), ...Object.keys(targets)];
    throw new Error(`There is no target ${name}; there are ${[...new Set(known)].join(", ")}.`);
  });
}
