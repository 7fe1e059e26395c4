import { check, checkNames, type Json } from "../fake-server.ts";

/** A document as a search finds it. */
export interface Scored {
  readonly _id: string;
  readonly source: Json;
  readonly score: number;
}

/** The score of the worst document of a list that is scaled from its worst to its best. */
const leastScore = 0.001;

/**
 * The hits of a `hybrid` query with a pipeline for this request, on an index of one shard, as OpenSearch 2.19 fuses them.
 * @param scored what one of its queries finds, best first
 */
export function hybridHits(body: Json, scored: (query: unknown) => Scored[]): Scored[] {
  const { hybrid } = body.query as Json;
  checkNames("hybrid", hybrid, ["queries", "pagination_depth"]);
  const queries = hybrid.queries as unknown[];
  check(queries.length <= 5, "Number of sub-queries exceeds maximum supported by [hybrid] query");
  const depth = hybrid.pagination_depth as number;
  check(
    depth >= 1 && depth <= 10_000,
    "pagination_depth should be less than or equal to index.max_result_window",
  );
  checkNames("search_pipeline", body.search_pipeline, ["phase_results_processors"]);
  const processors = body.search_pipeline.phase_results_processors as Json[];
  check(processors.length === 1, "one processor");
  const weigh = weigherOf(processors[0]!, queries.length);
  const fused = new Map<string, Scored>();
  for (const [number, query] of queries.entries()) {
    const list = scored(query).slice(0, depth);
    const scores = list.map(({ score }) => score);
    for (const [position, { _id, source }] of list.entries()) {
      const score = (fused.get(_id)?.score ?? 0) + weigh(number, position, scores);
      fused.set(_id, { _id, source, score });
    }
  }
  return [...fused.values()]
    .map((hit) => ({ ...hit, score: Math.fround(hit.score) }))
    .sort((a, b) => b.score - a.score);
}

type Weigher = (query: number, position: number, scores: readonly number[]) => number;

function weigherOf(processor: Json, queries: number): Weigher {
  if ("score-ranker-processor" in processor) {
    const { combination } = processor["score-ranker-processor"] as { combination: Json };
    checkNames("combination", combination, ["technique", "parameters"]);
    check(combination.technique === "rrf", "technique");
    // A constant beside the technique is passed over, and weights are refused.
    checkNames("parameters", combination.parameters, ["rank_constant"]);
    const constant = combination.parameters.rank_constant as number;
    check(constant >= 1 && constant <= 10_000, "rank constant must be in the interval between 1 and 10000");
    return (_, position) => 1 / (constant + position + 1);
  }
  checkNames("processor", processor, ["normalization-processor"]);
  const { normalization, combination } = processor["normalization-processor"] as Record<string, Json>;
  check(normalization!.technique === "min_max", "technique");
  check(combination!.technique === "arithmetic_mean", "technique");
  const { weights } = combination!.parameters as { weights: number[] };
  const sum = weights.reduce((total, weight) => total + weight, 0);
  check(weights.length === queries && Math.abs(sum - 1) < 0.01, "weights must add up to 1");
  return (query, position, scores) => {
    const [best, worst] = [scores[0]!, scores.at(-1)!];
    const score = best === worst ? 1 : (scores[position]! - worst) / (best - worst) || leastScore;
    return weights[query]! * score;
  };
}
