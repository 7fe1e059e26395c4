import { DenseIndex, InvertedIndex, type SearchHit } from "../../index/index.ts";
import { SparseMatrix, type SparseVector } from "../../vector/index.ts";
import type { BackendQuery } from "../backend.ts";
import { matches } from "../filter/filter-match.ts";
import type { FilterNode } from "../filter/filter-node.ts";
import type { StoredDocument, StoreHit } from "../store.ts";
import type { CheckedDocument } from "../store-arguments.ts";
import { newFields, type ResolvedField } from "../vector-fields.ts";
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

  /** The documents of different ids, in their order; missing ones are left out. */
  get(ids: readonly string[]): StoredDocument[] {
    const sparse = [...this.sparse].map(([name, index]) => [name, index.getMany(ids)] as const);
    return ids.flatMap((id, position) => {
      const record = this.documents.get(id);
      if (record === undefined) return [];
      const vectors: [string, SparseVector | Float32Array][] = [];
      for (const [name, found] of sparse) {
        const vector = found[position];
        if (vector !== undefined) vectors.push([name, vector]);
      }
      for (const [name, index] of this.dense) {
        const vector = index.get(id);
        if (vector !== undefined) vectors.push([name, vector]);
      }
      return [{ id, text: record.text, metadata: record.metadata, vectors: Object.fromEntries(vectors) }];
    });
  }

  rankSparse({ name, vector, k, filter }: BackendQuery<SparseVector>): StoreHit[] {
    const accepts = this.accepts(filter);
    const options = accepts === undefined ? { topK: k } : { topK: k, filter: accepts };
    return this.toHits(this.sparse.get(name)?.search(vector, options) ?? []);
  }

  rankDense({ name, vector, k, filter }: BackendQuery<Float32Array>): StoreHit[] {
    return this.toHits(this.dense.get(name)?.search(vector, k, this.accepts(filter)) ?? []);
  }

  clear(): void {
    for (const part of [this.fields, this.documents, this.sparse, this.dense]) part.clear();
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
