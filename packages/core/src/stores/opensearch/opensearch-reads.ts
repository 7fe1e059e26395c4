import { SparseEncoderError } from "../../errors.ts";
import type { EngineClient } from "../engine/engine-client.ts";
import type { OpenSearchAnswer, OpenSearchConnection, OpenSearchHit } from "./opensearch-client.ts";
import type { OpenSearchQuery } from "./opensearch-filter.ts";
import type { ResolvedOpenSearchOptions } from "./opensearch-options.ts";

type Source = Readonly<Record<string, unknown>>;

/** The requests that read an index. */
export class OpenSearchReads {
  private readonly engine: EngineClient<OpenSearchConnection>;
  private readonly options: ResolvedOpenSearchOptions;

  private readonly routing: { readonly routing?: string };

  /** @param routing what the shard is chosen by that has all that is to be read; undefined for all shards */
  constructor(
    engine: EngineClient<OpenSearchConnection>,
    options: ResolvedOpenSearchOptions,
    routing: string | undefined,
  ) {
    this.engine = engine;
    this.routing = routing === undefined ? {} : { routing };
    this.options = options;
  }

  /** The sources of the documents of these `_id`s, as far as they are there. */
  async sources(ids: readonly string[], signal: AbortSignal | undefined): Promise<Source[]> {
    const { index } = this.options;
    const body = { docs: ids.map((_id) => ({ _id, ...this.routing })) };
    const { body: answer } = await this.engine.attempt(signal, (client) => client.mget({ index, body }));
    // A document whose shard does not answer comes with an error, and as little as one that is not there.
    this.checkWhole({ _shards: { failed: answer.docs.filter(({ error }) => error !== undefined).length } });
    return answer.docs.flatMap(({ found, _source }) =>
      found !== true || _source === undefined ? [] : [_source],
    );
  }

  /** How many documents a query finds. */
  async count(query: OpenSearchQuery, signal: AbortSignal | undefined): Promise<number> {
    const { index } = this.options;
    const { body } = await this.engine.attempt(signal, (client) =>
      client.count({ index, ...this.routing, body: { query } }),
    );
    this.checkWhole(body);
    return body.count;
  }

  /** Documents after a key that a query finds, in the order of keys. */
  async *sorted(
    after: string,
    query: OpenSearchQuery,
    size: number,
    source: readonly string[] | true,
    signal: AbortSignal | undefined,
  ): AsyncGenerator<readonly OpenSearchHit[], void, undefined> {
    for (let last = after; ; ) {
      const sort = [{ key: "asc" }];
      const request = {
        query: { bool: { filter: [query] } },
        size,
        sort,
        search_after: [last],
        _source: source,
      };
      const { hits: page } = await this.search(request, signal);
      if (page.length > 0) yield page;
      if (page.length < size) return;
      last = page.at(-1)!.sort![0] as string;
    }
  }

  /** The hits of a search, and how many shards were searched. */
  async search(
    body: object,
    signal: AbortSignal | undefined,
  ): Promise<{ hits: readonly OpenSearchHit[]; shards: number | undefined }> {
    const { hits, _shards: shards } = await this.answer(body, signal);
    return { hits: hits.hits, shards: shards?.total };
  }

  /** The whole answer to a search. */
  async answer(body: object, signal: AbortSignal | undefined): Promise<OpenSearchAnswer> {
    const { index } = this.options;
    const answer = await this.engine.attempt(signal, (client) =>
      client.search({ index, ...this.routing, body }),
    );
    this.checkWhole(answer.body);
    return answer.body;
  }

  /** A cluster answers with what some of its shards found, as if it were all. */
  private checkWhole({
    timed_out: timedOut,
    _shards: shards,
  }: {
    timed_out?: boolean;
    _shards?: { failed?: number };
  }): void {
    if (timedOut !== true && (shards?.failed ?? 0) === 0) return;
    throw new SparseEncoderError(
      "STORE_FAILED",
      `The ${this.options.dialect.store} store failed: ${timedOut === true ? "the search ran out of time" : `shards did not answer (${shards?.failed} failures)`}, so the answer would be a part of it. Check the cluster's health; the call may be made again.`,
    );
  }
}
