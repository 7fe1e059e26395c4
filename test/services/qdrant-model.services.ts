import { afterAll, beforeAll, expect, inject, it } from "vitest";
import { Random } from "../../packages/core/src/testing/random.ts";
import { ModelEngine } from "../fakes/qdrant/model-engine.ts";
import type { QdrantCall } from "../fakes/qdrant/qdrant-engine.ts";
import { because } from "./engines.ts";
import { EdgeEngine } from "./servers/edge-engine.ts";

interface Hit {
  readonly id: number;
  readonly score: number;
}

const collection = "model";
const points = 60;
const random = new Random(11);
const whole = () => random.below(6) - 2;
const sparseOf = (weight: () => number) => {
  const indices = random.distinct(1 + random.below(4), 9);
  return { indices, values: indices.map(weight) };
};

/**
 * A point with whole weights, so that equal scores come often. In `apart` and `line` no two points are alike: what ranks
 * them has one answer.
 */
function pointOf(id: number): object {
  const some = (vector: object) => (random.below(8) === 0 ? {} : vector);
  const sparse = sparseOf(() => whole() || 1);
  return {
    id,
    vector: {
      ...some({ sparse }),
      ...some({ cosine: [whole(), whole()] }),
      ...some({ euclid: [whole(), whole()] }),
      dot: [whole(), whole()],
      apart: { indices: [3], values: [1 + ((id * 7) % points)] },
      line: [((id * 11) % points) + 0.5, 0],
    },
    payload: {
      terms: sparse.indices.map((index) => `t${index}`),
      flag: random.below(2) === 1,
      deep: { "odd name": whole(), list: [whole(), whole() / 2], "": whole() },
      none: null,
    },
  };
}

function randomCondition(depth: number): object {
  const list = () => Array.from({ length: random.below(3) }, () => randomCondition(depth - 1));
  if (depth > 0 && random.below(2) === 0) {
    return { must: list(), must_not: list(), ...(random.below(2) === 0 ? {} : { should: list() }) };
  }
  return random.pick<() => object>([
    () => ({ key: "terms", match: { value: `t${random.below(10)}` } }),
    () => ({ key: "terms", match: { any: [`t${random.below(10)}`, "t3"] } }),
    () => ({ key: "flag", match: { value: random.below(2) === 0 } }),
    () => ({
      key: random.pick(['deep."odd name"', 'deep.""', "deep.list", "deep.list[]", "none", "deep"]),
      range: { gte: whole(), lt: 2 },
    }),
    () => ({ has_id: [random.below(points), random.below(points)] }),
    () => ({ key: "deep", match: { value: "t1" } }),
  ])();
}

function nearestOf(using: string): object {
  const query = using === "sparse" || using === "apart" ? sparseOf(() => whole() || 2) : [whole(), whole()];
  return {
    query: using === "apart" ? { indices: [3], values: [1] } : using === "line" ? [1, 0] : query,
    using,
  };
}

const { qdrant, missing } = inject("servers");
const python = qdrant?.python;
const isMissing = python === undefined;

let edge: EdgeEngine;
const model = new ModelEngine();
/** What both answer; a refusal is its name. */
async function ask(call: QdrantCall, body: object): Promise<[unknown, unknown]> {
  const one = async (engine: EdgeEngine | ModelEngine) => engine.ask(call, collection, body);
  const answers = await Promise.allSettled([one(model), one(edge)]);
  return answers.map((answer) => (answer.status === "fulfilled" ? answer.value : "refused")) as [
    unknown,
    unknown,
  ];
}

beforeAll(async () => {
  if (isMissing) return;
  edge = await EdgeEngine.start(python);
  const dense = (distance: string) => ({ size: 2, distance });
  await ask("create", {
    vectors: { cosine: dense("Cosine"), euclid: dense("Euclid"), dot: dense("Dot"), line: dense("Dot") },
    sparse_vectors: { sparse: {}, apart: {} },
  });
  await ask("upsert", { points: Array.from({ length: points }, (_, id) => pointOf(id)) });
});
afterAll(() => edge?.stop());

const hitsOf = (answer: unknown) => (answer as { points: Hit[] }).points;

/** The same points with the same scores; equal scores in any order. */
function expectSameHits([ours, theirs]: [unknown, unknown], what: object): void {
  const byId = (hits: readonly Hit[]) => [...hits].sort((a, b) => a.id - b.id).map(({ id }) => id);
  expect([byId(hitsOf(ours)), what]).toEqual([byId(hitsOf(theirs)), what]);
  const scores = new Map(hitsOf(ours).map(({ id, score }) => [id, score]));
  for (const { id, score } of hitsOf(theirs)) {
    expect([Math.abs(score - scores.get(id)!) < 1e-6, id, score, scores.get(id), what]).toEqual([
      true,
      id,
      score,
      scores.get(id),
      what,
    ]);
  }
}

it.skipIf(isMissing)(`searches and filters as Qdrant's engine does${because(missing.qdrant)}`, async () => {
  for (let run = 0; run < 400; run++) {
    const filter = run % 3 === 0 ? undefined : { must: [randomCondition(2)] };
    const body = {
      ...nearestOf(random.pick(["sparse", "cosine", "euclid", "dot"])),
      limit: points,
      params: { exact: true },
      ...(filter === undefined ? {} : { filter }),
    };
    expectSameHits(await ask("query", body), body);
    const [ours, theirs] = await ask("count", { filter });
    expect([ours, filter]).toEqual([theirs, filter]);
    const page = {
      limit: 1 + random.below(20),
      offset: random.below(points),
      with_payload: true,
      with_vector: true,
      filter,
    };
    const [own, other] = await ask("scroll", page);
    expect([own, page]).toEqual([other, page]);
  }
});

it.skipIf(isMissing)(`fuses as Qdrant's engine does${because(missing.qdrant)}`, async () => {
  for (let run = 0; run < 200; run++) {
    const filter = { must: [randomCondition(1)] };
    const prefetch = ["apart", "line", "apart"].slice(0, 1 + random.below(3)).map((using) => ({
      ...nearestOf(using),
      limit: 1 + random.below(30),
      ...(random.below(2) === 0 ? {} : { filter }),
    }));
    const weights = prefetch.map(() => 0.5 + random.below(4));
    const rrf = { k: 1 + random.below(70), ...(random.below(2) === 0 ? {} : { weights }) };
    const body = { prefetch, query: { rrf }, limit: 3 * points };
    expectSameHits(await ask("query", body), body);
    const dbsf = {
      prefetch: ["sparse", "cosine", "dot"].map((using) => ({
        ...nearestOf(using),
        limit: points,
        ...(random.below(2) === 0 ? {} : { filter }),
      })),
      query: { fusion: "dbsf" },
      limit: points,
    };
    expectSameHits(await ask("query", dbsf), dbsf);
  }
});
