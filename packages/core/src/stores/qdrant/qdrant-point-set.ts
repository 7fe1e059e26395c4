import type { EngineClient } from "../engine/engine-client.ts";
import type { QdrantConnection, QdrantPoint } from "./qdrant-client.ts";
import type { QdrantCondition } from "./qdrant-filter.ts";

/** Points that a request names or gives at once. */
const idsAtOnce = 1000;

/** The points of a collection. */
export class QdrantPointSet {
  private readonly engine: EngineClient<QdrantConnection>;
  private readonly collection: string;
  private readonly scope: readonly QdrantCondition[];

  /** @param scope conditions that all points pass which this set counts and gives */
  constructor(engine: EngineClient<QdrantConnection>, collection: string, scope: readonly QdrantCondition[]) {
    this.engine = engine;
    this.collection = collection;
    this.scope = scope;
  }

  /** How many points pass. */
  async count(conditions: readonly QdrantCondition[], signal: AbortSignal | undefined): Promise<number> {
    const request = { exact: true, ...this.filter(conditions) };
    const { count } = await this.engine.attempt(signal, (client) => client.count(this.collection, request));
    return count;
  }

  /** The points of these ids, as far as they are there. */
  async retrieve(
    ids: readonly (string | number)[],
    what: { with_payload: boolean; with_vector: boolean },
    signal: AbortSignal | undefined,
  ): Promise<QdrantPoint[]> {
    const found: QdrantPoint[] = [];
    for (let start = 0; start < ids.length; start += idsAtOnce) {
      const request = { ids: ids.slice(start, start + idsAtOnce), ...what };
      found.push(
        ...(await this.engine.attempt(signal, (client) => client.retrieve(this.collection, request))),
      );
    }
    return found;
  }

  /** The points that pass. */
  async *scroll(
    conditions: readonly QdrantCondition[],
    payload: readonly string[] | false,
    signal: AbortSignal | undefined,
  ): AsyncGenerator<readonly QdrantPoint[], void, undefined> {
    for (let offset: unknown; ; ) {
      const request = {
        limit: idsAtOnce,
        with_payload: payload,
        with_vector: false,
        ...this.filter(conditions),
        ...(offset === undefined ? {} : { offset }),
      };
      const page = await this.engine.attempt(signal, (client) => client.scroll(this.collection, request));
      yield page.points;
      if (page.next_page_offset === undefined || page.next_page_offset === null) return;
      offset = page.next_page_offset;
    }
  }

  private filter(conditions: readonly QdrantCondition[]): { filter?: object } {
    const all = [...this.scope, ...conditions];
    return all.length === 0 ? {} : { filter: allOf(all) };
  }

  /** Removes points, all of which are there. */
  async remove(points: readonly string[], signal: AbortSignal | undefined): Promise<number> {
    for (let start = 0; start < points.length; start += idsAtOnce) {
      const request = { points: points.slice(start, start + idsAtOnce), wait: true };
      await this.engine.attempt(signal, (client) => client.delete(this.collection, request));
    }
    return points.length;
  }
}

/** The filter that all of these conditions make. */
export function allOf(conditions: readonly QdrantCondition[]): object {
  return { must: conditions };
}
