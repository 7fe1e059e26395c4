import {
  Bm25Encoder,
  type DenseEncoder,
  DenseMatrix,
  type Fusion,
  type FusionName,
  HybridRetriever,
  MemoryStore,
  type SparseEncoder,
  type SparseMatrix,
} from "@sparse-encoder/core";
import { type BeirCollection, evaluateRun, type Run } from "@sparse-encoder/core/evaluation";
import type { ArmName } from "../collection/arms.ts";

/** Settings of one search over a collection. */
export interface Trial {
  /** Weights of each sparse vector that are kept; undefined for all. */
  readonly maxActiveDims: number | undefined;
  readonly fusion: FusionName;
  readonly weights: Readonly<Record<string, number>> | undefined;
}

/** What a trial gave. */
export interface TrialResult extends Trial {
  readonly metrics: Readonly<Record<string, number>>;
  /** Weights of a document's sparse vector on average. */
  readonly activeDims: number;
  /** Bytes of the sparse vectors: 8 per weight. */
  readonly sparseBytes: number;
  /** Searches per second, encoding left out, one after another. */
  readonly queriesPerSecond: number;
  readonly run: Run;
  readonly perQuery: ReadonlyMap<string, Readonly<Record<string, number>>>;
}

/** Hits of each query. */
const runDepth = 100;

/** Bytes of a weight and its dim. */
const weightBytes = 8;

/** A collection, encoded once for all trials. */
export class Experiment {
  private readonly data: BeirCollection;
  private readonly arms: readonly ArmName[];
  private readonly documents: Vectors;
  private readonly queries: Vectors;

  private constructor(data: BeirCollection, arms: readonly ArmName[], documents: Vectors, queries: Vectors) {
    this.data = data;
    this.arms = arms;
    this.documents = documents;
    this.queries = queries;
  }

  static async encode(
    data: BeirCollection,
    arms: readonly ArmName[],
    encoders: { readonly sparse: SparseEncoder | undefined; readonly dense: DenseEncoder | undefined },
    {
      signal,
      onTexts,
    }: { readonly signal: AbortSignal; readonly onTexts: (arm: ArmName, done: number) => void },
  ): Promise<Experiment> {
    const texts = data.documents.map(({ text }) => text);
    const queries = data.queries.filter(({ id }) => data.judgements.has(id));
    const queryTexts = queries.map(({ text }) => text);
    const found: { documents: Vectors; queries: Vectors } = { documents: {}, queries: {} };
    for (const arm of arms) {
      const onProgress = ({ done }: { readonly done: number }) => onTexts(arm, done);
      if (arm === "keyword") {
        const keyword = new Bm25Encoder();
        await keyword.fit(texts, { signal });
        found.documents.keyword = await keyword.encodeDocument(texts, { signal });
        found.queries.keyword = await keyword.encodeQuery(queryTexts, { signal });
      } else if (arm === "sparse") {
        found.documents.sparse = await encoders.sparse!.encodeDocument(texts, { signal, onProgress });
        found.queries.sparse = await encoders.sparse!.encodeQuery(queryTexts, { signal });
      } else {
        found.documents.dense = await encoders.dense!.encodeDocument(texts, { signal, onProgress });
        found.queries.dense = await encoders.dense!.encodeQuery(queryTexts, { signal });
      }
    }
    return new Experiment({ ...data, queries }, arms, found.documents, found.queries);
  }

  /** Searches with all judged queries. */
  async run(trial: Trial, signal: AbortSignal): Promise<TrialResult> {
    const { maxActiveDims, fusion, weights } = trial;
    const documents = cut(this.documents, maxActiveDims);
    await using store = new MemoryStore();
    await store.upsert(
      this.data.documents.map(({ id, text }, row) => ({
        id,
        text,
        metadata: {},
        vectors: Object.fromEntries(this.arms.map((arm) => [arm, documents[arm]!.row(row)])),
      })),
    );
    const retriever = this.retriever(store, cut(this.queries, maxActiveDims));
    const settings = {
      k: runDepth,
      fusion: fusion as Fusion | FusionName,
      signal,
      ...(weights !== undefined && { weights }),
    };
    const run = new Map<string, readonly { readonly id: string; readonly score: number }[]>();
    const started = performance.now();
    for (const [row, { id }] of this.data.queries.entries()) {
      run.set(id, await retriever.retrieve(String(row), settings));
    }
    const seconds = (performance.now() - started) / 1000;
    const { metrics, perQuery } = evaluateRun(run, this.data.judgements, {
      ndcgAtK: [10],
      mrrAtK: [10],
      mapAtK: [100],
      precisionRecallAtK: [10, 100],
      accuracyAtK: [1],
    });
    const entries = documents.sparse?.activeDims ?? 0;
    return {
      ...trial,
      metrics,
      perQuery,
      run,
      activeDims: entries / this.data.documents.length,
      sparseBytes: entries * weightBytes,
      queriesPerSecond: this.data.queries.length / seconds,
    };
  }

  /** A retriever whose queries are the numbers of the encoded ones. */
  private retriever(store: MemoryStore, queries: Vectors): HybridRetriever {
    const arms = this.arms.map((arm) => {
      const vectors = queries[arm]!;
      const encoder = {
        encodeQuery: async ([row]: readonly string[]) => rowAlone(vectors, Number(row)),
        encodeDocument: () => Promise.reject(new Error("Documents are encoded already.")),
      };
      return [arm, { encoder, store }] as const;
    });
    return new HybridRetriever({ arms: Object.fromEntries(arms) });
  }
}

/** Vectors of texts by arm. */
interface Vectors {
  sparse?: SparseMatrix;
  keyword?: SparseMatrix;
  dense?: DenseMatrix;
}

/** A row as a matrix of its own. */
function rowAlone(vectors: SparseMatrix | DenseMatrix, row: number): SparseMatrix | DenseMatrix {
  if (vectors instanceof DenseMatrix) return new DenseMatrix(vectors.row(row).slice(), vectors.dimension);
  return vectors.slice(row, row + 1);
}

function cut(vectors: Vectors, maxActiveDims: number | undefined): Vectors {
  if (maxActiveDims === undefined || vectors.sparse === undefined) return vectors;
  return { ...vectors, sparse: vectors.sparse.topDims(maxActiveDims) };
}
