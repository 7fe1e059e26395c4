import { invalidArgument } from "../../errors.ts";
import { abortSignal, callback, declareOptions, flag, rule, text } from "../../options/index.ts";

/** Bytes of one file of a model that are there. */
export interface HubProgress {
  /** Path in the repository. */
  readonly file: string;
  /** Bytes, with the bytes of an earlier, broken download. */
  readonly received: number;
  /** Bytes of the whole file; undefined if it is not known. */
  readonly total: number | undefined;
}

/** Options of `fetchModel`. */
export interface HubOptions {
  /** Branch, tag, pull request (`refs/pr/1`) or commit. Default: `main`. */
  revision?: string | undefined;
  /** Access token; `""` for none. Default: `HF_TOKEN`, else the token that `hf auth login` stored, if any. */
  token?: string | undefined;
  /** Folder of the cache. Default: `HF_HUB_CACHE`, else `~/.cache/huggingface/hub`. */
  cacheDir?: string | undefined;
  /** True: make no request. Default: `HF_HUB_OFFLINE`, else false. */
  localFilesOnly?: boolean | undefined;
  /** Base address of the hub. Default: `HF_ENDPOINT`, else `https://huggingface.co`. */
  endpoint?: string | undefined;
  /** True: hash files that the cache has, too, and download again what was changed. Default: their sizes are compared. */
  verifyFiles?: boolean | undefined;
  /** Stops the download with an `ABORTED` error; what has arrived is kept for the next call. */
  signal?: AbortSignal | undefined;
  /** Called as files arrive; not for files that are in the cache. */
  onProgress?: ((progress: HubProgress) => void) | undefined;
  /**
   * Says which files of the repository are needed. `files` are the paths of all of them, separated by `/`; it is the
   * same array for each file.
   */
  wanted: (path: string, files: readonly string[]) => boolean;
}

/** Rules of the options that callers of a model's loading share with `fetchModel`. */
export const sourceRules = {
  revision: text(),
  token: rule((value, name) => {
    if (typeof value === "string") return value;
    // Only the type is named: the value may be a secret.
    throw invalidArgument(`${name} must be a string, received a ${typeof value}.`);
  }),
  cacheDir: text(),
  localFilesOnly: flag(),
  verifyFiles: flag(),
  endpoint: text(),
  signal: abortSignal(),
  onProgress: callback<(progress: HubProgress) => void>(),
};

/** The options of `fetchModel`. */
export const hubOptions = declareOptions<HubOptions>()({
  ...sourceRules,
  wanted: callback<HubOptions["wanted"]>().required(),
});
