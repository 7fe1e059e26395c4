import { bytesOf, corrupt, type Snapshot, type SnapshotSection } from "../../disk/index.ts";
import {
  type CapturedRows,
  DenseIndex,
  describePostings,
  InvertedIndex,
  type PostingsDescription,
  postingsSections,
  readPostings,
  type SavedSegment,
} from "../../index/index.ts";
import type { ResolvedField } from "../vector-fields.ts";
import { Collection } from "./collection.ts";
import { DocumentRecord } from "./document-record.ts";

/** Documents of one block of records, and bytes from which on a block is closed. */
const blockDocuments = 65_536;
const blockBytes = 1 << 26;

/** Stands for the number of a deleted document. */
const none = 0xffffffff;

/** The state of a collection, which later changes of the collection leave as it is. */
export interface CapturedCollection {
  readonly fields: readonly (readonly [name: string, field: ResolvedField])[];
  readonly documents: readonly (readonly [id: string, record: DocumentRecord])[];
  readonly sparse: readonly (readonly [name: string, segments: readonly SavedSegment[]])[];
  readonly dense: readonly (readonly [name: string, rows: CapturedRows])[];
}

/** What {@link readCollection} needs to know beside the sections. */
export interface CollectionDescription {
  readonly fields: readonly (readonly [name: string, field: ResolvedField])[];
  readonly sparse: readonly (readonly [name: string, segments: readonly PostingsDescription[]])[];
  readonly dense: readonly (readonly [name: string, rows: number, blocks: number])[];
}

/** O(documents): vectors and texts are not copied. */
export function captureCollection(collection: Collection): CapturedCollection {
  return {
    fields: [...collection.fields],
    documents: [...collection.documents],
    sparse: [...collection.sparse].map(([name, index]) => [name, index.toSegments()]),
    dense: [...collection.dense].map(([name, index]) => [name, index.capture()]),
  };
}

export function describeCollection({ fields, sparse, dense }: CapturedCollection): CollectionDescription {
  return {
    fields,
    sparse: sparse.map(([name, segments]) => [
      name,
      segments.map(({ postings }) => describePostings(postings)),
    ]),
    dense: dense.map(([name, { ids, blocks }]) => [name, ids.length, blocks.length]),
  };
}

/** Documents are numbered in the order of the records; vectors refer to these numbers. */
export function* collectionSections({
  documents,
  sparse,
  dense,
}: CapturedCollection): Generator<SnapshotSection> {
  yield* recordSections(documents);
  const numbers = new Map(documents.map(([id], number) => [id, number]));
  const numbersOf = (ids: readonly string[]) =>
    bytesOf(Uint32Array.from(ids, (id) => numbers.get(id) ?? none));
  for (const [position, [, segments]] of sparse.entries()) {
    for (const [number, { ids, postings }] of segments.entries()) {
      const prefix = `sparse.${position}.${number}`;
      yield { name: `${prefix}.numbers`, bytes: numbersOf(ids) };
      yield* postingsSections(prefix, postings);
    }
  }
  for (const [position, [, { ids, blocks, inverseNorms }]] of dense.entries()) {
    yield { name: `dense.${position}.numbers`, bytes: numbersOf(ids) };
    yield { name: `dense.${position}.norms`, bytes: bytesOf(inverseNorms) };
    for (const [number, block] of blocks.entries()) {
      yield { name: `dense.${position}.${number}`, bytes: bytesOf(block) };
    }
  }
}

/** A collection over the memory of a snapshot: no vector is copied, no text is parsed. */
export function readCollection(snapshot: Snapshot, description: CollectionDescription): Collection {
  const collection = new Collection(new Map(description.fields));
  const documentIds = readRecords(snapshot, collection);
  const idsOf = (name: string, count: number) => {
    const numbers = snapshot.uint32(name);
    if (numbers.length !== count) throw corrupt(snapshot.file, `section ${name} has a wrong length`);
    const ids: string[] = [];
    for (const number of numbers) ids.push(number === none ? "" : documentIds[number]!);
    return ids;
  };
  for (const [position, [name, segments]] of description.sparse.entries()) {
    const { dimension } = collection.fields.get(name)!;
    const saved = segments.map((part, number) => {
      const prefix = `sparse.${position}.${number}`;
      return {
        ids: idsOf(`${prefix}.numbers`, part.documentCount),
        postings: readPostings(snapshot, prefix, dimension, part),
      };
    });
    collection.sparse.set(name, InvertedIndex.fromSegments(dimension, saved));
  }
  for (const [position, [name, rows, blockCount]] of description.dense.entries()) {
    const field = collection.fields.get(name) as Extract<ResolvedField, { kind: "dense" }>;
    const blocks = Array.from({ length: blockCount }, (_, number) =>
      snapshot.float32(`dense.${position}.${number}`),
    );
    const captured: CapturedRows = {
      ids: idsOf(`dense.${position}.numbers`, rows),
      blocks,
      inverseNorms: snapshot.float64(`dense.${position}.norms`),
    };
    collection.dense.set(name, DenseIndex.restore(field.dimension, field.metric, captured));
  }
  return collection;
}

function* recordSections(documents: CapturedCollection["documents"]): Generator<SnapshotSection> {
  let block = 0;
  for (let start = 0; start < documents.length; block++) {
    const ids: string[] = [];
    const records: Buffer[] = [];
    let bytes = 0;
    while (start < documents.length && ids.length < blockDocuments && bytes < blockBytes) {
      const [id, record] = documents[start++]!;
      const content = record.toBytes();
      ids.push(id);
      records.push(content);
      bytes += content.length;
    }
    yield { name: `ids.${block}`, bytes: Buffer.from(JSON.stringify(ids), "utf8") };
    yield { name: `lengths.${block}`, bytes: bytesOf(Uint32Array.from(records, ({ length }) => length)) };
    yield { name: `records.${block}`, bytes: Buffer.concat(records, bytes) };
  }
}

/** The ids of all documents by their number. */
function readRecords(snapshot: Snapshot, collection: Collection): string[] {
  const all: string[] = [];
  for (let block = 0; snapshot.has(`ids.${block}`); block++) {
    const ids = snapshot.json(`ids.${block}`) as string[];
    const lengths = snapshot.uint32(`lengths.${block}`);
    const records = snapshot.bytes(`records.${block}`);
    let start = 0;
    for (const [position, id] of ids.entries()) {
      const end = start + lengths[position]!;
      collection.documents.set(id, DocumentRecord.from(records, start, end));
      all.push(id);
      start = end;
    }
    if (start !== records.length) throw corrupt(snapshot.file, `the records of block ${block} are cut`);
  }
  return all;
}
