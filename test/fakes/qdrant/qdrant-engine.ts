/** What answers requests that the HTTP shell of the fake has checked: a model of Qdrant, or Qdrant's own engine. */
export interface QdrantEngine {
  /**
   * @param call what is asked for, such as `upsert`
   * @param body as the REST API has it
   * @returns the result as the REST API has it
   * @throws Refusal
   */
  ask(call: QdrantCall, collection: string, body: unknown): unknown;
}

export type QdrantCall =
  | "create"
  | "drop"
  | "index"
  | "upsert"
  | "delete"
  | "retrieve"
  | "count"
  | "scroll"
  | "query";
