import { received, SparseEncoderError } from "../../errors.ts";
import { DenseIndex, InvertedIndex, type SearchHit } from "../../index/index.ts";
import { SparseMatrix, type SparseVector } from "../../vector/index.ts";
import { matches } from "../filter-match.ts";
import type { FilterNode } from "../filter-node.ts";
import type { StoredDocument, StoreHit } from "../store.ts";
import type { CheckedDocument } from "../store-arguments.ts";
import { listNames, newFields, type ResolvedField } from "../vector-fields.ts";
import { DocumentRecord } from "./document-record.ts";
import type { Operation } from "./operation.ts";

/** The documents of a memory store, and an index for each name of vectors. Synchronous; arguments are trusted. */
export class Collection {
  readonly fields: Map<string, ResolvedField>;
  readonly documents = new Map<string, DocumentRecord>();
  readonly sparse = new Map<string, InvertedIndex>();
  readonly dense = new Map<string, DenseIndex>();

  constructor(fields: ReadonlyMap<string, ResolvedField>) {
    this.fields = new Map(fields);
  }

  /** Returns the number of documents that were deleted. */
  apply(operation: Operation): number {
    switch (operation.type) {
      case "upsert":
        this.upsert(operation.documents);
        return 0;
      case "delete":
        return this.delete(operation.ids);
      case "fields":
        for (const [name, field] of operation.fields) this.fields.set(name, field);
        return 0;
    }
  }

  /** Adds documents whose vectors fit the fields. */
  upsert(documents: readonly CheckedDocument[]): void {
    for (const [name, field] of newFields(documents, this.fields, false)) this.fields.set(name, field);
    for (const [name, field] of this.fields) {
      if (field.kind === "sparse") this.upsertSparse(name, field.dimension, documents);
      else this.upsertDense(name, field, documents);
    }
    for (const { id, text, metadata } of documents) this.documents.set(id, DocumentRecord.of(text, metadata));
  }

  /** Number of documents there were. */
  delete(ids: readonly string[]): number {
    let deleted = 0;
    for (const id of ids) {
      if (!this.documents.delete(id)) continue;
      deleted++;
      for (const index of this.sparse.values()) index.delete(id);
      for (const index of this.dense.values()) index.delete(id);
    }
    return deleted;
  }

  /** Ids of the documents that pass, in no promised order. */
  ids(node: FilterNode | undefined): string[] {
    if (node === undefined) return [...this.documents.keys()];
    const ids: string[] = [];
    for (const [id, record] of this.documents) if (matches(node, record.metadata)) ids.push(id);
    return ids;
  }

  get(ids: readonly string[]): (StoredDocument | undefined)[] {
    const sparse = [...this.sparse].map(([name, index]) => [name, index.getMany(ids)] as const);
    return ids.map((id, position) => {
      const record = this.documents.get(id);
      if (record === undefined) return undefined;
      const vectors: [string, SparseVector | Float32Array][] = [];
      for (const [name, found] of sparse) {
        const vector = found[position];
        if (vector !== undefined) vectors.push([name, vector]);
      }
      for (const [name, index] of this.dense) {
        const vector = index.get(id);
        if (vector !== undefined) vectors.push([name, vector]);
      }
      return { id, text: record.text, metadata: record.metadata, vectors: Object.fromEntries(vectors) };
    });
  }

  searchSparse(name: string, query: SparseVector, k: number, node: FilterNode | undefined): StoreHit[] {
    const field = this.fieldOf("searchSparse", name, "sparse");
    if (field === undefined) return [];
    checkDimension("searchSparse", name, query.dimension, field);
    const filter = this.accepts(node);
    const options = filter === undefined ? { topK: k } : { topK: k, filter };
    return this.toHits(this.sparse.get(name)?.search(query, options) ?? []);
  }

  searchDense(name: string, query: Float32Array, k: number, node: FilterNode | undefined): StoreHit[] {
    const field = this.fieldOf("searchDense", name, "dense");
    if (field === undefined) return [];
    checkDimension("searchDense", name, query.length, field);
    return this.toHits(this.dense.get(name)?.search(query, k, this.accepts(node)) ?? []);
  }

  /**
   * The field that a search is about; undefined as long as the store knows no fields at all.
   * @throws SparseEncoderError `INVALID_ARGUMENT` for a name that is not among them, or one of the other kind
   */
  fieldOf(call: string, name: string, kind: "sparse" | "dense"): ResolvedField | undefined {
    const field = this.fields.get(name);
    if (field === undefined) {
      if (this.fields.size === 0) return undefined;
      throw new SparseEncoderError(
        "INVALID_ARGUMENT",
        `${call}: no vectors are named ${received(name)}; the store has ${listNames(this.fields)}.`,
      );
    }
    if (field.kind !== kind) {
      throw new SparseEncoderError(
        "INVALID_ARGUMENT",
        `${call}: the vectors named ${received(name)} are ${field.kind}; use search${field.kind === "dense" ? "Dense" : "Sparse"}.`,
      );
    }
    return field;
  }

  private accepts(node: FilterNode | undefined): ((id: string) => boolean) | undefined {
    if (node === undefined) return undefined;
    return (id) => matches(node, this.documents.get(id)!.metadata);
  }

  private toHits(hits: readonly SearchHit[]): StoreHit[] {
    return hits.map(({ id, score }) => {
      const record = this.documents.get(id)!;
      return { id, score, text: record.text, metadata: record.metadata };
    });
  }

  private upsertSparse(name: string, dimension: number, documents: readonly CheckedDocument[]): void {
    let index = this.sparse.get(name);
    const ids: string[] = [];
    const vectors: SparseVector[] = [];
    for (const document of documents) {
      const vector = document.vectors.get(name);
      if (vector !== undefined) {
        ids.push(document.id);
        vectors.push(vector as SparseVector);
      } else if (this.documents.has(document.id)) {
        index?.delete(document.id);
      }
    }
    if (ids.length === 0) return;
    if (index === undefined) {
      index = new InvertedIndex(dimension);
      this.sparse.set(name, index);
    }
    index.upsertMany(ids, SparseMatrix.fromRows(vectors, dimension));
  }

  private upsertDense(
    name: string,
    { dimension, metric }: Extract<ResolvedField, { kind: "dense" }>,
    documents: readonly CheckedDocument[],
  ): void {
    let index = this.dense.get(name);
    for (const document of documents) {
      const vector = document.vectors.get(name);
      if (vector === undefined) {
        index?.delete(document.id);
        continue;
      }
      if (index === undefined) {
        index = new DenseIndex(dimension, metric);
        this.dense.set(name, index);
      }
      index.upsert(document.id, vector as Float32Array);
    }
  }
}

function checkDimension(call: string, name: string, received: number, field: ResolvedField): void {
  if (received === field.dimension) return;
  throw new SparseEncoderError(
    "INVALID_VECTOR",
    `${call}: the query has ${received} dimensions, the vectors named "${name}" have ${field.dimension}; ` +
      "query and documents must come from the same model.",
  );
}
