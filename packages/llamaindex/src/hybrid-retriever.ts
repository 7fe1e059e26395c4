import type { BaseNodePostprocessor } from "@llamaindex/core/postprocessor";
import type { QueryBundle } from "@llamaindex/core/query-engine";
import type { BaseRetriever } from "@llamaindex/core/retriever";
import type { BaseNode, NodeWithScore } from "@llamaindex/core/schema";
import { extractText } from "@llamaindex/core/utils";
import {
  HybridRetriever as CoreRetriever,
  type FoundDocument,
  type FunctionArm,
  type Transform,
  type Weights,
} from "@sparse-encoder/core";
import { invalidArgument } from "@sparse-encoder/core/internal";
import { askChild, type ChildCall, isHybrid } from "./child-retriever.ts";
import { fusionOf, type ModeFusion } from "./fusion-mode.ts";
import {
  checkRetrieverOptions,
  type HybridRetrieveOptions,
  type HybridRetrieverOptions,
  retrieveOptions,
} from "./hybrid-retriever-options.ts";
import { textOf } from "./node-document.ts";
import { PerCallRetriever } from "./per-call-retriever.ts";
import { toFilter } from "./vector-store/metadata-filters.ts";

/** For "as many as there are". */
const all = Number.MAX_SAFE_INTEGER;

/**
 * Fuses what several retrievers find: what `QueryFusionRetriever` does in LlamaIndex's Python library, without its rewriting of
 * queries. Nodes of one id, or of one hash (the same text and metadata), are one node. Equal scores come by id. For
 * `RetrieverQueryEngine`, chat engines and query tools.
 *
 * @example
 * const retriever = new HybridRetriever({
 *   retrievers: [
 *     vectorStore.asRetriever({ mode: "default", similarityTopK: 50 }),
 *     vectorStore.asRetriever({ mode: "sparse", similarityTopK: 50 }),
 *   ],
 *   mode: "relative_score",
 *   weights: [0.4, 0.6],
 *   similarityTopK: 5,
 * });
 * await retriever.retrieve("heat transfer", { filters: { filters: [{ key: "year", operator: ">=", value: 1960 }] } });
 */
export class HybridRetriever extends PerCallRetriever<HybridRetrieveOptions> {
  private readonly retrievers: readonly BaseRetriever[];
  private readonly weights: readonly number[];
  private readonly mode: ModeFusion | undefined;
  private readonly isPostprocessed: boolean;
  private readonly core: CoreRetriever;

  /** @throws SparseEncoderError `INVALID_ARGUMENT`, `UNKNOWN_OPTION` */
  constructor(options: HybridRetrieverOptions) {
    super();
    const { retrievers, weights, mode, rankBase, similarityTopK, nodePostprocessors, ...settings } =
      checkRetrieverOptions(options);
    this.retrievers = retrievers;
    this.weights = weights;
    this.mode = mode === undefined ? undefined : fusionOf(mode, rankBase);
    this.isPostprocessed = nodePostprocessors.length > 0;
    this.core = new CoreRetriever({
      ...settings,
      arms: Object.fromEntries(retrievers.map((retriever, position) => [String(position), armOf(retriever)])),
      k: similarityTopK,
      fusion: this.mode?.fusion,
      identify: ({ payload }) => (payload as BaseNode).generateHash?.() || undefined,
      ...(this.isPostprocessed ? { transform: applyAll(nodePostprocessors), transformK: all } : {}),
    });
  }

  async _retrieveWith(bundle: QueryBundle, options: HybridRetrieveOptions): Promise<NodeWithScore[]> {
    const { signal, filters, alpha, similarityTopK } = retrieveOptions.check(
      "retrieve",
      options,
      "retrieve: ",
    );
    if (filters !== undefined) toFilter(filters);
    const context: ChildCall = { bundle, filters, alpha };
    const hits = await this.core.retrieve(extractText(bundle.query), {
      k: similarityTopK,
      weights: this.weightsOf(alpha),
      signal,
      context,
      wording: { call: "retrieve" },
    });
    return hits.map(({ payload, score }) =>
      this.isPostprocessed ? (payload as NodeWithScore) : { node: payload as BaseNode, score },
    );
  }

  /** The weights of a call by name of the arm; undefined if the mode ignores them. */
  private weightsOf(alpha: number | undefined): Weights | undefined {
    const weights = alpha === undefined || this.retrievers.some(isHybrid) ? this.weights : this.shares(alpha);
    return this.mode?.weighted === false ? undefined : Object.fromEntries(Object.entries(weights));
  }

  private shares(alpha: number): readonly number[] {
    if (this.retrievers.length !== 2) {
      throw invalidArgument(
        `retrieve: alpha is for retrievers of mode hybrid, or for two retrievers, the dense one first; here are ${this.retrievers.length}. Use weights.`,
      );
    }
    if (this.mode?.weighted === false) {
      throw invalidArgument("retrieve: the mode of this retriever ignores weights, so alpha has no effect.");
    }
    return [alpha, 1 - alpha];
  }
}

/** A retriever as an arm of core: its nodes are payloads. */
function armOf(retriever: BaseRetriever): FunctionArm {
  return {
    k: all,
    retrieve: async (_, { signal, context }) => {
      const found = await askChild(retriever, context as ChildCall, signal);
      const documents = found.map(({ node, score = 0 }): FoundDocument & { score: number } => ({
        id: node.id_,
        score,
        text: textOf(node),
        payload: node,
      }));
      return [documents.sort((a, b) => b.score - a.score)];
    },
  };
}

/** Postprocessors as the last step of core: the nodes with scores that they give are payloads. */
function applyAll(postprocessors: readonly BaseNodePostprocessor[]): Transform {
  return async function nodePostprocessors(_, documents, { context }) {
    const { bundle } = context as ChildCall;
    let nodes = documents.map(({ payload, score }): NodeWithScore => ({ node: payload as BaseNode, score }));
    for (const postprocessor of postprocessors)
      nodes = await postprocessor.postprocessNodes(nodes, bundle.query);
    return nodes.map((found) => {
      const { node, score = 0 } = found;
      return {
        id: node.id_,
        text: textOf(node),
        metadata: {},
        score,
        fusedScore: score,
        arms: {},
        payload: found,
      };
    });
  };
}
