import {
  Bm25Encoder,
  type Filter,
  MemoryStore,
  SparseEncoderError,
  SparseVector,
  type Store,
  type StoredDocument,
  type VectorSchema,
} from "@sparse-encoder/core";
import { copyStore } from "@sparse-encoder/core/stores";
import { expect } from "vitest";
import { Random } from "../../packages/core/src/testing/random.ts";
import {
  conformanceVectors,
  randomDense,
  randomDocument,
  randomFilter,
  randomSparse,
} from "../../packages/core/src/testing/store-documents.ts";
import { sameDocument, sameHits } from "../../packages/core/src/testing/store-oracle.ts";
import { keywordRetriever } from "./bm25-history.ts";

/** Opens a collection, which is made if it is not there: the same name is the same collection. */
export type OpenTenant = (
  collection: string,
  options: { readonly vectors: VectorSchema; readonly tenant?: string | undefined },
) => Promise<Store>;

/** How stores of an engine may differ. */
export interface TenantSettings {
  /** False where each tenant keeps encoders of its own. Default true: they are kept with the collection. */
  readonly sharesEncoders?: boolean;
  /** Random calls of two tenants. Default 500. */
  readonly calls?: number;
}

/** Tenants whose names are alike, look like parts of keys, paths or SQL, or differ by case or normal form only. */
export const trickyTenants = [
  "a",
  "A",
  "a:b",
  "a/b",
  "a\\b",
  "a_3ab",
  "t-a",
  "ab",
  "../a",
  "..",
  ".",
  "con",
  "nul.txt",
  " ",
  "a ",
  "a.",
  "%",
  "_",
  "*",
  "é",
  "e\u0301",
  "🙂",
  "\uffff",
  '"',
  "'; DROP TABLE documents; --",
  '") or (key != "',
  "null",
  "undefined",
  "__proto__",
  "x".repeat(128),
  "X".repeat(128),
  "É".repeat(127),
  "É".repeat(128),
];

/** Ids that both tenants use; some look as if they held a tenant. */
const sharedIds = [
  ...Array.from({ length: 12 }, (_, number) => `${number}`),
  ...["a", "b", "a:1", "b:1", "t-b/1", "t-b/31", "t-a", "a\u00001", "b|1", '["b","1"]', "é", "\u{10ffff}"],
];

/** Filters by which somebody may try to reach behind a tenant, with the names of fields that engines have. */
const forgedFilters = (tenant: string): Filter[] => [
  { tenant },
  { "metadata.tenant": tenant },
  { _tenant: tenant },
  { "tenants.name": tenant },
  { tenant: { $ne: "nobody" } },
  { tenant: { $in: [tenant, `t-${tenant}`] } },
  { $or: [{ tenant }, { $not: { $or: [] } }] },
  { $not: { tenant } },
  { key: { $gte: "" } },
  { _id: { $exists: true } },
  { [`x") or (tenant == "t-${tenant}`]: 1 },
  { [`x' OR tenant = '${tenant}`]: { $exists: false } },
];

/** A store of a tenant, and what it should answer. */
interface Pair {
  readonly tenant: string;
  readonly other: string;
  readonly store: Store;
  readonly oracle: MemoryStore;
}

interface TenantCase {
  readonly name: string;
  readonly run: () => Promise<void>;
}

let collections = 0;

/** Cases that every store with the option `tenant` passes. Each works in collections of its own. */
export function tenantCases(
  open: OpenTenant,
  { sharesEncoders = true, calls = 500 }: TenantSettings = {},
): TenantCase[] {
  const cases: Record<string, (collection: string) => Promise<void>> = {
    [`answers ${calls} random calls of two tenants as two stores would`]: (collection) =>
      compareRandomCalls(open, collection, ["a", "a:b"], calls),
    "keeps tenants apart whose names are alike": (collection) => keepAlikeApart(open, collection),
    "refuses a collection with tenants without one, and one without tenants with one": (collection) =>
      refuseOtherTenancy(open, collection),
    "refuses names that are not allowed": async (collection) => {
      for (const bad of ["", "a\0", "\n", "\ud800", "x".repeat(129), null, 1, ["a"]]) {
        const call = open(collection, { vectors: conformanceVectors, tenant: bad as string });
        await expect(call).rejects.toMatchObject({ code: "INVALID_ARGUMENT" });
      }
    },
    "deletes all of a tenant, and nothing of the others": (collection) => deleteOne(open, collection),
    "lets calls of tenants overlap": (collection) => overlap(open, collection),
    "copies from tenant to tenant, into a store without tenants and back": (collection) =>
      copyAround(open, collection),
    "weighs words by the documents of the tenant": (collection) => weighByTenant(open, collection),
    "never lets a tenant change what made the vectors of another": (collection) =>
      keepEncoders(open, collection, sharesEncoders),
  };
  return Object.entries(cases).map(([name, run]) => ({
    name,
    run: () => run(`tenants_${process.pid}_${collections++}`),
  }));
}

async function compareRandomCalls(
  open: OpenTenant,
  collection: string,
  tenants: readonly [string, string],
  calls: number,
): Promise<void> {
  const random = new Random(21);
  const pairs: Pair[] = [];
  for (const [position, tenant] of tenants.entries()) {
    const store = await open(collection, { vectors: conformanceVectors, tenant });
    expect(store.tenant).toBe(tenant);
    const oracle = new MemoryStore({ vectors: conformanceVectors });
    pairs.push({ tenant, other: tenants[1 - position]!, store, oracle });
  }
  for (let call = 0; call < calls; call++) {
    const pair = random.pick(pairs);
    await random
      .pick(kindsOfCall)(pair, random)
      .catch((error: unknown) => {
        throw new Error(`call ${call} of tenant ${pair.tenant}`, { cause: error });
      });
    if (call % 50 === 49) for (const one of pairs) await compareContent(one);
  }
  for (const pair of pairs) {
    await compareForged(pair, random);
    await pair.store.close();
  }
}

function documentOf(random: Random, id: string, { tenant, other }: Pick<Pair, "tenant" | "other">) {
  const { metadata, ...document } = randomDocument(random, id);
  const forged = random.pick([{}, { tenant: other, key: other, _tenant: other }]);
  return { ...document, text: `${document.text} of ${tenant}`, metadata: { ...metadata, ...forged } };
}

const filterOf = (random: Random, { store, other }: Pair): Filter | undefined =>
  random.pick([
    undefined,
    randomFilter(random, store.capabilities.filters),
    random.pick(forgedFilters(other)),
  ]);

/** One random call of each kind, compared with the oracle. */
const kindsOfCall: readonly ((pair: Pair, random: Random) => Promise<void>)[] = [
  upsertSome,
  upsertSome,
  upsertSome,
  async ({ store, oracle }, random) => {
    const ids = Array.from({ length: 1 + random.below(3) }, () => random.pick(sharedIds));
    expect(await store.delete({ ids })).toBe(await oracle.delete({ ids }));
  },
  async (pair, random) => {
    const { store, oracle } = pair;
    // Never all documents: {} is tried elsewhere.
    const filter = { $and: [filterOf(random, pair) ?? {}, { year: random.pick([1, 2.5, 0]) }] };
    expect(await store.delete({ filter })).toBe(await oracle.delete({ filter }));
  },
  async ({ store, oracle }, random) => {
    const ids = Array.from({ length: 1 + random.below(6) }, () => random.pick(sharedIds));
    const [found, wanted] = [await store.get(ids), await oracle.get(ids)];
    for (const [position, document] of wanted.entries()) sameDocument(found[position], document);
  },
  async (pair, random) => {
    const filter = filterOf(random, pair);
    expect(await pair.store.count({ filter })).toBe(await pair.oracle.count({ filter }));
  },
  async (pair, random) => {
    const options = {
      filter: filterOf(random, pair),
      after: random.pick(["", ...sharedIds]),
      batchSize: 1 + random.below(5),
    };
    const [found, wanted] = [await allOf(pair.store, options), await allOf(pair.oracle, options)];
    expect(found.map(({ id }) => id)).toEqual(wanted.map(({ id }) => id));
    for (const [position, document] of wanted.entries()) sameDocument(found[position], document);
  },
  async (pair, random) => {
    const name = random.pick(["sparse", "keyword"] as const);
    const query = randomSparse(random, conformanceVectors[name].dimension, 1 + random.below(8));
    await compareSearch(pair, random, (store, options) => store.searchSparse(name, query, options));
  },
  async (pair, random) => {
    const name = random.pick(["dense", "dot", "euclidean"] as const);
    const query = randomDense(random, conformanceVectors[name].dimension);
    await compareSearch(pair, random, (store, options) => store.searchDense(name, query, options));
  },
  async ({ store, oracle }, random) => {
    const dims = random.distinct(5, 40);
    if (store.capabilities.countsDims !== true) return;
    expect(await store.countDims!("sparse", dims)).toEqual(await oracle.countDims("sparse", dims));
  },
  compareHybrid,
];

async function upsertSome(pair: Pair, random: Random): Promise<void> {
  const ids = new Set(Array.from({ length: 1 + random.below(4) }, () => random.pick(sharedIds)));
  const documents = [...ids].map((id) => documentOf(random, id, pair));
  await pair.store.upsert(documents);
  await pair.oracle.upsert(documents);
}

async function compareSearch(
  pair: Pair,
  random: Random,
  search: (
    store: Store,
    options: { k: number; filter?: Filter | undefined },
  ) => ReturnType<Store["searchDense"]>,
): Promise<void> {
  const k = 1 + random.below(8);
  const filter = filterOf(random, pair);
  const hits = await search(pair.store, { k, filter });
  sameHits(hits, await search(pair.oracle, { k: 1000, filter }), k);
  await compareContents(pair, hits);
}

/** Hits of a fusion by the engine: that they are documents of the tenant, and all that are to be found. */
async function compareHybrid(pair: Pair, random: Random): Promise<void> {
  const { store, oracle } = pair;
  const filter = filterOf(random, pair);
  const sparse = randomSparse(random, 40, 4);
  const dense = randomDense(random, 5);
  const found = new Set<string>();
  for (const hit of await oracle.searchSparse("sparse", sparse, { k: 100, filter })) found.add(hit.id);
  for (const hit of await oracle.searchDense("dense", dense, { k: 100 })) found.add(hit.id);
  for (const native of store.capabilities.nativeFusions ?? []) {
    const searches = [
      { vector: "sparse", query: sparse, k: 100, filter },
      { vector: "dense", query: dense, k: 100 },
    ];
    const hits = await store.searchHybrid!(searches, { fusion: { native }, k: 100 });
    expect(hits.map(({ id }) => id).sort()).toEqual([...found].sort());
    await compareContents(pair, hits);
  }
}

/** Texts name the tenant, so that a document of another is told by them. */
async function compareContents(
  { oracle, tenant }: Pair,
  hits: readonly Pick<StoredDocument, "id" | "text" | "metadata">[],
): Promise<void> {
  const wanted = await oracle.get(hits.map(({ id }) => id));
  for (const [position, { text, metadata }] of hits.entries()) {
    expect(text.endsWith(` of ${tenant}`)).toBe(true);
    expect({ text, metadata }).toEqual({
      text: wanted[position]!.text,
      metadata: wanted[position]!.metadata,
    });
  }
}

async function compareContent({ store, oracle }: Pair): Promise<void> {
  const [found, wanted] = [await allOf(store), await allOf(oracle)];
  expect(found.map(({ id }) => id)).toEqual(wanted.map(({ id }) => id));
  for (const [position, document] of wanted.entries()) sameDocument(found[position], document);
  expect(await store.count()).toBe(wanted.length);
}

async function compareForged(pair: Pair, random: Random): Promise<void> {
  const { store, oracle, other } = pair;
  const query = randomSparse(random, 40, 30);
  for (const filter of forgedFilters(other)) {
    expect(await store.count({ filter })).toBe(await oracle.count({ filter }));
    const hits = await store.searchSparse("sparse", query, { filter, k: 100 });
    sameHits(hits, await oracle.searchSparse("sparse", query, { filter, k: 100 }), 100);
    await compareContents(pair, hits);
  }
}

async function allOf(store: Store, options: Parameters<Store["iterate"]>[0] = {}): Promise<StoredDocument[]> {
  const all: StoredDocument[] = [];
  for await (const document of store.iterate(options)) all.push(document);
  return all;
}

const vectors = {
  sparse: { kind: "sparse", dimension: 10 },
  dense: { kind: "dense", dimension: 2 },
} as const;

const simple = (id: string, text: string, weight = 1): StoredDocument => ({
  id,
  text,
  metadata: { text },
  vectors: { sparse: SparseVector.from({ 1: weight }, 10), dense: Float32Array.of(1, weight) },
});

async function keepAlikeApart(open: OpenTenant, collection: string): Promise<void> {
  const stores: Store[] = [];
  for (const [position, tenant] of trickyTenants.entries()) {
    const store = await open(collection, { vectors, tenant });
    stores.push(store);
    expect(await store.count()).toBe(0);
    await store.upsert([simple("1", `of ${tenant}`, position + 1), simple(`own ${position}`, "")]);
  }
  for (const [position, store] of stores.entries()) {
    const ids = (await allOf(store)).map(({ id }) => id);
    expect(ids).toEqual(["1", `own ${position}`]);
    expect((await store.get(["1"]))[0]!.text).toBe(`of ${trickyTenants[position]}`);
    const hits = await store.searchSparse("sparse", SparseVector.from({ 1: 1 }, 10), { k: 100 });
    expect(hits.map(({ id }) => id).sort()).toEqual(ids);
    expect(hits.find(({ id }) => id === "1")!.score).toBe(position + 1);
    expect(await store.searchDense("dense", Float32Array.of(1, 0), { k: 100 })).toHaveLength(2);
    await store.close();
  }
}

async function refuseOtherTenancy(open: OpenTenant, collection: string): Promise<void> {
  await (await open(collection, { vectors, tenant: "a" })).close();
  const forgotten = await open(collection, { vectors }).catch((error: unknown) => error);
  expect(forgotten).toMatchObject({
    code: "STORE_MISMATCH",
    message: expect.stringContaining("option tenant"),
  });
  const plain = `${collection}_plain`;
  await using store = await open(plain, { vectors });
  expect(store.tenant).toBeUndefined();
  await store.upsert([simple("1", "")]);
  await store.close();
  const useless = await open(plain, { vectors, tenant: "a" }).catch((error: unknown) => error);
  expect(useless).toMatchObject({
    code: "STORE_MISMATCH",
    message: expect.stringContaining("option tenant"),
  });
  await using again = await open(plain, { vectors });
  expect(await again.count()).toBe(1);
}

async function deleteOne(open: OpenTenant, collection: string): Promise<void> {
  await using one = await open(collection, { vectors, tenant: "one" });
  await using two = await open(collection, { vectors, tenant: "two" });
  const documents = Array.from({ length: 30 }, (_, number) => simple(`${number}`, ""));
  await one.upsert(documents);
  await two.upsert(documents);
  expect(await one.delete({ filter: {} })).toBe(30);
  expect(await allOf(one)).toEqual([]);
  expect(await one.delete({ filter: {} })).toBe(0);
  expect(await one.delete({ ids: documents.map(({ id }) => id) })).toBe(0);
  expect(await allOf(two)).toHaveLength(30);
  if (two.capabilities.countsDims) {
    expect(await one.countDims!("sparse", [1])).toEqual({ vectors: 0, active: [0] });
    expect(await two.countDims!("sparse", [1])).toEqual({ vectors: 30, active: [30] });
  }
}

async function overlap(open: OpenTenant, collection: string): Promise<void> {
  const stores = await Promise.all(
    Array.from({ length: 4 }, (_, number) => open(collection, { vectors, tenant: `tenant ${number}` })),
  );
  await Promise.all(
    stores.flatMap((store, tenant) =>
      Array.from({ length: 10 }, (_, round) =>
        store.upsert(
          Array.from({ length: 20 }, (_, number) => simple(`${number + round}`, `of ${tenant}`, round + 1)),
        ),
      ),
    ),
  );
  for (const [tenant, store] of stores.entries()) {
    const all = await allOf(store);
    expect(all).toHaveLength(29);
    for (const { text } of all) expect(text).toBe(`of ${tenant}`);
    await store.close();
  }
}

async function copyAround(open: OpenTenant, collection: string): Promise<void> {
  await using one = await open(collection, { vectors, tenant: "one" });
  await using two = await open(collection, { vectors, tenant: "two" });
  await using plain = new MemoryStore({ vectors });
  const documents = Array.from({ length: 40 }, (_, number) => simple(`${number}`, "of one", number + 1));
  await one.upsert(documents);
  await two.upsert([simple("0", "of two"), simple("stale", "of two")]);
  expect(await copyStore(one, two, { deleteStale: true })).toMatchObject({ copied: 40, deleted: 1 });
  expect(await copyStore(one, plain)).toMatchObject({ copied: 40 });
  expect(await copyStore(plain, two)).toMatchObject({ copied: 0, skipped: 40 });
  expect(await two.delete({ ids: ["0"] })).toBe(1);
  expect(await one.count()).toBe(40);
}

const german = { dimension: 10, fingerprint: "made/1 language=de" };
const english = { dimension: 10, fingerprint: "made/1 language=en" };

async function keepEncoders(open: OpenTenant, collection: string, sharesEncoders: boolean): Promise<void> {
  await using one = await open(collection, { vectors, tenant: "one" });
  await using two = await open(collection, { vectors, tenant: "two" });
  if (one.capabilities.countsDims !== true) return;
  await one.bindEncoder!("sparse", german);
  await one.upsert([simple("1", "")]);
  const bound = await two.bindEncoder!("sparse", english).catch((error: unknown) => error);
  if (sharesEncoders) {
    expect(bound).toMatchObject({
      code: "STORE_MISMATCH",
      message: expect.stringContaining("of all tenants"),
    });
    await two.bindEncoder!("sparse", german);
    expect(await one.delete({ filter: {} })).toBe(1);
    await two.bindEncoder!("sparse", english);
  } else {
    expect(SparseEncoderError.is(bound)).toBe(false);
  }
  await using again = await open(`${collection}_more`, { vectors, tenant: "one" });
  expect(again.vectors?.sparse).not.toHaveProperty("encoder");
}

async function weighByTenant(open: OpenTenant, collection: string): Promise<void> {
  const texts = ["red boat", "red sea", "green sea", "red red boat sea"];
  const documents = texts.map((text, number) => ({ id: `${number}`, text }));
  // Of another tenant, in which words are common that are rare here.
  const others = Array.from({ length: 50 }, (_, number) => ({
    id: `${number}`,
    text: `green boat ${number}`,
  }));
  const schema = {
    keyword: { kind: "sparse", dimension: new Bm25Encoder().embeddingDimension },
  } as const;
  await using crowded = await open(collection, { vectors: schema, tenant: "crowded" });
  await using quiet = await open(collection, { vectors: schema, tenant: "quiet" });
  await using alone = new MemoryStore({ vectors: schema });
  await keywordRetriever(crowded).add(others);
  const rankings: { id: string | undefined; score: number }[][] = [];
  for (const store of [quiet, alone]) {
    const retriever = keywordRetriever(store);
    await retriever.add(documents);
    rankings.push((await retriever.retrieve("red green boat")).map(({ id, score }) => ({ id, score })));
  }
  const [found, wanted] = rankings;
  expect(found!.map(({ id }) => id)).toEqual(wanted!.map(({ id }) => id));
  for (const [rank, { score }] of wanted!.entries()) expect(found![rank]!.score).toBeCloseTo(score, 5);
}
