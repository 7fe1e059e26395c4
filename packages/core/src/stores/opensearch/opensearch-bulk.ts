import { throwIfAborted } from "../../calls/index.ts";
import { SparseEncoderError } from "../../errors.ts";
import type { EngineClient } from "../engine/engine-client.ts";
import { adviceOf, toRequests } from "../engine/engine-requests.ts";
import type { OpenSearchConnection } from "./opensearch-client.ts";
import { blockAdvice } from "./opensearch-connection.ts";
import type { ResolvedOpenSearchOptions } from "./opensearch-options.ts";

/** Bytes of JSON, about, and items of one bulk. */
const request = { count: 1000, bytes: 1 << 23 };

/** An item of a bulk: what is to be done, and the document if there is one. */
export type BulkItem = readonly [action: object, source?: object];

/** The changes of an index, many in a request. */
export class OpenSearchBulk {
  private readonly engine: EngineClient<OpenSearchConnection>;
  private readonly options: ResolvedOpenSearchOptions;

  constructor(engine: EngineClient<OpenSearchConnection>, options: ResolvedOpenSearchOptions) {
    this.engine = engine;
    this.options = options;
  }

  /** Resolves with how many documents were deleted. Only items that were refused for want of capacity are sent again. */
  async send(items: readonly BulkItem[], signal: AbortSignal | undefined): Promise<number> {
    let deleted = 0;
    let done = 0;
    for (const part of toRequests(items, request)) {
      let left: readonly BulkItem[] = part;
      await this.engine.attempt(signal, async (client) => {
        throwIfAborted(signal);
        const sent = left;
        const { body } = await client.bulk({
          index: this.options.index,
          refresh: this.options.refresh,
          body: sent.flat(),
        });
        if (body.items.length !== sent.length) throw new Error("the answer to a bulk lacks items");
        const outcomes = body.items.map((item) => Object.values(item)[0]!);
        deleted += outcomes.filter(({ result }) => result === "deleted").length;
        left = sent.filter((_, position) => outcomes[position]!.status === 429);
        const refused = outcomes.find(({ status }) => status >= 300 && status !== 404 && status !== 429);
        const overloaded = outcomes.find(({ status }) => status === 429);
        done += outcomes.filter(({ status }) => status < 300).length;
        if (refused !== undefined) {
          const { type = "", reason = "" } = refused.error ?? {};
          const advice = adviceOf(blockAdvice(reason), false);
          throw new SparseEncoderError(
            "STORE_FAILED",
            `The opensearch store failed: a document was refused (${refused.status} ${type}: ${reason}); ${done} of ${items.length} were stored. ${advice}`.trim(),
          );
        }
        if (overloaded !== undefined) {
          throw new Overloaded(
            `${left.length} items were refused for want of capacity (${overloaded.error?.reason ?? "no reason given"})`,
          );
        }
      });
    }
    return deleted;
  }
}

/** Items of a bulk that may be taken later. */
class Overloaded extends Error {
  readonly statusCode = 429;
}
