import type { BaseNode } from "@llamaindex/core/schema";
import type { MetadataFilters } from "@llamaindex/core/vector-store";
import type { Filter, Store } from "@sparse-encoder/core";
import {
  declareOptions,
  invalidArgument,
  matches,
  parseFilter,
  received,
  rule,
  unchecked,
} from "@sparse-encoder/core/internal";
import { nodeOf } from "./node-document.ts";
import type { SignalOptions } from "./sparse-embedding.ts";
import { toFilter } from "./vector-store/metadata-filters.ts";

/** Which nodes: nodes with the ids, nodes that pass the filters, or nodes for which both holds. */
export interface NodeSelection {
  /** Ids of the nodes. */
  readonly nodeIds?: readonly string[] | undefined;
  /** Filters that the nodes pass. */
  readonly filters?: MetadataFilters | undefined;
}

const selectionOptions = declareOptions<NodeSelection>()({
  nodeIds: rule((value, name): readonly string[] => {
    if (Array.isArray(value)) return value;
    throw invalidArgument(`${name} must be an array of ids, received ${received(value)}.`);
  }),
  filters: unchecked<MetadataFilters>(),
});

/** The nodes of a selection; all nodes, by rising id, for an empty one. */
export async function selectedNodes(
  store: Store,
  selection: NodeSelection,
  options: SignalOptions,
): Promise<BaseNode[]> {
  const { nodeIds, filters } = selectionOptions.check("getNodes", selection);
  const filter = filters === undefined ? undefined : toFilter(filters);
  if (nodeIds !== undefined) return nodesByIds(store, nodeIds, filter, options);
  const nodes: BaseNode[] = [];
  for await (const document of store.iterate({ filter, ...options })) nodes.push(nodeOf(document));
  return nodes;
}

/** Deletes the nodes of a selection, which must not be empty. */
export async function deleteSelected(
  store: Store,
  selection: NodeSelection,
  options: SignalOptions,
): Promise<void> {
  const { nodeIds, filters } = selectionOptions.check("deleteNodes", selection ?? null);
  if (nodeIds === undefined && filters === undefined) {
    throw invalidArgument("deleteNodes: give nodeIds, filters, or both; clear deletes all nodes.");
  }
  const filter = filters === undefined ? undefined : toFilter(filters);
  if (nodeIds === undefined) {
    await store.delete({ filter: filter! }, options);
    return;
  }
  const nodes = filter === undefined ? undefined : await nodesByIds(store, nodeIds, filter, options);
  await store.delete({ ids: nodes?.map(({ id_ }) => id_) ?? nodeIds }, options);
}

async function nodesByIds(
  store: Store,
  ids: readonly string[],
  filter: Filter | undefined,
  options: SignalOptions,
): Promise<BaseNode[]> {
  const found = (await store.get(ids, options)).filter((document) => document !== undefined);
  if (filter === undefined) return found.map(nodeOf);
  const passing = parseFilter(filter);
  return found.filter(({ metadata }) => matches(passing, metadata)).map(nodeOf);
}
