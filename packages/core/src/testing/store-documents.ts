import type {
  Filter,
  FilterValue,
  Metadata,
  MetadataValue,
  StoredDocument,
  VectorSchema,
} from "../stores/index.ts";
import { SparseVector } from "../vector/index.ts";
import type { Random } from "./random.ts";

/** The vectors of the stores that the conformance suite asks for. */
export const conformanceVectors = {
  sparse: { kind: "sparse", dimension: 40 },
  keyword: { kind: "sparse", dimension: 1_000_000 },
  dense: { kind: "dense", dimension: 5, metric: "cosine" },
  dot: { kind: "dense", dimension: 3, metric: "dot" },
  euclidean: { kind: "dense", dimension: 3, metric: "euclidean" },
} as const satisfies VectorSchema;

/** Weights whose sums are exact in float32, so that equal scores are equal in every store. */
const weights = [0.25, 0.5, 1, 1.5, 2, 3];

export function sparseVector(entries: Readonly<Record<number, number>>, dimension = 40): SparseVector {
  return SparseVector.from(entries, dimension);
}

export function randomSparse(random: Random, dimension: number, activeDims: number): SparseVector {
  const indices = random.distinct(activeDims, dimension);
  return new SparseVector(
    indices,
    indices.map(() => random.pick(weights)),
    dimension,
  );
}

export function randomDense(random: Random, dimension: number): Float32Array {
  // Never all zero.
  return Float32Array.from({ length: dimension }, () => (random.below(16) - 7.5) / 4);
}

/** A document with vectors of all names, now and then without some. */
export function randomDocument(random: Random, id: string): StoredDocument {
  const vectors: [string, SparseVector | Float32Array][] = [
    ["sparse", randomSparse(random, 40, 1 + random.below(8))],
    ["keyword", randomSparse(random, 1_000_000, 1 + random.below(3))],
    ["dense", randomDense(random, 5)],
    ["dot", randomDense(random, 3)],
    ["euclidean", randomDense(random, 3)],
  ];
  return {
    id,
    text: `text of ${id}, version ${random.below(1000)}`,
    metadata: randomMetadata(random),
    vectors: Object.fromEntries(vectors.filter(() => random.below(8) > 0)),
  };
}

const fields = ["year", "kind", "tags", "author.name", "author", "constructor", "flag", "absent", "a-b c"];
const scalars: readonly FilterValue[] = [
  0,
  1,
  2.5,
  -3,
  1e15,
  "",
  "1",
  "red",
  "Red",
  "é",
  "'; --",
  true,
  false,
  null,
];

function randomMetadata(random: Random): Metadata {
  const entries: [string, MetadataValue][] = [
    ["year", random.pick([1, 2.5, -3, 1e15, 0])],
    ["kind", random.pick(scalars)],
    ["tags", Array.from({ length: random.below(4) }, () => random.pick(scalars))],
    [
      "author",
      random.pick([{ name: random.pick(scalars) }, { name: ["red", 1] }, {}, "red", null, [{ name: 1 }]]),
    ],
    ["constructor", random.pick(scalars)],
    ["flag", random.pick([true, false, [], [["red"]]])],
    ["a-b c", random.pick(scalars)],
  ];
  return Object.fromEntries(entries.filter(() => random.below(4) > 0));
}

/** A filter over the fields of {@link randomDocument} with the operators that a store has. */
export function randomFilter(random: Random, operators: ReadonlySet<string>, depth = 2): Filter {
  const logical = depth === 0 ? [] : ["$and", "$or", "$not"].filter((name) => operators.has(name));
  const parts = Array.from({ length: 1 + random.below(2) }, (): [string, Filter[string]] => {
    if (logical.length > 0 && random.below(3) === 0) {
      const name = random.pick(logical);
      if (name === "$not") return [name, randomFilter(random, operators, depth - 1)];
      return [
        name,
        Array.from({ length: random.below(4) }, () => randomFilter(random, operators, depth - 1)),
      ];
    }
    return [random.pick(fields), randomCondition(random, operators)];
  });
  return Object.fromEntries(parts) as Filter;
}

function randomCondition(random: Random, operators: ReadonlySet<string>): Filter[string] {
  const comparisons = ["$gt", "$gte", "$lt", "$lte"];
  const names = ["$eq", "$ne", ...comparisons, "$in", "$nin", "$exists", "$contains"].filter((name) =>
    operators.has(name),
  );
  if (operators.has("$eq") && random.below(4) === 0) return random.pick(scalars);
  const bounds = scalars.filter((value) => typeof value === "string" || typeof value === "number");
  const conditions = Array.from({ length: 1 + random.below(2) }, (): [string, unknown] => {
    const name = random.pick(names);
    if (name === "$exists") return [name, random.below(2) === 0];
    if (name === "$contains") return [name, random.pick(["", "e", "Red", "-", "é"])];
    if (name === "$in" || name === "$nin") {
      return [name, Array.from({ length: random.below(4) }, () => random.pick(scalars))];
    }
    return [name, random.pick(comparisons.includes(name) ? bounds : scalars)];
  });
  return Object.fromEntries(conditions) as Filter[string];
}
