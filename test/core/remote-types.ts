// Compiled by `pnpm check`, never run: a remote encoder stands where one of this machine did.
import {
  type DenseEncoder,
  HybridRetriever,
  MemoryStore,
  type RemoteDenseEncoder,
  type RemoteSparseEncoder,
  type SparseEncoder,
} from "@sparse-encoder/core";
import { type EvaluatedEncoder, InformationRetrievalEvaluator } from "@sparse-encoder/core/evaluation";
import * as langchain from "@sparse-encoder/langchain";
import * as llamaindex from "@sparse-encoder/llamaindex";

/** What needs the model, its tokenizer or its workers on this machine. */
type LocalOnly =
  | "tokenize"
  | "splitText"
  | "statisticsOf"
  | "save"
  | "startPool"
  | "stopPool"
  | "workerLoad"
  | "destroy"
  | "defaultPromptName"
  // Of another shape: a server does not tell all of it.
  | "describe"
  | "maxSeqLength";

export function members(sparse: RemoteSparseEncoder, dense: RemoteDenseEncoder): void {
  sparse satisfies Omit<SparseEncoder, LocalOnly>;
  dense satisfies Omit<DenseEncoder, LocalOnly>;
}

export async function places(sparse: RemoteSparseEncoder, dense: RemoteDenseEncoder): Promise<void> {
  const store = new MemoryStore();
  new HybridRetriever({
    arms: { sparse: { encoder: sparse, store }, dense: { encoder: dense, store } },
    weights: { sparse: 2 },
  });
  new langchain.SparseEmbeddings({ encoder: sparse });
  new langchain.DenseEmbeddings({ encoder: dense });
  new llamaindex.SparseEmbedding({ encoder: sparse });
  new llamaindex.DenseEmbedding({ encoder: dense });
  sparse satisfies EvaluatedEncoder;
  await new InformationRetrievalEvaluator({ queries: {}, corpus: {}, relevantDocuments: {} }).evaluate(
    sparse,
  );
}
