import { homedir } from "node:os";
import path from "node:path";

/**
 * Where files made from models are kept: `$XDG_CACHE_HOME/sparse-encoder`, else `~/.cache/sparse-encoder`. Nothing in it is
 * needed for good: what is missing is made again.
 */
export function defaultCacheFolder(variables: NodeJS.ProcessEnv = process.env): string {
  return path.join(variables.XDG_CACHE_HOME || path.join(homedir(), ".cache"), "sparse-encoder");
}
