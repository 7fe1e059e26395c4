import type { Deadline } from "../../calls/index.ts";
import { received } from "../../errors.ts";
import type { Store, StoredDocument } from "../../stores/index.ts";
import type { SparseVector } from "../../vector/index.ts";
import type { VectorSource } from "../arms/arm.ts";
import { type TextVector, withDirection } from "../arms/text-embedder.ts";
import { failureOf } from "./failure.ts";
import type { NewDocument } from "./new-document.ts";

/** Documents with their vectors, ready to store. */
export interface EncodedBatch {
  readonly documents: readonly NewDocument[];
  readonly upserts: ReadonlyMap<Store, StoredDocument[]>;
  readonly milliseconds: number;
}

type VectorsByDocument = ReadonlyMap<NewDocument, TextVector>;

/** Encodes a batch: each encoder once, for all vectors that it makes. */
export async function encodeBatch(
  sources: readonly VectorSource[],
  documents: readonly NewDocument[],
  deadline: Deadline,
): Promise<EncodedBatch> {
  const started = performance.now();
  const byEncoder = new Map<object, Promise<VectorsByDocument>>();
  for (const { embedder } of sources) {
    if (byEncoder.has(embedder.identity)) continue;
    const ofEncoder = sources.filter((one) => one.embedder.identity === embedder.identity);
    byEncoder.set(embedder.identity, encodeFor(ofEncoder, documents, deadline));
  }
  await Promise.all(byEncoder.values());
  const upserts = new Map<Store, StoredDocument[]>();
  for (const store of new Set(sources.map((one) => one.store))) {
    const columns = await Promise.all(
      sources
        .filter((one) => one.store === store)
        .map(async ({ vector, embedder }) => [vector, await byEncoder.get(embedder.identity)!] as const),
    );
    upserts.set(
      store,
      documents.map((document) => toStored(document, columns)),
    );
  }
  return { documents, upserts, milliseconds: performance.now() - started };
}

/** The vectors that one encoder makes: of the documents that lack one of its vectors. */
async function encodeFor(
  sources: readonly VectorSource[],
  documents: readonly NewDocument[],
  deadline: Deadline,
): Promise<VectorsByDocument> {
  const { embedder, vector } = sources[0]!;
  const bare = documents.filter((document) => sources.some((source) => !has(document, source.vector)));
  const texts = bare.map(({ text, encodedText }) => encodedText ?? text);
  const rows = await deadline
    .race(async (signal) => (texts.length === 0 ? [] : embedder.embed("document", texts, signal)))
    .catch((cause: unknown) => {
      throw failureOf(cause, "ARM_FAILED", `The encoder of the vectors ${received(vector)} failed`);
    });
  return new Map(bare.map((document, row) => [document, rows[row]]));
}

function toStored(
  document: NewDocument,
  columns: readonly (readonly [name: string, encoded: VectorsByDocument])[],
): StoredDocument {
  const { id, text, metadata = {} } = document;
  const vectors = columns.flatMap(([name, encoded]) => {
    const vector = has(document, name) ? givenVector(document.vectors![name]!) : encoded.get(document);
    return vector === undefined ? [] : [[name, vector] as const];
  });
  return { id, text, metadata, vectors: Object.fromEntries(vectors) };
}

function has({ vectors }: NewDocument, name: string): boolean {
  return vectors !== undefined && Object.hasOwn(vectors, name);
}

/** A given vector, treated as the vector of an encoder: none for a dense vector of zeros. */
function givenVector(vector: SparseVector | Float32Array): TextVector {
  return vector instanceof Float32Array ? withDirection(vector) : vector;
}
