import type { FolderUse } from "../disk/index.ts";
import { beginModelUse } from "./cache/model-use.ts";
import { fetchModel, type HubProgress, isHubName, wantedModelFiles } from "./hub/hub.ts";

/** Where a model may come from, beyond a folder. */
export interface ModelSourceOptions {
  /** Branch, tag, pull request (`refs/pr/1`) or commit on the hub. Default `main`. */
  readonly revision?: string | undefined;
  /** Access token of the hub; `""` for none. Default: `HF_TOKEN`, else the token that `hf auth login` stored. */
  readonly token?: string | undefined;
  /**
   * Folder of downloaded models, laid out as Python's `huggingface_hub` does, and, in its folder `sparse-encoder`, of files
   * made from models. Default: `HF_HUB_CACHE`, else `~/.cache/huggingface/hub`; for files made from models
   * `$XDG_CACHE_HOME/sparse-encoder`, else `~/.cache/sparse-encoder`.
   */
  readonly cacheDir?: string | undefined;
  /** True: make no request. Default: `HF_HUB_OFFLINE`, else false. */
  readonly localFilesOnly?: boolean | undefined;
  /**
   * True: hash the model's files that are in the cache, too, and download again what was changed there. Default false: the sizes
   * are compared.
   */
  readonly verifyFiles?: boolean | undefined;
  /** Base address of the hub. Default: `HF_ENDPOINT`, else `https://huggingface.co`. */
  readonly endpoint?: string | undefined;
  /**
   * An ONNX file of the model to run instead of its weights, such as `onnx/model_O3.onnx`. A file that quantises what it gets
   * (`DynamicQuantizeLinear`) runs one text at a time, so that a text has the same vector in every batch.
   */
  readonly fileName?: string | undefined;
  /** Stops loading with an `ABORTED` error; what was downloaded is kept for the next call. */
  readonly signal?: AbortSignal | undefined;
  /** Called as files of the hub arrive; not for files that are in the cache. */
  readonly onProgress?: ((progress: HubProgress) => void) | undefined;
}

/** Where a model is. */
export interface LocatedModel {
  readonly folder: string;
  /** Keeps the model from being deleted from the cache until it ends; undefined for a folder outside of the cache. */
  readonly use: FolderUse | undefined;
}

/**
 * The folder of a model: `model` itself if it is a path, else the folder of the hub's model with that name, downloaded if the cache
 * lacks it.
 */
export async function locateModel(model: string, options: ModelSourceOptions): Promise<LocatedModel> {
  if (!(await isHubName(model))) return { folder: model, use: undefined };
  const { revision, token, cacheDir, localFilesOnly, verifyFiles, endpoint, fileName, signal, onProgress } =
    options;
  const use = await beginModelUse({ repository: model, cacheDir, localFilesOnly }, signal);
  try {
    const wanted = wantedModelFiles(fileName);
    const source = { revision, token, cacheDir, localFilesOnly, verifyFiles, endpoint, signal, onProgress };
    return { folder: await fetchModel(model, { ...source, wanted }), use };
  } catch (error) {
    await use?.end();
    throw error;
  }
}
