import { bytesOf, corrupt, type Snapshot, type SnapshotSection } from "../disk/index.ts";
import type { Postings } from "./postings.ts";

/** A segment outside of an index: nothing in it changes any more. */
export interface SavedSegment {
  /** The id of each document number, empty where the document was deleted. */
  readonly ids: readonly string[];
  readonly postings: Postings;
}

/** What {@link readPostings} needs to know beside the sections. */
export interface PostingsDescription {
  readonly documentCount: number;
  /** Null without postings: JSON has no infinity. */
  readonly leastWeight: number | null;
}

export function describePostings({ documentCount, leastWeight }: Postings): PostingsDescription {
  return { documentCount, leastWeight: Number.isFinite(leastWeight) ? leastWeight : null };
}

/** The arrays of postings as sections `<prefix>.terms` and so on, 6 bytes a posting and 8 a term. */
export function postingsSections(prefix: string, postings: Postings): SnapshotSection[] {
  return (["terms", "offsets", "documents", "weights"] as const).map((part) => ({
    name: `${prefix}.${part}`,
    bytes: bytesOf(postings[part]),
  }));
}

/** Postings over the memory of a snapshot: nothing is copied or built. */
export function readPostings(
  snapshot: Snapshot,
  prefix: string,
  dimension: number,
  { documentCount, leastWeight }: PostingsDescription,
): Postings {
  const postings: Postings = {
    dimension,
    documentCount,
    terms: snapshot.uint32(`${prefix}.terms`),
    offsets: snapshot.uint32(`${prefix}.offsets`),
    documents: snapshot.uint16(`${prefix}.documents`),
    weights: snapshot.float32(`${prefix}.weights`),
    leastWeight: leastWeight ?? Number.POSITIVE_INFINITY,
  };
  const { terms, offsets, documents, weights } = postings;
  if (
    offsets.length !== terms.length + 1 ||
    offsets[terms.length] !== documents.length ||
    documents.length !== weights.length
  ) {
    throw corrupt(snapshot.file, `the arrays of ${prefix} do not fit each other`);
  }
  return postings;
}
