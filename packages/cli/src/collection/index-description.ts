import { readFile } from "node:fs/promises";
import path from "node:path";
import { z } from "zod";
import { CommandError, messageOf, systemCode } from "../command-error.ts";
import { writeWholeFile } from "../terminal/whole-file.ts";

/** Of the files of an index. A newer one is refused. */
const formatVersion = 1;

/** Models of an index and their settings, which stay for as long as it is there. */
const modelsSchema = z.object({
  /** Null for the embedded model. */
  model: z.string().nullable(),
  revision: z.string().nullable(),
  dtype: z.enum(["fp32", "tf32", "fp16", "int8"]),
  maxActiveDims: z.number().int().positive().nullable(),
  /** Null for an index without dense vectors. */
  dense: z.string().nullable(),
});

const fileSchema = z.object({ hash: z.string(), passages: z.number().int().nonnegative() });

const descriptionSchema = z.object({
  format: z.literal("sparse-encoder/index"),
  version: z.number(),
  /** Whether the last run that changed the index ended. */
  state: z.enum(["writing", "complete"]),
  models: modelsSchema,
  /** Files by name. */
  files: z.record(z.string(), fileSchema),
  /** Passages that were deleted or replaced since the keyword statistics were made. */
  outdated: z.number().int().nonnegative(),
});

export type IndexModels = Readonly<z.infer<typeof modelsSchema>>;
export type IndexedFile = Readonly<z.infer<typeof fileSchema>>;
export type IndexDescription = Readonly<z.infer<typeof descriptionSchema>>;

/** Paths in the folder of an index. */
export function indexPaths(folder: string): {
  readonly description: string;
  readonly keyword: string;
  readonly store: string;
} {
  return {
    description: path.join(folder, "index.json"),
    keyword: path.join(folder, "keyword.json"),
    store: path.join(folder, "store"),
  };
}

export function emptyDescription(models: IndexModels): IndexDescription {
  return {
    format: "sparse-encoder/index",
    version: formatVersion,
    state: "complete",
    models,
    files: {},
    outdated: 0,
  };
}

/**
 * The description of an index; undefined if the folder has none.
 * @throws CommandError if it is broken or of a newer version
 */
export async function readDescription(folder: string): Promise<IndexDescription | undefined> {
  const file = indexPaths(folder).description;
  let value: unknown;
  try {
    value = JSON.parse(await readFile(file, "utf8"));
  } catch (error) {
    if (systemCode(error) === "ENOENT" || systemCode(error) === "ENOTDIR") return undefined;
    throw new CommandError(`${file} cannot be read: ${messageOf(error)}. Delete the folder and index again.`);
  }
  const { success, data } = descriptionSchema.safeParse(value);
  if (!success)
    throw new CommandError(`${file} does not describe an index of this program; name another folder.`);
  if (data.version !== formatVersion) {
    throw new CommandError(
      `${file} has format version ${data.version}, this program reads ${formatVersion}; update it.`,
    );
  }
  return data;
}

export function writeDescription(folder: string, description: IndexDescription): Promise<void> {
  return writeWholeFile(indexPaths(folder).description, JSON.stringify(description));
}
