import path from "node:path";
import { locateModel, type ModelSourceOptions, readModelFolder, sourceRules } from "../../model/index.ts";
import { declareOptions, text } from "../../options/index.ts";
import { checkModelName } from "./load-options.ts";

/** Which files of a model are fetched, and where to. */
export interface DownloadOptions extends ModelSourceOptions {}

const downloadOptions = declareOptions<DownloadOptions>()({ ...sourceRules, fileName: text() });

/**
 * Fetches what loading a model needs into the cache: for a build step, such as building an image, after which
 * `load(name, { localFilesOnly: true })` finds all of it. The model is not opened: no worker starts, and no package with binaries
 * is loaded. Files that are there are not fetched again.
 *
 * @param model name of a model on the hub, or its address; a folder is only looked at
 * @returns absolute path of the model folder
 * @throws SparseEncoderError `MODEL_NOT_FOUND`, `MODEL_INVALID`, `MODEL_UNSUPPORTED` for a model whose settings are missing, broken
 *   or of another kind; for models of the hub also `NETWORK`, `HUB_OFFLINE`, `HUB_UNAUTHORIZED`, `HUB_GATED`, `HUB_NOT_FOUND`,
 *   `HUB_INVALID`, `DOWNLOAD_CORRUPT`, `CACHE_UNWRITABLE`; `INVALID_ARGUMENT`, `UNKNOWN_OPTION`, `ABORTED`
 *
 * @example
 * await downloadModel("naver/splade-v3", { cacheDir: "/app/models" });
 */
export async function downloadModel(model: string | URL, options?: DownloadOptions): Promise<string> {
  const checked = downloadOptions.check("downloadModel", options);
  const address = checkModelName("downloadModel", model);
  const revision = checked.revision ?? address.revision;
  const { folder, use } = await locateModel(address.model, { ...checked, revision });
  try {
    await readModelFolder(folder);
    return path.resolve(folder);
  } finally {
    await use?.end();
  }
}
