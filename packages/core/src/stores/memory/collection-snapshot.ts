import { bytesOf, corrupt, readingContent, type Snapshot, type SnapshotSection } from "../../disk/index.ts";
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
import { isName } from "../store-arguments.ts";
import { checkVectorSchema, type ResolvedField } from "../vector-fields.ts";
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

/**
 * A collection over the memory of a snapshot: no vector is copied, no text is parsed. All is checked that searches rely on.
 * @throws SparseEncoderError `STORE_CORRUPT`
 */
export function readCollection(snapshot: Snapshot, description: CollectionDescription): Collection {
  return readingContent(snapshot.file, () => {
    const collection = new Collection(readFields(description.fields));
    const documentIds = readRecords(snapshot, collection);
    for (const [position, [name, segments]] of description.sparse.entries()) {
      const field = fieldOf(collection, name, "sparse");
      const seen = new Uint8Array(documentIds.length);
      const saved = segments.map((part, number) => {
        const prefix = `sparse.${position}.${number}`;
        return {
          ids: readIds(snapshot, `${prefix}.numbers`, part.documentCount, documentIds, seen),
          postings: readPostings(snapshot, prefix, field.dimension, part),
        };
      });
      collection.sparse.set(name, InvertedIndex.fromSegments(field.dimension, saved));
    }
    for (const [position, [name, rows, blockCount]] of description.dense.entries()) {
      const field = fieldOf(collection, name, "dense");
      const seen = new Uint8Array(documentIds.length);
      const blocks: Float32Array[] = [];
      for (let number = 0; number < blockCount; number++) {
        blocks.push(snapshot.float32(`dense.${position}.${number}`));
      }
      const ids = readIds(snapshot, `dense.${position}.numbers`, rows, documentIds, seen);
      if (ids.includes("")) throw corrupt(snapshot.file, "it has dense vectors of deleted documents");
      const inverseNorms = snapshot.float64(`dense.${position}.norms`);
      const captured: CapturedRows = { ids, blocks, inverseNorms };
      collection.dense.set(name, DenseIndex.restore(field.dimension, field.metric, captured));
    }
    return collection;
  });
}

/** Fields as a file gives them. */
function readFields(entries: CollectionDescription["fields"]): Map<string, ResolvedField> {
  const fields = checkVectorSchema("the description", Object.fromEntries(entries));
  if (fields.size !== entries.length) throw new RangeError("names of vectors come twice");
  return fields;
}

function fieldOf<Kind extends ResolvedField["kind"]>(
  { fields, sparse, dense }: Collection,
  name: string,
  kind: Kind,
): Extract<ResolvedField, { kind: Kind }> {
  const field = fields.get(name);
  if (field?.kind !== kind || sparse.has(name) || dense.has(name)) {
    throw new RangeError(`there are no ${kind} vectors named ${name}, or they come twice`);
  }
  return field as Extract<ResolvedField, { kind: Kind }>;
}

/**
 * Ids of the documents whose numbers a section holds.
 * @param seen marks the numbers that came before: each document has one vector of a name
 */
function readIds(
  snapshot: Snapshot,
  section: string,
  count: number,
  documentIds: readonly string[],
  seen: Uint8Array,
): string[] {
  const numbers = snapshot.uint32(section);
  if (numbers.length !== count) throw corrupt(snapshot.file, `section ${section} has a wrong length`);
  const ids: string[] = [];
  for (const number of numbers) {
    if (number === none) {
      ids.push("");
      continue;
    }
    if (number >= documentIds.length || seen[number] === 1) {
      throw corrupt(snapshot.file, `section ${section} names a document that is not there, or twice`);
    }
    seen[number] = 1;
    ids.push(documentIds[number]!);
  }
  return ids;
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
    if (!Array.isArray(ids) || ids.length !== lengths.length || !ids.every(isName)) {
      throw corrupt(snapshot.file, `the ids of block ${block} do not fit its records`);
    }
    let start = 0;
    for (const [position, id] of ids.entries()) {
      const end = start + lengths[position]!;
      if (end > records.length || collection.documents.has(id)) {
        throw corrupt(snapshot.file, `the records of block ${block} are cut, or ids come twice`);
      }
      collection.documents.set(id, DocumentRecord.from(records, start, end));
      all.push(id);
      start = end;
    }
    if (start !== records.length) throw corrupt(snapshot.file, `the records of block ${block} are cut`);
  }
  return all;
}
