import { mkdir } from "node:fs/promises";
import path from "node:path";
import {
  corrupt,
  readingContent,
  readSnapshot,
  type SnapshotSection,
  storageError,
  writeSnapshot,
} from "../disk/index.ts";
import { received, SparseEncoderError } from "../errors.ts";
import { positiveInteger } from "../options/index.ts";
import { checkIds } from "./arguments.ts";
import {
  describePostings,
  type PostingsDescription,
  postingsSections,
  readPostings,
  type SavedSegment,
} from "./saved-segment.ts";

const fileName = "index.snapshot";
const kind = "index";

interface IndexDescription {
  readonly dimension: number;
  readonly model: string | null;
  readonly segments: readonly PostingsDescription[];
}

/** Writes an index into a folder, in place of the one that is there, if any. */
export async function saveIndex(
  folder: string,
  dimension: number,
  segments: readonly SavedSegment[],
  model: string | undefined,
): Promise<void> {
  const description: IndexDescription = {
    dimension,
    model: model ?? null,
    segments: segments.map(({ postings }) => describePostings(postings)),
  };
  try {
    await mkdir(folder, { recursive: true });
  } catch (error) {
    throw storageError(error, `${folder} cannot be made`);
  }
  await writeSnapshot(path.join(folder, fileName), kind, description, indexSections(segments));
}

/** Reads what {@link saveIndex} wrote. */
export async function readIndex(
  folder: string,
  model: string | undefined,
): Promise<{ dimension: number; segments: SavedSegment[] }> {
  const file = path.join(folder, fileName);
  const snapshot = await readSnapshot(file, kind).catch((error: unknown) => {
    const cause = error instanceof Error ? (error.cause as NodeJS.ErrnoException | undefined) : undefined;
    if (cause?.code !== "ENOENT") throw error;
    throw new SparseEncoderError(
      "INVALID_ARGUMENT",
      `InvertedIndex.open: there is no index in ${received(folder)}; \`save\` makes one.`,
      { cause },
    );
  });
  return readingContent(file, () => {
    const { dimension, model: stored, segments } = snapshot.description as IndexDescription;
    checkModel(file, stored, model);
    positiveInteger("dimension", dimension, 0xffffffff);
    const seen = new Set<string>();
    const read = segments.map((part, number) => {
      const ids = snapshot.json(`${number}.ids`) as string[];
      if (!Array.isArray(ids) || ids.length !== part.documentCount) {
        throw corrupt(file, `segment ${number} lacks ids`);
      }
      const live = ids.filter((id) => id !== "");
      checkIds(`segment ${number}`, live);
      for (const id of live) if (seen.has(id)) throw corrupt(file, `the id ${received(id)} comes twice`);
      for (const id of live) seen.add(id);
      return { ids, postings: readPostings(snapshot, `${number}`, dimension, part) };
    });
    return { dimension, segments: read };
  });
}

/**
 * Checks that the model that a caller names is the model of the stored vectors. Without a name there is nothing to check.
 * @throws SparseEncoderError `STORE_MISMATCH`
 */
export function checkModel(place: string, stored: string | null, wanted: string | undefined): void {
  if (wanted === undefined || stored === wanted) return;
  throw new SparseEncoderError(
    "STORE_MISMATCH",
    stored === null
      ? `${place} was written without the option model, so nothing says that its vectors are of ${received(wanted)}; ` +
          "leave the option out, or build it again."
      : `${place} has vectors of the model ${received(stored)}, not of ${received(wanted)}; ` +
          "open it with that model, or use another folder.",
  );
}

function* indexSections(segments: readonly SavedSegment[]): Generator<SnapshotSection> {
  for (const [number, { ids, postings }] of segments.entries()) {
    yield { name: `${number}.ids`, bytes: Buffer.from(JSON.stringify(ids), "utf8") };
    yield* postingsSections(`${number}`, postings);
  }
}
