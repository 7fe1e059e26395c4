import { stat } from "node:fs/promises";
import { FolderUse } from "../../disk/index.ts";
import { isSystemError } from "../../errors.ts";
import { readHubEnvironment } from "../hub/environment.ts";
import { cacheFolder, lockFolder, modelFolder } from "./cache-place.ts";

/** Where a model of the hub is, or is to be, in a cache. */
export interface CachedPlace {
  readonly repository: string;
  readonly cacheDir: string | undefined;
  readonly localFilesOnly: boolean | undefined;
}

/**
 * Says to {@link deleteCachedModel} that this process uses a model of the cache, until the mark ends. Undefined where nothing can
 * be written: such a cache is a read-only copy, or another user's.
 *
 * @throws SparseEncoderError `ABORTED`
 */
export async function beginModelUse(
  { repository, cacheDir, localFilesOnly }: CachedPlace,
  signal: AbortSignal | undefined,
): Promise<FolderUse | undefined> {
  const cache = cacheFolder(cacheDir);
  const offline = localFilesOnly ?? readHubEnvironment().offline;
  // Nothing will be downloaded, so nothing is to be made either.
  if (offline && !(await isThere(modelFolder(cache, repository)))) return undefined;
  try {
    return await FolderUse.begin(lockFolder(cache, repository), signal);
  } catch (error) {
    if (isSystemError(error)) return undefined;
    throw error;
  }
}

async function isThere(folder: string): Promise<boolean> {
  return stat(folder).then(
    () => true,
    () => false,
  );
}
