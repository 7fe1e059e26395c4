import { deleteCachedModel, listCachedModels } from "@sparse-encoder/core";
import { usageError } from "../command-error.ts";
import { Interruption } from "../interruption.ts";
import { megabytes } from "../terminal/megabytes.ts";
import { writeJson, writeLine } from "../terminal/standard-output.ts";
import { table } from "../terminal/table.ts";

/** Options of the command `cache`. */
export interface CacheTaskOptions {
  readonly revision?: string | undefined;
  readonly cacheDir?: string | undefined;
  readonly json?: boolean | undefined;
}

/** Characters of a commit that people know it by. */
const shortCommit = 8;

/** Shows the models in the cache. */
export async function listModels(model: string | undefined, options: CacheTaskOptions): Promise<void> {
  if (model !== undefined || options.revision !== undefined)
    throw usageError("cache list takes no model and no revision: it shows all.");
  const models = await listCachedModels({ cacheDir: options.cacheDir });
  if (options.json) return writeJson(models);
  if (models.length === 0) return writeLine("No models are in the cache.");
  const rows = models.map(({ name, commit, revisions, files, bytes, lastUsed, complete }) => [
    name,
    [...revisions, commit?.slice(0, shortCommit) ?? ""].filter((part) => part !== "").join(", "),
    megabytes(bytes),
    String(files.length),
    lastUsed.toISOString().slice(0, 10),
    complete ? "" : "not complete",
  ]);
  const columns = [
    { heading: "model" },
    { heading: "revision" },
    { heading: "MB", isNumeric: true },
    { heading: "files", isNumeric: true },
    { heading: "last used" },
    { heading: "" },
  ];
  await writeLine(table(columns, rows));
}

/** Deletes a model from the cache, and shows what that frees. */
export async function deleteModel(model: string | undefined, options: CacheTaskOptions): Promise<void> {
  if (model === undefined)
    throw usageError("cache delete needs the name of a model: sparse-encoder cache delete naver/splade-v3");
  using interruption = new Interruption();
  const { revision, cacheDir, json } = options;
  const bytes = await deleteCachedModel(model, { revision, cacheDir, signal: interruption.signal });
  if (json) return writeJson({ freedBytes: bytes });
  await writeLine(`${megabytes(bytes)} MB are free now.`);
}
