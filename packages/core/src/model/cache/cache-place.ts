import path from "node:path";
import { readHubEnvironment } from "../hub/environment.ts";

const folderStart = "models--";

/** Absolute path of the cache of hub models: the folder given, else the one of the environment. */
export function cacheFolder(cacheDir: string | undefined): string {
  return path.resolve(cacheDir ?? readHubEnvironment().cacheDir);
}

/** The folder of a model in a cache. */
export function modelFolder(cacheDir: string, repository: string): string {
  return path.join(cacheDir, folderName(repository));
}

/** The folder of a model's locks and marks of use in a cache. */
export function lockFolder(cacheDir: string, repository: string): string {
  return path.join(cacheDir, ".locks", folderName(repository));
}

/** The name of the model in a folder of a cache; undefined for what is not a model. */
export function repositoryOf(folder: string): string | undefined {
  if (!folder.startsWith(folderStart)) return undefined;
  return folder.slice(folderStart.length).replaceAll("--", "/");
}

function folderName(repository: string): string {
  return `${folderStart}${repository.replaceAll("/", "--")}`;
}
