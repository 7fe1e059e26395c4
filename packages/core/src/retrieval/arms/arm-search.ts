import type { Deadline } from "../../calls/index.ts";
import { invalidArgument, received } from "../../errors.ts";
import type { Arm, StoreArm } from "./arm.ts";
import { type ArmHit, type ArmQuery, checkScore, filterOf, kOf } from "./arm-query.ts";
import { searchFunction } from "./function-search.ts";
import type { TextVector } from "./text-embedder.ts";

/** What an arm answered. */
export interface ArmAnswer {
  /** Best first, at most k, none under the score floor. */
  readonly hits: readonly ArmHit[];
  /** Keys of the hits, in their order; undefined where a document has none. Empty if there are no keys. */
  readonly keys: readonly (string | undefined)[];
  /** Vector of the query; undefined for an arm that is a function. */
  readonly vector: TextVector;
  readonly encodeMilliseconds: number;
  readonly searchMilliseconds: number;
}

/** Asks one arm: encodes the query, then searches. */
export async function searchArm(arm: Arm, asked: ArmQuery, deadline: Deadline): Promise<ArmAnswer> {
  const started = performance.now();
  const vector =
    arm.source === undefined
      ? undefined
      : await deadline.race(() => asked.vectors.of(asked.query, arm as StoreArm));
  const encoded = performance.now();
  const found =
    arm.source === undefined
      ? await searchFunction(arm, asked, deadline)
      : await searchStore(arm, vector, asked.call, deadline);
  const { minScore = Number.NEGATIVE_INFINITY } = arm;
  const hits = found.filter(({ score }) => score >= minScore);
  return {
    hits,
    keys: asked.call.identify === undefined ? [] : hits.map((hit) => keyOf(arm, hit, asked.call)),
    vector,
    encodeMilliseconds: encoded - started,
    searchMilliseconds: performance.now() - encoded,
  };
}

async function searchStore(
  arm: StoreArm,
  query: TextVector,
  { k, filter }: ArmQuery["call"],
  deadline: Deadline,
): Promise<readonly ArmHit[]> {
  if (query === undefined || (!(query instanceof Float32Array) && query.activeDims === 0)) return [];
  const { store, vector } = arm.source;
  const hits = await deadline.race((signal) => {
    const options = { k: kOf(arm, k), filter: filterOf(arm, filter), signal };
    return query instanceof Float32Array
      ? store.searchDense(vector, query, options)
      : store.searchSparse(vector, query, options);
  });
  for (const { id, score } of hits) checkScore(arm.name, id, score);
  return hits;
}

function keyOf(arm: Arm, hit: ArmHit, { identify }: ArmQuery["call"]): string | undefined {
  const key: unknown = identify?.(hit, arm.name);
  if (key === undefined || (typeof key === "string" && key !== "")) return key;
  throw invalidArgument(
    `identify must give a key that is a text, or undefined; for a document of the arm ${arm.name} it gives ${received(key)}.`,
  );
}
