import { type Filter, MemoryStore, type Store, type StoredDocument } from "@sparse-encoder/core";
import { OpenSearchStore, PostgresStore, QdrantStore } from "@sparse-encoder/core/stores";
import {
  type TermFilter,
  termFilterOperators,
} from "../../packages/core/src/stores/engine/metadata-terms.ts";
import { matches } from "../../packages/core/src/stores/filter/filter-match.ts";
import { parseFilter } from "../../packages/core/src/stores/filter/filter-node.ts";
import { compileFilter as compileForMilvus } from "../../packages/core/src/stores/milvus/milvus-filter.ts";
import { checkFilter } from "../../packages/core/src/stores/store-limits.ts";
import { passesFilter } from "../../packages/core/src/testing/filter-oracle.ts";
import { FakeOpenSearch } from "../fakes/opensearch/fake-opensearch.ts";
import { FakeQdrant } from "../fakes/qdrant/fake-qdrant.ts";
import { type Attempt, silentAcceptance } from "./attempts.ts";
import { hostileFilter, hostileMetadata } from "./hostile-filters.ts";
import { filteredRow, MilvusExpression } from "./milvus-expressions.ts";
import { Random } from "./mutations.ts";

/** As far as filters are checked against it. */
const milvus = {
  name: "milvus",
  capabilities: { sparse: true, dense: true, filters: termFilterOperators, exact: true, durable: true },
} as const;

const vectors = { sparse: { kind: "sparse", dimension: 10 } } as const;

/** The same in each process, so that the seed of a filter says everything. */
const documents = Array.from(
  { length: 40 },
  (_, number): StoredDocument => ({
    id: `d${number}`,
    text: "",
    metadata: hostileMetadata(new Random(number)),
    vectors: {},
  }),
);

/** Ids of the documents that pass, by an evaluator that no store uses. */
function expectedIds(filter: Filter): string {
  return documents
    .filter(({ metadata }) => passesFilter(filter, metadata))
    .map(({ id }) => id)
    .sort()
    .join();
}

function compare(found: readonly string[], filter: Filter): void {
  const [actual, expected] = [[...found].sort().join(), expectedIds(filter)];
  if (actual === expected) return;
  const shown = JSON.stringify(filter).slice(0, 500);
  throw silentAcceptance(`${shown} finds ${actual || "nothing"}, not ${expected || "nothing"}`);
}

/** Counts and lists what passes a filter in a store that is opened once per process. */
function storeTarget(open: () => Promise<Store>): Attempt {
  let opened: Promise<Store> | undefined;
  return async (random) => {
    opened ??= open().then(async (store) => {
      await store.upsert(documents);
      return store;
    });
    const store = await opened;
    const filter = hostileFilter(random);
    const ids: string[] = [];
    for await (const { id } of store.iterate({ filter })) ids.push(id);
    compare(ids, filter);
    const count = await store.count({ filter });
    if (count !== ids.length) throw silentAcceptance(`counted ${count}, found ${ids.length}`);
  };
}

/** Filters against an oracle: the evaluator in memory, and what each engine is asked. */
export const filterTargets: Readonly<Record<string, Attempt>> = {
  memoryFilters: storeTarget(async () => new MemoryStore({ vectors })),
  evaluator: async (random) => {
    const filter = hostileFilter(random);
    const node = parseFilter(filter);
    compare(
      documents.filter(({ metadata }) => matches(node, metadata)).map(({ id }) => id),
      filter,
    );
  },
  milvusFilters: async (random) => {
    const filter = hostileFilter(random);
    const knowsNot = random.oneIn(2);
    const node = checkFilter(milvus, filter) as TermFilter;
    const expression = new MilvusExpression(compileForMilvus(node, knowsNot));
    compare(
      documents
        .filter(({ metadata }) => expression.passes(filteredRow(metadata, knowsNot)))
        .map(({ id }) => id),
      filter,
    );
  },
  // Both are fakes that enforce the limits of the real servers.
  qdrantFilters: storeTarget(async () =>
    QdrantStore.open({ url: (await FakeQdrant.start()).url, vectors, retries: 0 }),
  ),
  openSearchFilters: storeTarget(async () =>
    OpenSearchStore.open({ url: (await FakeOpenSearch.start()).url, vectors, retries: 0 }),
  ),
  postgresFilters: storeTarget(() => PostgresStore.open({ folder: "memory://", vectors })),
};
