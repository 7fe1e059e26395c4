import { type TermFilter, termFilterOperators, vectorTerm } from "../engine/metadata-terms.ts";
import type { FilterNode } from "../filter/filter-node.ts";
import type { Metadata, StoredDocument } from "../store.ts";
import type { ResolvedField } from "../vector-fields.ts";
import type { QdrantPoint } from "./qdrant-client.ts";
import { compileFilter, hasTerm, type QdrantCondition } from "./qdrant-filter.ts";
import { contentOf, fromPoint, idOf, toPointId } from "./qdrant-points.ts";

/** What a document is in Qdrant: how a collection keeps ids, texts and metadata, and what filters look at. */
export interface QdrantFormat {
  /** Operators that filters may use. */
  readonly filters: ReadonlySet<string>;
  /** Parts of the payload that hits are made of, and that ids are. */
  readonly hitPayload: readonly string[];
  readonly idPayload: readonly string[] | false;
  /** The id of the point of a document; undefined if no point can be of that one. */
  toPointId(id: string, key: string | undefined): string | number | undefined;
  idOf(point: QdrantPoint): string;
  contentOf(point: QdrantPoint): { id: string; text: string; metadata: Metadata };
  toDocument(point: QdrantPoint, fields: ReadonlyMap<string, ResolvedField>): StoredDocument;
  /** Qdrant's name for vectors. */
  vectorName(name: string): string;
  /** What a document must pass to be a hit of a search in the vectors named so. */
  conditionsOf(name: string): readonly QdrantCondition[];
  compileFilter(node: FilterNode): QdrantCondition;
}

/** That of collections that the store makes. */
export const ownFormat: QdrantFormat = {
  filters: termFilterOperators,
  hitPayload: ["id", "text", "metadata"],
  idPayload: ["id"],
  toPointId,
  idOf,
  contentOf,
  toDocument: fromPoint,
  vectorName: (name) => name,
  conditionsOf: (name) => [hasTerm(vectorTerm(name))],
  compileFilter: (node) => compileFilter(node as TermFilter),
};
