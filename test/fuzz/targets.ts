import type { Attempt } from "./attempts.ts";

type Targets = Readonly<Record<string, Attempt>>;

/** All that is fuzzed, by group; each is loaded when it is needed, since some take long. */
const groups: Readonly<Record<string, () => Promise<Targets>>> = {
  readers: async () => (await import("./readers.ts")).readers,
  data: async () => (await import("./data-readers.ts")).dataReaders,
  filters: async () => (await import("./filters.ts")).filterTargets,
  stores: async () => (await import("./stores.ts")).storeTargets,
  hub: async () => (await import("./hub.ts")).hubTargets,
  workers: async () => (await import("./workers.ts")).workerTargets,
};

export const groupNames = Object.keys(groups);

/** A target by its name and by the name of its group. */
export interface TargetName {
  readonly group: string;
  readonly name: string;
}

/**
 * The targets that are named, one by one or by their group.
 * @throws Error for a name that is neither
 */
export async function chosenTargets(names: readonly string[]): Promise<TargetName[]> {
  const all: TargetName[] = [];
  for (const group of groupNames) {
    for (const name of Object.keys(await groups[group]!())) all.push({ group, name });
  }
  return names.flatMap((wanted) => {
    const found = all.filter(({ group, name }) => group === wanted || name === wanted);
    if (found.length > 0) return found;
    const known = [...groupNames, ...all.map(({ name }) => name)];
    throw new Error(`There is no target ${wanted}; there are ${[...new Set(known)].join(", ")}.`);
  });
}

export async function loadTarget({ group, name }: TargetName): Promise<Attempt> {
  return (await groups[group]!())[name]!;
}
