import { bytesOf, corrupt, type Snapshot, type SnapshotSection } from "../disk/index.ts";
import { maximumDocuments, type Postings } from "./postings.ts";

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

/** The arrays of postings as sections `<prefix>.terms` and so on, 6 bytes per posting and 8 per term. */
export function postingsSections(prefix: string, postings: Postings): SnapshotSection[] {
  return (["terms", "offsets", "documents", "weights"] as const).map((part) => ({
    name: `${prefix}.${part}`,
    bytes: bytesOf(postings[part]),
  }));
}

/**
 * Postings over the memory of a snapshot: nothing is copied or built. All is checked that searches rely on. O(postings)
 * @throws SparseEncoderError `STORE_CORRUPT`
 */
export function readPostings(
  snapshot: Snapshot,
  prefix: string,
  dimension: number,
  { documentCount }: PostingsDescription,
): Postings {
  const postings: Postings = {
    dimension,
    documentCount,
    terms: snapshot.uint32(`${prefix}.terms`),
    offsets: snapshot.uint32(`${prefix}.offsets`),
    documents: snapshot.uint16(`${prefix}.documents`),
    weights: snapshot.float32(`${prefix}.weights`),
    leastWeight: Number.POSITIVE_INFINITY,
  };
  const problem = problemOf(postings);
  if (problem !== undefined) throw corrupt(snapshot.file, `${prefix}: ${problem}`);
  return { ...postings, leastWeight: leastOf(postings.weights) };
}

function problemOf({
  dimension,
  documentCount,
  terms,
  offsets,
  documents,
  weights,
}: Postings): string | undefined {
  if (!Number.isInteger(documentCount) || documentCount < 0 || documentCount > maximumDocuments) {
    return "its number of documents cannot be";
  }
  if (offsets.length !== terms.length + 1 || offsets[0] !== 0) return "its arrays do not fit each other";
  if (offsets[terms.length] !== documents.length || documents.length !== weights.length) {
    return "its arrays do not fit each other";
  }
  for (let position = 0; position < terms.length; position++) {
    if (terms[position]! >= dimension || (position > 0 && terms[position]! <= terms[position - 1]!)) {
      return "its terms do not rise, or pass the dimension";
    }
    const [from, to] = [offsets[position]!, offsets[position + 1]!];
    if (from >= to || to > documents.length) return "its offsets do not rise";
    for (let posting = from + 1; posting < to; posting++) {
      if (documents[posting]! <= documents[posting - 1]!) return "its documents do not rise within a term";
    }
    if (documents[to - 1]! >= documentCount) return "it has postings of documents that it lacks";
  }
  return weights.every((weight) => Number.isFinite(weight) && weight !== 0)
    ? undefined
    : "its weights are not all numbers";
}

function leastOf(weights: Float32Array): number {
  let least = Number.POSITIVE_INFINITY;
  for (const weight of weights) if (weight < least) least = weight;
  return least;
}
