import { invalidArgument, received, SparseEncoderError } from "../errors.ts";
import { checkOptionNames, positiveInteger } from "../options/index.ts";
import type { DenseMetric } from "../vector/index.ts";
import type { VectorField, VectorSchema } from "./store.ts";
import { type CheckedDocument, isName, nameRule } from "./store-arguments.ts";

/** A field with its metric filled in. */
export type ResolvedField =
  | { readonly kind: "sparse"; readonly dimension: number; readonly encoder?: string | undefined }
  | { readonly kind: "dense"; readonly dimension: number; readonly metric: DenseMetric };

const metrics: readonly DenseMetric[] = ["cosine", "dot", "euclidean"];

/**
 * The vectors that a store was declared with, checked, metrics filled in.
 * @param call names the function, for the message
 * @throws SparseEncoderError `INVALID_ARGUMENT`, `UNKNOWN_OPTION`
 */
export function checkVectorSchema(call: string, vectors: VectorSchema): Map<string, ResolvedField> {
  if (typeof vectors !== "object" || vectors === null || Array.isArray(vectors)) {
    throw invalidArgument(
      `${call}: vectors must be an object such as { sparse: { kind: "sparse", dimension: 30522 } }, received ${received(vectors)}.`,
    );
  }
  return new Map(
    Object.entries(vectors).map(([name, field]) => {
      if (!isName(name)) throw invalidArgument(`${call}: ${nameRule("the name of a vector", name)}.`);
      return [name, checkField(`${call}: vectors.${name}`, field)];
    }),
  );
}

function checkField(place: string, field: VectorField): ResolvedField {
  const kind: unknown = field?.kind;
  if (kind !== "sparse" && kind !== "dense") {
    throw invalidArgument(`${place}: kind must be "sparse" or "dense", received ${received(field)}.`);
  }
  checkOptionNames(place, field, ["kind", "dimension", kind === "sparse" ? "encoder" : "metric"]);
  const dimension = positiveInteger(`${place}: dimension`, field.dimension, 0xffffffff);
  if (field.kind === "sparse") {
    const { encoder } = field;
    if (encoder === undefined) return { kind: "sparse", dimension };
    if (typeof encoder === "string") return { kind: "sparse", dimension, encoder };
    throw invalidArgument(`${place}: encoder must be a string, received ${received(encoder)}.`);
  }
  const { metric = "cosine" } = field;
  if (!metrics.includes(metric)) {
    throw invalidArgument(
      `${place}: metric must be one of ${metrics.join(", ")}, received ${received(metric)}.`,
    );
  }
  return { kind: "dense", dimension, metric };
}

/**
 * Checks that the vectors of documents fit the fields.
 * @param declared true if other names than those of `fields` are refused
 * @returns the fields of names that are new
 * @throws SparseEncoderError `STORE_MISMATCH`, `INVALID_VECTOR`
 */
export function newFields(
  documents: readonly CheckedDocument[],
  fields: ReadonlyMap<string, ResolvedField>,
  declared: boolean,
): Map<string, ResolvedField> {
  const added = new Map<string, ResolvedField>();
  for (const { id, vectors } of documents) {
    for (const [name, vector] of vectors) {
      const place = `Document ${received(id)}, vector ${received(name)}`;
      let field = fields.get(name) ?? added.get(name);
      if (field === undefined) {
        if (declared) {
          throw new SparseEncoderError(
            "STORE_MISMATCH",
            `${place}: the option vectors has no such name; it has ${listNames(fields)}.`,
          );
        }
        field = fieldOf(place, vector);
        added.set(name, field);
      }
      checkFit(place, vector, field);
    }
  }
  return added;
}

/** Names for a message. */
export function listNames(fields: ReadonlyMap<string, ResolvedField>): string {
  return fields.size === 0 ? "none" : [...fields.keys()].map((name) => received(name)).join(", ");
}

/** A field for a message. */
export function describeField(field: ResolvedField): string {
  const { kind, dimension } = field;
  const more =
    kind === "dense" ? `, compared by ${field.metric}` : field.encoder && `, made by ${field.encoder}`;
  return `${kind} with ${dimension} dimensions${more ?? ""}`;
}

/** Whether two fields are the same, as far as both say. */
export function sameField(a: ResolvedField, b: ResolvedField): boolean {
  if (a.dimension !== b.dimension) return false;
  if (a.kind === "dense" || b.kind === "dense") {
    return a.kind === "dense" && b.kind === "dense" && a.metric === b.metric;
  }
  return a.encoder === undefined || b.encoder === undefined || a.encoder === b.encoder;
}

/** What made the vectors of a field, if it is kept. */
export function encoderOf(field: ResolvedField | undefined): string | undefined {
  return field?.kind === "sparse" ? field.encoder : undefined;
}

/** A zero vector has no direction: its cosine with anything is 0 / 0. */
export function checkDirection(place: string, vector: Float32Array): void {
  if (vector.some((value) => value !== 0)) return;
  throw new SparseEncoderError(
    "INVALID_VECTOR",
    `${place}: all values are 0, so it has no cosine with any other vector; leave it out.`,
  );
}

function fieldOf(place: string, vector: CheckedVector): ResolvedField {
  const dimension = dimensionOf(vector);
  if (dimension === 0) throw new SparseEncoderError("INVALID_VECTOR", `${place} has no dimensions.`);
  return vector instanceof Float32Array
    ? { kind: "dense", dimension, metric: "cosine" }
    : { kind: "sparse", dimension };
}

function checkFit(place: string, vector: CheckedVector, field: ResolvedField): void {
  const kind = vector instanceof Float32Array ? "dense" : "sparse";
  const dimension = dimensionOf(vector);
  if (kind !== field.kind || dimension !== field.dimension) {
    throw new SparseEncoderError(
      "STORE_MISMATCH",
      `${place} is ${kind} and has ${dimension} dimensions; the vectors of this name are ${field.kind} and have ` +
        `${field.dimension}. All must come from the same model.`,
    );
  }
  if (field.kind === "dense" && field.metric === "cosine") checkDirection(place, vector as Float32Array);
}

type CheckedVector = CheckedDocument["vectors"] extends ReadonlyMap<string, infer Vector> ? Vector : never;

function dimensionOf(vector: CheckedVector): number {
  return vector instanceof Float32Array ? vector.length : vector.dimension;
}
