import { throwIfAborted } from "../../calls/index.ts";
import type { EngineClient } from "../engine/engine-client.ts";
import { tenantKey } from "../tenant.ts";
import { type MilvusConnection, type MilvusRow, succeeded } from "./milvus-client.ts";
import { ofDocuments } from "./milvus-filter.ts";
import type { ResolvedMilvusOptions } from "./milvus-options.ts";
import { tenantField } from "./milvus-schema.ts";

/** Keys that one expression names. */
const keysAtOnce = 500;

/** The rows of a collection, or of the partition that a store keeps to. */
export class MilvusTable {
  private readonly engine: EngineClient<MilvusConnection>;
  private readonly options: ResolvedMilvusOptions;
  /** The tenant as it stands in its field. */
  readonly tenant: string | undefined;

  constructor(engine: EngineClient<MilvusConnection>, options: ResolvedMilvusOptions) {
    this.engine = engine;
    this.options = options;
    this.tenant = options.tenant === undefined ? undefined : tenantKey(options.tenant);
  }

  /** The expression for documents of the tenant that an expression holds for. Every request has it. */
  within(expression: string): string {
    // The key of a tenant has no quotes.
    return this.tenant === undefined ? expression : `${tenantField} == "${this.tenant}" and (${expression})`;
  }

  /** Where a request writes. */
  get target(): object {
    const { collection, partition } = this.options;
    return { collection_name: collection, ...(partition === undefined ? {} : { partition_name: partition }) };
  }

  /** What a request looks through. */
  get scope(): object {
    const { collection, partition, consistency } = this.options;
    return {
      collection_name: collection,
      ...(partition === undefined ? {} : { partition_names: [partition] }),
      consistency_level: consistency,
    };
  }

  /** The rows that have one of these keys. */
  async *withKeys(
    keys: readonly string[],
    fields: readonly string[],
    signal: AbortSignal | undefined,
  ): AsyncGenerator<readonly MilvusRow[], void, undefined> {
    for (let start = 0; start < keys.length; start += keysAtOnce) {
      throwIfAborted(signal);
      const wanted = keys.slice(start, start + keysAtOnce);
      yield await this.query(this.within(`key in ${toList(wanted)}`), fields, keysAtOnce, signal);
    }
  }

  /** Rows after a key, in its order. */
  async *after(
    key: string,
    condition: string | undefined,
    size: number,
    fields: readonly string[],
    signal: AbortSignal | undefined,
  ): AsyncGenerator<readonly MilvusRow[], void, undefined> {
    const filter = condition === undefined ? "" : ` and ${condition}`;
    for (let last = key; ; ) {
      throwIfAborted(signal);
      const rows = await this.query(this.within(`key > "${last}"${filter}`), fields, size, signal);
      const page = [...rows];
      page.sort((a, b) => ((a.key as string) < (b.key as string) ? -1 : 1));
      if (page.length > 0) yield page;
      if (page.length < size) return;
      last = page.at(-1)!.key as string;
    }
  }

  private async query(
    filter: string,
    fields: readonly string[],
    limit: number | undefined,
    signal: AbortSignal | undefined,
  ): Promise<readonly MilvusRow[]> {
    const request = {
      ...this.scope,
      filter,
      output_fields: [...fields],
      ...(limit === undefined ? {} : { limit }),
    };
    return this.engine.attempt(signal, async (client) => {
      const answer = await client.query(request);
      // What Milvus Lite says when vectors are asked for and it never had any.
      if (/loss raw data/.test(answer.status?.reason ?? "") && (await this.count(undefined, signal)) === 0)
        return [];
      return succeeded(answer).data;
    });
  }

  /** How many documents a condition holds for. */
  count(condition: string | undefined, signal: AbortSignal | undefined): Promise<number> {
    return this.countAll(this.within(ofDocuments(condition)), signal);
  }

  /** How many rows a condition holds for, of any tenant. */
  async countAll(condition: string, signal: AbortSignal | undefined): Promise<number> {
    const [row] = await this.query(condition, ["count(*)"], undefined, signal);
    return Number(row?.["count(*)"] ?? 0);
  }

  /** Removes what has these keys, all of which are there. */
  async remove(keys: readonly string[], signal: AbortSignal | undefined): Promise<number> {
    for (let start = 0; start < keys.length; start += keysAtOnce) {
      throwIfAborted(signal);
      const filter = this.within(`key in ${toList(keys.slice(start, start + keysAtOnce))}`);
      await this.engine.attempt(signal, async (client) =>
        succeeded(await client.delete({ ...this.target, filter })),
      );
    }
    return keys.length;
  }
}

/** Keys have no quotes. */
function toList(keys: readonly string[]): string {
  return `[${keys.map((key) => `"${key}"`).join(", ")}]`;
}
