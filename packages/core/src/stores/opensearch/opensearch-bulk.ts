import { SparseEncoderError } from "../../errors.ts";
import type { EngineClient } from "../engine/engine-client.ts";
import { adviceOf } from "../engine/engine-requests.ts";
import { EngineWrites } from "../engine/engine-writes.ts";
import type { OpenSearchConnection, OpenSearchItem } from "./opensearch-client.ts";
import { blockAdvice } from "./opensearch-connection.ts";
import type { ResolvedOpenSearchOptions } from "./opensearch-options.ts";

/** Items of one bulk, and bytes of JSON, about. */
const size = { count: 1000, bytes: 1 << 23 };

/** An item of a bulk: what is to be done, and the document if there is one. */
export type BulkItem = readonly [action: object, source?: object];

/** What a call changes. */
export interface BulkChanges {
  /** Made one by one, as requests need them. */
  readonly items: Iterable<BulkItem>;
  readonly total: number;
  readonly outcome: "stored" | "deleted";
}

/** The changes of an index, many in a request. */
export class OpenSearchBulk {
  private readonly writes: EngineWrites<OpenSearchConnection>;
  private readonly options: ResolvedOpenSearchOptions;

  constructor(engine: EngineClient<OpenSearchConnection>, options: ResolvedOpenSearchOptions) {
    this.writes = new EngineWrites(engine, options.writesAtOnce);
    this.options = options;
  }

  /** Resolves with how many documents were deleted. Only items that were refused for want of capacity are sent again. */
  async send(changes: BulkChanges, signal: AbortSignal | undefined): Promise<number> {
    const { index, refresh, dialect } = this.options;
    const left = new WeakMap<readonly BulkItem[], readonly BulkItem[]>();
    let deleted = 0;
    await this.writes.run<BulkItem>(
      {
        ...changes,
        size,
        send: async (client, part, done) => {
          const sent = left.get(part) ?? part;
          const { body } = await client.bulk({ index, refresh, body: sent.flat() });
          if (body.items.length !== sent.length) throw new Error("the answer to a bulk lacks items");
          const outcomes = body.items.map((item) => Object.values(item)[0]!);
          deleted += outcomes.filter(({ result }) => result === "deleted").length;
          done(outcomes.filter(({ status }) => status < 300).length);
          left.set(
            part,
            sent.filter((_, position) => outcomes[position]!.status === 429),
          );
          checkOutcomes(dialect.store, outcomes);
        },
      },
      signal,
    );
    return deleted;
  }
}

/** @throws SparseEncoderError `STORE_FAILED` for an item that was refused for good; {@link Overloaded} */
function checkOutcomes(store: string, outcomes: readonly OpenSearchItem[]): void {
  const refused = outcomes.find(({ status }) => status >= 300 && status !== 404 && status !== 429);
  if (refused !== undefined) {
    const { type = "", reason = "" } = refused.error ?? {};
    const advice = adviceOf(blockAdvice(reason), false);
    throw new SparseEncoderError(
      "STORE_FAILED",
      `The ${store} store failed: a document was refused (${refused.status} ${type}: ${reason}). ${advice}`.trim(),
    );
  }
  const overloaded = outcomes.filter(({ status }) => status === 429);
  if (overloaded.length === 0) return;
  throw new Overloaded(
    `${overloaded.length} items were refused for want of capacity (${overloaded[0]!.error?.reason ?? "no reason given"})`,
  );
}

/** Items of a bulk that may be taken later. */
class Overloaded extends Error {
  readonly statusCode = 429;
}
