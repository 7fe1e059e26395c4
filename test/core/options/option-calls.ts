import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import path from "node:path";
import {
  Bm25Encoder,
  CrossEncoder,
  DenseEncoder,
  HybridEncoder,
  HybridRetriever,
  InvertedIndex,
  MemoryStore,
  RemoteDenseEncoder,
  RemoteSparseEncoder,
  SparseEncoder,
  SparseMatrix,
  SparseVector,
} from "@sparse-encoder/core";
import * as evaluation from "@sparse-encoder/core/evaluation";
import * as stores from "@sparse-encoder/core/stores";
import { FakeDenseEmbedder, FakeSparseEncoder } from "@sparse-encoder/core/testing";
import { withTokenizer } from "../../helpers/fixture-folders.ts";
import { goldenModelFolder } from "../../helpers/golden-data.ts";
import { rerankerFolder } from "../../helpers/reranker-folders.ts";

/** Calls a method with these options, whatever their types. */
export type OptionCall = (options: never) => unknown;

/** How a method is called with options. */
export interface OptionCase {
  readonly call: OptionCall;
  /** Options that have to be there. */
  readonly required?: Readonly<Record<string, unknown>>;
  /** Options that take any value. */
  readonly free?: readonly string[];
}

/** What methods are called on. */
export interface Subjects {
  readonly sparse: SparseEncoder;
  readonly dense: DenseEncoder;
  readonly hybrid: HybridEncoder;
  readonly cross: CrossEncoder;
  readonly remoteSparse: RemoteSparseEncoder;
  readonly remoteDense: RemoteDenseEncoder;
  readonly server: Server;
}

const hybridModel = withTokenizer("lexical-weights/model", "xlm-roberta");
const crossModel = rerankerFolder("bert");

export async function openSubjects(): Promise<Subjects> {
  const sparse = await SparseEncoder.load(goldenModelFolder("bert-max-relu"), { workers: 1 });
  const dense = await DenseEncoder.load(goldenModelFolder("dense-cls"), { workers: 1 });
  const hybrid = await HybridEncoder.load(hybridModel.folder, { workers: 1 });
  const cross = await CrossEncoder.load(crossModel, { workers: 1 });
  // A fake of a server of embeddings, as far as it is asked before a call.
  const server = createServer((_, response) => response.end('{"dimension":4,"dense_dimension":4}'));
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const remoteSparse = await RemoteSparseEncoder.open(url, { vocabulary: ["a", "b", "c", "d"] });
  const remoteDense = await RemoteDenseEncoder.open(url, { dimension: 4 });
  return { sparse, dense, hybrid, cross, remoteSparse, remoteDense, server };
}

export async function closeSubjects(subjects: Subjects): Promise<void> {
  await subjects.sparse.close();
  await subjects.dense.close();
  await subjects.hybrid.close();
  await subjects.cross.close();
  hybridModel.remove();
  await subjects.remoteSparse.close();
  await subjects.remoteDense.close();
  await new Promise((resolve) => subjects.server.close(resolve));
}

async function drain(items: AsyncIterable<unknown>): Promise<void> {
  for await (const _ of items);
}

const folder = path.join(tmpdir(), "sparse-encoder-no-such-folder");
const vector = new SparseVector([1], [1], 4);
const matrix = SparseMatrix.fromRows([vector]);
const samples = [{ queryId: "q", query: "a", positive: "b", documents: ["b"] }];
const retrieval = { queries: { q: "a" }, corpus: { d: "b" }, relevantDocuments: { q: ["d"] } };
const pairs = { sentences1: ["a", "b"], sentences2: ["a", "b"] };

/** The methods that both kinds of encoders have. */
interface OptionMethods {
  encode(text: string, options: never): unknown;
  encodeQuery(text: string, options: never): unknown;
  encodeDocument(text: string, options: never): unknown;
  encodeStream(texts: readonly string[], options: never): AsyncIterable<unknown>;
  tokenize(texts: readonly string[], options: never): unknown;
  splitText(text: string, options: never): unknown;
}

function encoderCalls(name: string, encoder: OptionMethods): Record<string, OptionCase> {
  return {
    [`${name}.encode`]: { call: (options) => encoder.encode("a", options) },
    [`${name}.encodeQuery`]: { call: (options) => encoder.encodeQuery("a", options) },
    [`${name}.encodeDocument`]: { call: (options) => encoder.encodeDocument("a", options) },
    [`${name}.encodeStream`]: { call: (options) => drain(encoder.encodeStream(["a"], options)) },
    [`${name}.tokenize`]: { call: (options) => encoder.tokenize(["a"], options) },
    [`${name}.splitText`]: { call: (options) => encoder.splitText("a", options) },
  };
}

/** An evaluator that works on an encoder. */
type EvaluatorClass = new (
  options: never,
) => { evaluate(encoder: evaluation.EvaluatedEncoder, options: never): unknown };

function evaluatorCalls(): Record<string, OptionCase> {
  const evaluators: readonly [EvaluatorClass, Readonly<Record<string, unknown>>][] = [
    [evaluation.BinaryClassificationEvaluator, { ...pairs, labels: [0, 1] }],
    [evaluation.EmbeddingSimilarityEvaluator, { ...pairs, scores: [1, 2] }],
    [evaluation.InformationRetrievalEvaluator, retrieval],
    [evaluation.NanoBeirEvaluator, { collections: { One: retrieval } }],
    [evaluation.RerankingEvaluator, { samples: [{ query: "a", positive: ["b"], negative: ["c"] }] }],
    [evaluation.TripletEvaluator, { anchors: ["a"], positives: ["b"], negatives: ["c"] }],
  ];
  const encoder: evaluation.EvaluatedEncoder = {
    similarityFunction: "dot",
    encode: rowsOf,
    encodeQuery: rowsOf,
    encodeDocument: rowsOf,
    similarity: () => [new Float32Array(1)],
  };
  const calls: Record<string, OptionCase> = {};
  for (const [Evaluator, required] of evaluators) {
    calls[`${Evaluator.name}.constructor`] = { call: (options) => new Evaluator(options), required };
    const evaluator = new Evaluator(required as never);
    calls[`${Evaluator.name}.evaluate`] = { call: (options) => evaluator.evaluate(encoder, options) };
  }
  const fusion = { denseSamples: samples, sparseSamples: samples };
  const Fusion = evaluation.ReciprocalRankFusionEvaluator;
  return {
    ...calls,
    "ReciprocalRankFusionEvaluator.constructor": { call: (options) => new Fusion(options), required: fusion },
    "ReciprocalRankFusionEvaluator.evaluate": { call: (options) => new Fusion(fusion).evaluate(options) },
  };
}

async function rowsOf(texts: readonly string[]): Promise<SparseMatrix> {
  return SparseMatrix.fromRows(
    texts.map(() => vector),
    4,
  );
}

function storeCalls(): Record<string, OptionCase> {
  const store = new MemoryStore({
    vectors: { sparse: { kind: "sparse", dimension: 4 }, dense: { kind: "dense", dimension: 2 } },
  });
  const hybrid = [{ vector: "sparse", query: vector, k: 1 }];
  return {
    "MemoryStore.constructor": { call: (options) => new MemoryStore(options) },
    "MemoryStore.static.open": { call: (options) => MemoryStore.open(folder, options) },
    "MemoryStore.static.repair": { call: (options) => MemoryStore.repair(folder, options) },
    "MemoryStore.snapshot": { call: (options) => store.snapshot(options) },
    "MemoryStore.refresh": { call: (options) => store.refresh(options) },
    "MemoryStore.upsert": { call: (options) => store.upsert([], options) },
    "MemoryStore.delete": { call: (options) => store.delete({ ids: ["a"] }, options) },
    "MemoryStore.get": { call: (options) => store.get(["a"], options) },
    "MemoryStore.count": { call: (options) => store.count(options) },
    "MemoryStore.iterate": { call: (options) => drain(store.iterate(options)) },
    "MemoryStore.searchSparse": { call: (options) => store.searchSparse("sparse", vector, options) },
    "MemoryStore.searchDense": {
      call: (options) => store.searchDense("dense", Float32Array.of(1, 2), options),
    },
    "MemoryStore.searchHybrid": {
      call: (options) => store.searchHybrid(hybrid as never, options),
      required: { fusion: { native: "rrf" } },
    },
    "MemoryStore.countDims": { call: (options) => store.countDims("sparse", [1], options) },
    "MemoryStore.bindEncoder": {
      call: (options) => store.bindEncoder("sparse", { fingerprint: "a" } as never, options),
    },
    "MemoryStore.static.switchAlias": {
      call: (options) => MemoryStore.switchAlias(options),
      required: { alias: `${folder}/alias`, to: `${folder}/to` },
    },
    ...engineCalls(),
  };
}

/** The calls of stores on a server, none of which is there. */
function engineCalls(): Record<string, OptionCase> {
  const url = "http://127.0.0.1:1";
  const servers = [
    [stores.ElasticsearchStore, { url }],
    [stores.MilvusStore, { address: "127.0.0.1:1" }],
    [stores.OpenSearchStore, { url }],
    [stores.PostgresStore, { url: "postgres://127.0.0.1:1/a" }],
    [stores.QdrantStore, { url }],
  ] as const;
  const calls: Record<string, OptionCase> = {};
  for (const [store, required] of servers) {
    calls[`${store.name}.static.open`] = { call: (options) => store.open(options), required };
    calls[`${store.name}.static.switchAlias`] = {
      call: (options) => store.switchAlias(options),
      required: { ...required, alias: "alias", to: "to" },
    };
  }
  return calls;
}

function retrieverCalls(): Record<string, OptionCase> {
  const store = new MemoryStore({ vectors: { sparse: { kind: "sparse", dimension: 4 } } });
  const arms = { sparse: { store, vector: "sparse", encoder: new FakeSparseEncoder() } };
  const retriever = new HybridRetriever({ arms });
  const ofCall = ["context"];
  return {
    "HybridRetriever.constructor": { call: (options) => new HybridRetriever(options), required: { arms } },
    "HybridRetriever.add": { call: (options) => retriever.add([], options) },
    "HybridRetriever.delete": { call: (options) => retriever.delete({ ids: ["a"] }, options) },
    "HybridRetriever.retrieve": { call: (options) => retriever.retrieve("a", options), free: ofCall },
    "HybridRetriever.retrieveMany": {
      call: (options) => retriever.retrieveMany(["a"], options),
      free: ofCall,
    },
    "HybridRetriever.retrieveEach": { call: (options) => retriever.retrieveEach([], options) },
  };
}

function otherCalls(): Record<string, OptionCase> {
  const bm25 = new Bm25Encoder();
  const index = new InvertedIndex(4);
  const fakes = { FakeSparseEncoder: new FakeSparseEncoder(), FakeDenseEmbedder: new FakeDenseEmbedder() };
  const calls: Record<string, OptionCase> = {};
  for (const method of ["encode", "encodeQuery", "encodeDocument"] as const) {
    calls[`Bm25Encoder.${method}`] = { call: (options) => bm25[method]("a", options) };
    for (const [name, fake] of Object.entries(fakes)) {
      calls[`${name}.${method}`] = {
        call: (options) => fake[method]("a", options),
        free: ["pool", "device", "prompt", "promptName"],
      };
    }
  }
  return {
    ...calls,
    "Bm25Encoder.constructor": { call: (options) => new Bm25Encoder(options) },
    "Bm25Encoder.static.load": { call: (options) => Bm25Encoder.load(folder, options) },
    "Bm25Encoder.fit": { call: (options) => bm25.fit(["a"], options) },
    "Bm25Encoder.update": { call: (options) => bm25.update(["a"], options) },
    "Bm25Encoder.countDocuments": { call: (options) => bm25.countDocuments(["a"], options) },
    "Bm25Encoder.countTerms": { call: (options) => bm25.countTerms(["a"], options) },
    "Bm25Encoder.decode": { call: (options) => bm25.decode(vector, options) },
    "FakeSparseEncoder.constructor": { call: (options) => new FakeSparseEncoder(options) },
    "FakeDenseEmbedder.constructor": { call: (options) => new FakeDenseEmbedder(options) },
    "InvertedIndex.static.open": { call: (options) => InvertedIndex.open(folder, options) },
    "InvertedIndex.save": { call: (options) => index.save(folder, options) },
    "InvertedIndex.search": { call: (options) => index.search(vector, options) },
    "RemoteSparseEncoder.static.open": {
      call: (options) => RemoteSparseEncoder.open("http://127.0.0.1:1", options),
    },
    "RemoteDenseEncoder.static.open": {
      call: (options) => RemoteDenseEncoder.open("http://127.0.0.1:1", options),
    },
    "SparseVector.equals": { call: (options) => vector.equals(vector, options) },
    "SparseMatrix.equals": { call: (options) => matrix.equals(matrix, options) },
  };
}

function remoteCalls({ remoteSparse, remoteDense }: Subjects): Record<string, OptionCase> {
  const calls: Record<string, OptionCase> = {};
  for (const method of ["encode", "encodeQuery", "encodeDocument"] as const) {
    calls[`RemoteSparseEncoder.${method}`] = { call: (options) => remoteSparse[method]("a", options) };
    calls[`RemoteDenseEncoder.${method}`] = { call: (options) => remoteDense[method]("a", options) };
  }
  const stream = "encodeStream";
  calls[`RemoteSparseEncoder.${stream}`] = { call: (options) => drain(remoteSparse[stream](["a"], options)) };
  calls[`RemoteDenseEncoder.${stream}`] = { call: (options) => drain(remoteDense[stream](["a"], options)) };
  calls["RemoteSparseEncoder.decode"] = { call: (options) => remoteSparse.decode(vector, options) };
  return calls;
}

/** How each public method that takes options is called. */
export function optionCalls(subjects: Subjects): Record<string, OptionCase> {
  const { sparse, dense, hybrid, cross } = subjects;
  const small = goldenModelFolder("bert-max-relu");
  return {
    ...encoderCalls("SparseEncoder", sparse),
    ...encoderCalls("DenseEncoder", dense),
    ...encoderCalls("HybridEncoder", hybrid),
    "HybridEncoder.static.load": { call: (options) => HybridEncoder.load(hybridModel.folder, options) },
    "CrossEncoder.static.load": { call: (options) => CrossEncoder.load(crossModel, options) },
    "CrossEncoder.predict": { call: (options) => cross.predict(["a", "b"], options) },
    "CrossEncoder.predictLabels": { call: (options) => cross.predictLabels([["a", "b"]], options) },
    "CrossEncoder.rank": { call: (options) => cross.rank("a", ["b"], options) },
    "SparseEncoder.static.load": { call: (options) => SparseEncoder.load(small, options) },
    "DenseEncoder.static.load": {
      call: (options) => DenseEncoder.load(goldenModelFolder("dense-cls"), options),
    },
    "SparseEncoder.decode": { call: (options) => sparse.decode(new SparseVector([1], [1], 1500), options) },
    ...evaluatorCalls(),
    ...storeCalls(),
    ...retrieverCalls(),
    ...otherCalls(),
    ...remoteCalls(subjects),
  };
}

/** Public methods that take no options. */
export const withoutOptions: Readonly<Record<string, readonly string[]>> = {
  SparseEncoder: [
    "constructor",
    "static.sparsity",
    "similarity",
    "similarityPairwise",
    "sparsity",
    "tokenOf",
    "intersection",
    "statisticsOf",
    "describe",
    "startPool",
    "stopPool",
    "save",
    "close",
    "destroy",
  ],
  DenseEncoder: [
    "constructor",
    "similarity",
    "statisticsOf",
    "describe",
    "startPool",
    "stopPool",
    "save",
    "close",
    "destroy",
  ],
  HybridEncoder: [
    "constructor",
    "tokenOf",
    "statisticsOf",
    "describe",
    "startPool",
    "stopPool",
    "save",
    "close",
    "destroy",
  ],
  CrossEncoder: ["constructor", "describe", "startPool", "stopPool", "save", "close", "destroy"],
  Bm25Encoder: ["weighTerms", "tokenOf", "save"],
  RemoteSparseEncoder: [
    "constructor",
    "static.sparsity",
    "similarity",
    "similarityPairwise",
    "sparsity",
    "tokenOf",
    "intersection",
    "describe",
    "close",
  ],
  RemoteDenseEncoder: ["constructor", "similarity", "describe", "close"],
  InvertedIndex: [
    "constructor",
    "static.fromSegments",
    "toSegments",
    "add",
    "addMany",
    "upsert",
    "upsertMany",
    "delete",
    "clear",
    "has",
    "get",
    "getMany",
    "ids",
    "countDims",
    "explain",
  ],
  MemoryStore: ["close"],
  ElasticsearchStore: ["constructor"],
  MilvusStore: ["constructor"],
  OpenSearchStore: ["constructor"],
  PostgresStore: ["constructor"],
  QdrantStore: ["constructor"],
  FakeSparseEncoder: ["close"],
  FakeDenseEmbedder: ["close"],
  DenseMatrix: [
    "constructor",
    "static.concat",
    "static.fromJSON",
    "row",
    "slice",
    "truncate",
    "normalize",
    "toJSON",
  ],
  SparseMatrix: [
    "constructor",
    "static.fromRows",
    "static.fromDense",
    "static.fromJSON",
    "static.concat",
    "at",
    "row",
    "slice",
    "topDims",
    "toRows",
    "mean",
    "toDense",
    "toJSON",
  ],
  SparseVector: [
    "constructor",
    "static.from",
    "static.fromDense",
    "static.fromJSON",
    "get",
    "dot",
    "cosine",
    "topDims",
    "ranked",
    "toDense",
    "toMap",
    "toJSON",
  ],
  // Options belong to the error class of JavaScript.
  SparseEncoderError: ["constructor", "static.is"],
  IngestionError: ["constructor"],
  // Within the evaluation of several collections.
  InformationRetrievalEvaluator: ["measure"],
};

/** Engine stores share the methods of the memory store: one class in front of all of them. */
export const sharedFront = [
  "ElasticsearchStore",
  "MilvusStore",
  "OpenSearchStore",
  "PostgresStore",
  "QdrantStore",
];
