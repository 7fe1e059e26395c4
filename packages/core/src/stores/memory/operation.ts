import { bytesOf } from "../../disk/index.ts";
import { invalidArgument, type SparseEncoderError } from "../../errors.ts";
import { SparseVector, TRUSTED } from "../../vector/index.ts";
import { freezeMetadata } from "../metadata.ts";
import type { Metadata } from "../store.ts";
import type { CheckedDocument } from "../store-arguments.ts";
import type { ResolvedField } from "../vector-fields.ts";

/** A change of a collection, as it stands in a journal. */
export type Operation =
  | { readonly type: "upsert"; readonly documents: readonly CheckedDocument[] }
  | { readonly type: "delete"; readonly ids: readonly string[] }
  | { readonly type: "fields"; readonly fields: readonly (readonly [name: string, field: ResolvedField])[] };

/** Bytes that one operation may take: what is beyond belongs into several calls anyway. */
const maximumLength = 1 << 29;

/** A vector in the JSON part: name, dimension, and for sparse ones the active dims. */
type VectorDescription = readonly [name: string, dimension: number, activeDims: number | null];

type OperationDescription =
  | {
      readonly type: "upsert";
      readonly documents: readonly (readonly [
        id: string,
        text: string,
        metadata: Metadata,
        vectors: readonly VectorDescription[],
      ])[];
    }
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

/** Undoes {@link encodeOperation}; the bytes are copied. */
export function decodeOperation(bytes: Buffer): Operation {
  const end = 4 + bytes.readUInt32LE(0);
  const operation = JSON.parse(bytes.toString("utf8", 4, end)) as OperationDescription;
  if (operation.type !== "upsert") return operation;
  let position = end;
  const next = (count: number): ArrayBuffer => {
    const numbers = new Uint8Array(4 * count);
    bytes.copy(numbers, 0, position, position + numbers.length);
    position += numbers.length;
    return numbers.buffer;
  };
  return {
    type: "upsert",
    documents: operation.documents.map(([id, text, metadata, descriptions]) => {
      freezeMetadata(metadata);
      const vectors = new Map<string, SparseVector | Float32Array>();
      for (const [name, dimension, activeDims] of descriptions) {
        if (activeDims === null) {
          vectors.set(name, new Float32Array(next(dimension)));
        } else {
          const indices = new Uint32Array(next(activeDims));
          const values = new Float32Array(next(activeDims));
          vectors.set(name, new SparseVector(indices, values, dimension, TRUSTED));
        }
      }
      return { id, text, metadata, vectors };
    }),
  };
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
