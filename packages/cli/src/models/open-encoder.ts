import { CrossEncoder, DenseEncoder, type LoadOptions, SparseEncoder } from "@sparse-encoder/core";
import { ProgressLine } from "../terminal/progress-line.ts";
import { downloadLine } from "./download.ts";
import type { ModelOptions } from "./model-options.ts";

/** An encoder of either kind. */
export type AnyEncoder = SparseEncoder | DenseEncoder;

/** Loads a sparse encoder; downloads of its files are shown on a terminal. */
export async function openSparseEncoder(options: ModelOptions, signal: AbortSignal): Promise<SparseEncoder> {
  const { model, maxActiveDims } = options;
  return withProgress(options, signal, (loadOptions) =>
    SparseEncoder.load(model, { ...loadOptions, ...(maxActiveDims !== undefined && { maxActiveDims }) }),
  );
}

/** Loads a dense encoder. */
export async function openDenseEncoder(
  model: string,
  options: ModelOptions,
  signal: AbortSignal,
): Promise<DenseEncoder> {
  return withProgress(options, signal, (loadOptions) => DenseEncoder.load(model, loadOptions));
}

/** Loads a reranker. How many of its tokens are read is its own setting; the encoders' option does not count. */
export async function openReranker(
  model: string,
  options: ModelOptions,
  signal: AbortSignal,
): Promise<CrossEncoder> {
  return withProgress({ ...options, revision: undefined, maxSeqLength: undefined }, signal, (loadOptions) =>
    CrossEncoder.load(model, loadOptions),
  );
}

async function withProgress<Encoder>(
  { revision, dtype, device, workers, threads, maxSeqLength, cacheDir, offline }: ModelOptions,
  signal: AbortSignal,
  load: (options: LoadOptions) => Promise<Encoder>,
): Promise<Encoder> {
  using line = new ProgressLine();
  const given = {
    revision,
    dtype,
    device,
    workers,
    threads,
    maxSeqLength,
    cacheDir,
    localFilesOnly: offline,
  };
  const options = Object.fromEntries(Object.entries(given).filter(([, value]) => value !== undefined));
  return load({
    ...options,
    signal,
    onProgress: (progress) => line.show(downloadLine(progress)),
  });
}
