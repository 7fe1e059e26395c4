import type { FoundDocument } from "./arm.ts";
import type { RetrievedDocument } from "./retrieve-call.ts";

/** What a retriever did, with the time it took in milliseconds. For logs and traces; results do not depend on it. */
export type RetrievalEvent =
  /** An arm is asked. */
  | { readonly type: "armStart"; readonly arm: string; readonly queries: number }
  /** An arm answered. */
  | {
      readonly type: "arm";
      readonly arm: string;
      readonly queries: number;
      readonly hits: number;
      /** The hits, query by query, best first. */
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
  /** The answers of all queries were fused. */
  | {
      readonly type: "fusion";
      readonly documents: number;
      /** The documents, query by query, best first, before they are reranked, diversified and cut to k. */
      readonly results: readonly (readonly RetrievedDocument[])[];
      readonly milliseconds: number;
    }
  /** The candidates of one query were reranked. */
  | { readonly type: "rerank"; readonly candidates: number; readonly milliseconds: number }
  /** The candidates of one query were chosen from for diversity. */
  | { readonly type: "mmr"; readonly candidates: number; readonly milliseconds: number }
  /** A call of `retrieve` or `retrieveMany` is done. */
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
