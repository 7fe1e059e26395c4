import { bytesOf } from "../../disk/index.ts";
import { invalidArgument, type SparseEncoderError } from "../../errors.ts";
import { SparseVector } from "../../vector/index.ts";
import { freezeMetadata } from "../metadata.ts";
import { isPlainObject } from "../plain-object.ts";
import type { Metadata } from "../store.ts";
import { type CheckedDocument, checkDense, checkKnownIds, isName } from "../store-arguments.ts";
import { checkVectorSchema, type ResolvedField } from "../vector-fields.ts";

/** A change of a collection, as it stands in a journal. */
export type Operation =
  | { readonly type: "upsert"; readonly documents: readonly CheckedDocument[] }
  | { readonly type: "delete"; readonly ids: readonly string[] }
  | { readonly type: "fields"; readonly fields: readonly (readonly [name: string, field: ResolvedField])[] };

/** Bytes that one operation may take: what is beyond belongs into several calls anyway. */
const maximumLength = 1 << 29;

/** A vector in the JSON part: name, dimension, and for sparse ones the active dims. */
type VectorDescription = readonly [name: string, dimension: number, activeDims: number | null];

type DocumentDescriptions = readonly (readonly [
  id: string,
  text: string,
  metadata: Metadata,
  vectors: readonly VectorDescription[],
])[];

type OperationDescription =
  | { readonly type: "upsert"; readonly documents: DocumentDescriptions }
  | Exclude<Operation, { type: "upsert" }>;

/**
 * The bytes of an operation: the length of its JSON part, that part, and the numbers of all vectors in order, indices
 * before values.
 * @throws SparseEncoderError `INVALID_ARGUMENT` for an upsert of more than 512 MiB
 */
export function encodeOperation(operation: Operation): Buffer {
  const arrays: Uint8Array[] = [];
  const text = Buffer.from(stringify(describe(operation, arrays)), "utf8");
  const length = Buffer.alloc(4);
  length.writeUInt32LE(text.length);
  const bytes = arrays.reduce((sum, array) => sum + array.byteLength, 4 + text.length);
  if (bytes > maximumLength) throw tooLong(`${Math.ceil(bytes / 2 ** 20)} MiB`);
  return Buffer.concat([length, text, ...arrays], bytes);
}

/**
 * Undoes {@link encodeOperation}; the bytes are copied. A record whose checksum is right may still be anything, so all is
 * checked that a call of the store would be.
 * @throws errors of any kind for bytes that are not an operation
 */
export function decodeOperation(bytes: Buffer): Operation {
  const end = 4 + bytes.readUInt32LE(0);
  if (end > bytes.length) throw new RangeError("the record is shorter than it says");
  const operation = JSON.parse(bytes.toString("utf8", 4, end)) as OperationDescription;
  switch (operation.type) {
    case "fields":
      return {
        type: "fields",
        fields: [...checkVectorSchema("the record", Object.fromEntries(operation.fields))],
      };
    case "delete":
      return { type: "delete", ids: checkKnownIds("the record", operation.ids) };
    case "upsert":
      return { type: "upsert", documents: decodeDocuments(operation.documents, bytes.subarray(end)) };
  }
}

function decodeDocuments(descriptions: DocumentDescriptions, numbers: Buffer): CheckedDocument[] {
  let position = 0;
  const next = (count: number): ArrayBuffer => {
    const end = position + 4 * count;
    if (!Number.isInteger(count) || count < 0 || end > numbers.length)
      throw new RangeError("numbers are missing");
    const copy = new Uint8Array(4 * count);
    numbers.copy(copy, 0, position, end);
    position = end;
    return copy.buffer;
  };
  return descriptions.map(([id, text, metadata, vectorDescriptions]) => {
    if (!isName(id) || typeof text !== "string" || !isPlainObject(metadata)) {
      throw new RangeError("it is not a document");
    }
    freezeMetadata(metadata);
    const vectors = new Map<string, SparseVector | Float32Array>();
    for (const [name, dimension, activeDims] of vectorDescriptions) {
      if (!isName(name)) throw new RangeError("vectors have no name");
      if (activeDims === null) {
        const vector = new Float32Array(next(dimension));
        checkDense("the record", vector);
        vectors.set(name, vector);
      } else {
        const indices = new Uint32Array(next(activeDims));
        const values = new Float32Array(next(activeDims));
        vectors.set(name, new SparseVector(indices, values, dimension));
      }
    }
    return { id, text, metadata, vectors };
  });
}

/** @throws SparseEncoderError `INVALID_ARGUMENT` for more than a string of this process can hold */
function stringify(description: OperationDescription): string {
  try {
    return JSON.stringify(description);
  } catch (error) {
    if (error instanceof RangeError) throw tooLong("more");
    throw error;
  }
}

function tooLong(length: string): SparseEncoderError {
  return invalidArgument(
    `One call may store ${maximumLength / 2 ** 20} MiB, received ${length}; divide the documents among several calls, and a text among several documents.`,
  );
}

function describe(operation: Operation, arrays: Uint8Array[]): OperationDescription {
  if (operation.type !== "upsert") return operation;
  return {
    type: "upsert",
    documents: operation.documents.map(({ id, text, metadata, vectors }) => [
      id,
      text,
      metadata,
      Array.from(vectors, ([name, vector]): VectorDescription => {
        if (vector instanceof Float32Array) {
          arrays.push(bytesOf(vector));
          return [name, vector.length, null];
        }
        arrays.push(bytesOf(vector.indices), bytesOf(vector.values));
        return [name, vector.dimension, vector.activeDims];
      }),
    ]),
  };
}
