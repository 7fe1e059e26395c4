import type { FoundDocument } from "./arms/arm.ts";
import type { RetrievedDocument } from "./retrieval-result.ts";

/**
 * What a retriever did, with the time it took in milliseconds. For logs and traces; results do not depend on it. Each query
 * of a call has events of its own, so `queries` is 1 and `results` holds one list.
 */
export type RetrievalEvent =
  /** An arm is asked. */
  | { readonly type: "armStart"; readonly arm: string; readonly queries: number }
  /** An arm answered. */
  | {
      readonly type: "arm";
      readonly arm: string;
      readonly queries: number;
      readonly hits: number;
      /** The hits, best first. */
      readonly results: readonly (readonly FoundDocument[])[];
      readonly encodeMilliseconds: number;
      readonly searchMilliseconds: number;
    }
  /** An arm failed; with `onArmError: "degrade"` the call goes on without it. */
  | {
      readonly type: "armFailed";
      readonly arm: string;
      readonly error: unknown;
      readonly milliseconds: number;
    }
  /** The answers of the arms were fused. */
  | {
      readonly type: "fusion";
      readonly documents: number;
      /** The documents, best first, before they are reranked, diversified and cut to k. */
      readonly results: readonly (readonly RetrievedDocument[])[];
      readonly milliseconds: number;
    }
  /** The candidates were reranked. */
  | { readonly type: "rerank"; readonly candidates: number; readonly milliseconds: number }
  /** Diverse documents were chosen from the candidates. */
  | { readonly type: "mmr"; readonly candidates: number; readonly milliseconds: number }
  /** The option `transform` changed the documents found. */
  | {
      readonly type: "transform";
      /** Name of the function. */
      readonly name: string;
      /** Documents that it was given. */
      readonly candidates: number;
      /** The documents that it gave, in their order. */
      readonly results: readonly (readonly RetrievedDocument[])[];
      readonly milliseconds: number;
    }
  /** A query is answered. */
  | {
      readonly type: "retrieve";
      readonly queries: number;
      readonly hits: number;
      readonly failedArms: readonly string[];
      readonly milliseconds: number;
    }
  /** A batch of `add` is stored. */
  | {
      readonly type: "batch";
      readonly documents: number;
      /** Documents stored so far, this batch included. */
      readonly stored: number;
      readonly encodeMilliseconds: number;
      readonly upsertMilliseconds: number;
    };
