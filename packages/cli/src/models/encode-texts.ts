import { type DenseMatrix, SparseEncoder, type SparseMatrix } from "@sparse-encoder/core";
import type { EncodeTask } from "../encode/encode-tasks.ts";
import type { AnyEncoder } from "./open-encoder.ts";

const methods = { document: "encodeDocument", query: "encodeQuery", plain: "encode" } as const;

/** Encodes texts with the prompt of a task. */
export function encodeTexts(
  encoder: AnyEncoder,
  task: EncodeTask,
  texts: readonly string[],
  options: { readonly signal: AbortSignal; readonly batchSize?: number },
): Promise<SparseMatrix | DenseMatrix> {
  return encoder instanceof SparseEncoder
    ? encoder[methods[task]](texts, options)
    : encoder[methods[task]](texts, options);
}
