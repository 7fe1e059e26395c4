import { type Json, Refusal } from "../fake-server.ts";
import type { QdrantCall, QdrantEngine } from "./qdrant-engine.ts";

type Vector = number[] | { indices: number[]; values: number[] };

type PointId = string | number;

interface Point {
  readonly id: PointId;
  readonly vector: Readonly<Record<string, Vector>>;
  readonly payload: Json;
}

interface Collection {
  readonly vectors: Readonly<Record<string, { size: number; distance: string }>>;
  readonly sparse: ReadonlySet<string>;
  readonly points: Map<PointId, Point>;
}

interface Scored {
  readonly point: Point;
  readonly score: number;
}

/** Qdrant scales no vector whose squares, in float32, sum up to less. */
const shortest = 2 ** -23;

/**
 * A model of Qdrant's engine in memory, which takes bodies that the HTTP shell has checked. `qdrant-model.services.ts` compares
 * it with Qdrant's own engine, request by request. What it had wrong until then stands in docs/stores.md.
 */
export class ModelEngine implements QdrantEngine {
  private readonly collections = new Map<string, Collection>();

  ask(call: QdrantCall, name: string, given: unknown): unknown {
    const body = (given ?? {}) as Json;
    if (call === "create") {
      this.collections.set(name, {
        vectors: body.vectors as Collection["vectors"],
        sparse: new Set(Object.keys(body.sparse_vectors as object)),
        points: new Map(),
      });
      return undefined;
    }
    const collection = this.collections.get(name)!;
    const { points } = collection;
    switch (call) {
      case "drop":
        this.collections.delete(name);
        return undefined;
      case "index":
        return undefined;
      case "upsert":
        return upsert(collection, body.points as Json[]);
      case "delete":
        for (const id of body.points as PointId[]) points.delete(id);
        return undefined;
      case "retrieve":
        return (body.ids as PointId[])
          .map((id) => points.get(id))
          .filter((point) => point !== undefined)
          .map((point) => show(point, body));
      case "count":
        return { count: matching(collection, body.filter).length };
      case "scroll":
        return scroll(collection, body);
      case "query": {
        const hits = "prefetch" in body ? fused(collection, body) : nearest(collection, body);
        const { with_payload } = body;
        return {
          points: hits.map(({ point, score }) => ({ ...show(point, { with_payload }), version: 0, score })),
        };
      }
    }
  }
}

function upsert(collection: Collection, given: readonly Json[]): void {
  const points = given.map(({ id, vector, payload }): Point => {
    const vectors = (Array.isArray(vector) ? { "": vector } : vector) as Record<string, Vector>;
    const kept = Object.entries(vectors).map(([name, value]) => [name, stored(collection, name, value)]);
    return { id: id as PointId, vector: Object.fromEntries(kept), payload: payload as Json };
  });
  for (const point of points) collection.points.set(point.id, point);
}

function stored(collection: Collection, name: string, value: Vector): Vector {
  if (!Array.isArray(value)) {
    if (!collection.sparse.has(name)) throw new Refusal(400, `Not existing vector name error: ${name}`);
    return { indices: value.indices, values: value.values.map(Math.fround) };
  }
  const params = collection.vectors[name];
  if (params === undefined) throw new Refusal(400, `Not existing vector name error: ${name}`);
  if (value.length !== params.size) throw new Refusal(400, "Vector dimension error");
  if (params.distance !== "Cosine") return value.map(Math.fround);
  const squares = value.reduce((sum, one) => Math.fround(sum + Math.fround(Math.fround(one) ** 2)), 0);
  if (squares < shortest || Math.abs(squares - 1) <= 1e-6) return value.map(Math.fround);
  return value.map((one) => Math.fround(one / Math.fround(Math.sqrt(squares))));
}

function show({ id, vector, payload }: Point, what: Json): Json {
  const { with_payload: wanted, with_vector: withVector } = what;
  const shown = Array.isArray(wanted)
    ? Object.fromEntries(wanted.map((name: string) => [name, payload[name]]))
    : wanted === true
      ? payload
      : null;
  const isAlone = Object.keys(vector).join() === "";
  return {
    id,
    payload: shown,
    ...(withVector === true ? { vector: isAlone ? (vector[""] ?? {}) : vector } : {}),
  };
}

function matching(collection: Collection, filter: unknown): Point[] {
  return [...collection.points.values()].filter((point) => filter === undefined || passes(filter, point));
}

function scroll(collection: Collection, body: Json): Json {
  const limit = body.limit as number;
  const points = matching(collection, body.filter)
    .filter(({ id }) => body.offset === undefined || !comesBefore(id, body.offset as PointId))
    .sort((a, b) => (comesBefore(a.id, b.id) ? -1 : 1));
  return {
    points: points.slice(0, limit).map((point) => show(point, body)),
    next_page_offset: points[limit]?.id ?? null,
  };
}

/** Numbers come before UUIDs. */
function comesBefore(a: PointId, b: PointId): boolean {
  return typeof a === typeof b ? a < b : typeof a === "number";
}

function fused(collection: Collection, body: Json): Scored[] {
  const lists = (body.prefetch as Json[]).map((prefetch) => nearest(collection, prefetch));
  const scores = new Map<Point, number>();
  const add = (point: Point, score: number) =>
    scores.set(point, Math.fround((scores.get(point) ?? 0) + Math.fround(score)));
  const { rrf } = body.query as { rrf?: { k?: number; weights?: number[] } };
  if (rrf !== undefined) {
    const { k = 2, weights } = rrf;
    for (const [number, list] of lists.entries()) {
      for (const [position, { point }] of list.entries()) {
        add(point, 1 / ((position + 1) / (weights?.[number] ?? 1) + k - 1));
      }
    }
  } else {
    for (const list of lists) {
      const mean = list.reduce((sum, { score }) => sum + score, 0) / list.length;
      const variance = list.reduce((sum, { score }) => sum + (score - mean) ** 2, 0) / (list.length - 1);
      const low = mean - 3 * Math.sqrt(variance);
      const high = mean + 3 * Math.sqrt(variance);
      for (const { point, score } of list) add(point, high > low ? (score - low) / (high - low) : 0.5);
    }
  }
  return [...scores]
    .map(([point, score]) => ({ point, score }))
    .sort((a, b) => b.score - a.score)
    .slice(0, body.limit as number);
}

function nearest(collection: Collection, body: Json): Scored[] {
  const name = body.using as string;
  const wanted = stored(collection, name, body.query as Vector);
  const isEuclidean = collection.vectors[name]?.distance === "Euclid";
  const hits: Scored[] = [];
  for (const point of matching(collection, body.filter)) {
    const vector = point.vector[name];
    if (vector === undefined) continue;
    const score = scoreOf(wanted, vector, isEuclidean);
    // Qdrant's sparse index passes over points whose weights add up to 0; among few that pass a filter it compares one by one.
    const isPassedOver = score === 0 && !Array.isArray(vector) && body.filter === undefined;
    if (score !== undefined && !isPassedOver) hits.push({ point, score: Math.fround(score) });
  }
  hits.sort((a, b) => (isEuclidean ? a.score - b.score : b.score - a.score));
  return hits.slice(0, body.limit as number);
}

function scoreOf(a: Vector, b: Vector, isEuclidean: boolean): number | undefined {
  if (Array.isArray(a) && Array.isArray(b)) {
    return isEuclidean
      ? Math.hypot(...a.map((value, position) => value - b[position]!))
      : a.reduce((sum, value, position) => sum + value * b[position]!, 0);
  }
  if (Array.isArray(a) || Array.isArray(b)) return undefined;
  const weights = new Map(b.indices.map((index, position) => [index, b.values[position]!]));
  const shared = a.indices.flatMap((index, position) =>
    weights.has(index) ? [a.values[position]! * weights.get(index)!] : [],
  );
  return shared.length === 0 ? undefined : shared.reduce((sum, part) => sum + part, 0);
}

/** A key leads through objects, and looks into arrays at its end. */
function passes(condition: unknown, point: Point): boolean {
  const one = condition as Json;
  if ("key" in one) {
    let value: unknown = point.payload;
    for (const [name] of (one.key as string).matchAll(/[\w-]+|"[^"]*"/g)) {
      value = (value as Json | undefined)?.[name.replaceAll('"', "")];
    }
    const values = Array.isArray(value) ? value : [value];
    if ("match" in one) {
      const { value: wanted, any } = one.match as { value?: unknown; any?: unknown[] };
      return values.some((found) => (any === undefined ? found === wanted : any.includes(found)));
    }
    const { gt, gte, lt, lte } = one.range as Record<string, number | undefined>;
    return values.some(
      (found) =>
        typeof found === "number" &&
        (gt === undefined || found > gt) &&
        (gte === undefined || found >= gte) &&
        (lt === undefined || found < lt) &&
        (lte === undefined || found <= lte),
    );
  }
  if ("has_id" in one) return (one.has_id as PointId[]).includes(point.id);
  const { must = [], should, must_not: mustNot = [] } = one as Record<string, unknown[]>;
  return (
    must.every((part) => passes(part, point)) &&
    (should === undefined || should.length === 0 || should.some((part) => passes(part, point))) &&
    !mustNot.some((part) => passes(part, point))
  );
}
