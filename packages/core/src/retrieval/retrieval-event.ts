import type { FoundDocument } from "./arms/arm.ts";
import type { RetrievedDocument } from "./retrieval-result.ts";

/**
 * What a retriever did, with the time it took in milliseconds. For logs and traces; results do not depend on it. Each query
 * of a call has events of its own, so `queries` is 1 and `results` holds one list.
 */
export type RetrievalEvent =
  /** An arm is asked. */
  | {
      /** Says which event it is. */
      readonly type: "armStart";
      /** Name of the arm. */
      readonly arm: string;
      /** Queries of the event: 1. */
      readonly queries: number;
    }
  /** An arm answered. */
  | {
      /** Says which event it is. */
      readonly type: "arm";
      /** Name of the arm. */
      readonly arm: string;
      /** Queries of the event: 1. */
      readonly queries: number;
      /** Hits that were found. */
      readonly hits: number;
      /** The hits, best first. */
      readonly results: readonly (readonly FoundDocument[])[];
      /** Time to encode. */
      readonly encodeMilliseconds: number;
      /** Time to search. */
      readonly searchMilliseconds: number;
    }
  /** An arm failed; with `onArmError: "degrade"` the call goes on without it. */
  | {
      /** Says which event it is. */
      readonly type: "armFailed";
      /** Name of the arm. */
      readonly arm: string;
      /** What the arm failed with. */
      readonly error: unknown;
      /** Time that it took. */
      readonly milliseconds: number;
    }
  /** The answers of the arms were fused. */
  | {
      /** Says which event it is. */
      readonly type: "fusion";
      /** Documents that any arm found. */
      readonly documents: number;
      /** The documents, best first, before they are reranked, diversified and cut to k. */
      readonly results: readonly (readonly RetrievedDocument[])[];
      /** Time that it took. */
      readonly milliseconds: number;
    }
  /** The candidates were reranked. */
  | {
      /** Says which event it is. */
      readonly type: "rerank";
      /** Documents that it was given. */
      readonly candidates: number;
      /** Time that it took. */
      readonly milliseconds: number;
    }
  /** Diverse documents were chosen from the candidates. */
  | {
      /** Says which event it is. */
      readonly type: "mmr";
      /** Documents that it was given. */
      readonly candidates: number;
      /** Time that it took. */
      readonly milliseconds: number;
    }
  /** The option `transform` changed the documents found. */
  | {
      /** Says which event it is. */
      readonly type: "transform";
      /** Name of the function. */
      readonly name: string;
      /** Documents that it was given. */
      readonly candidates: number;
      /** The documents that it gave, in their order. */
      readonly results: readonly (readonly RetrievedDocument[])[];
      /** Time that it took. */
      readonly milliseconds: number;
    }
  /** A query is answered. */
  | {
      /** Says which event it is. */
      readonly type: "retrieve";
      /** Queries of the event: 1. */
      readonly queries: number;
      /** Hits that were found. */
      readonly hits: number;
      /** Names of the arms that failed. */
      readonly failedArms: readonly string[];
      /** Time that it took. */
      readonly milliseconds: number;
    }
  /** A batch of `add` is stored. */
  | {
      /** Says which event it is. */
      readonly type: "batch";
      /** Documents of the batch. */
      readonly documents: number;
      /** Documents stored so far, this batch included. */
      readonly stored: number;
      /** Time to encode. */
      readonly encodeMilliseconds: number;
      /** Time to store. */
      readonly upsertMilliseconds: number;
    };
