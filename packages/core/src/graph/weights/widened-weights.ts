import { SparseEncoderError } from "../../errors.ts";
import { type Pipeline, readTensorValues, type TensorTable } from "../../model/index.ts";
import {
  convertWeights,
  countOf,
  type SourceTensor,
  valuesPerBlock,
  type WeightFormat,
  type WriteValues,
} from "./converted-weights.ts";

/**
 * Bytes of weights in half precision from which on they are widened in a file. The runtime would widen them in memory, once
 * per session: a worker has two, and a model of 1.2 GB took 7.6 GB.
 */
const leastWidened = 1 << 28;

/**
 * The weights of a pipeline's transformer as float32, if many of them are in half precision: made once, kept in `cacheFolder`,
 * and mapped, so that sessions and workers share them. `weights` as they are otherwise, and where the folder cannot be written.
 *
 * @param least bytes in half precision from which on weights are widened
 * @throws SparseEncoderError `WEIGHTS_INVALID` or `ABORTED`
 */
export async function widenWeights(
  pipeline: Pipeline,
  weights: ReadonlyMap<string, TensorTable>,
  cacheFolder: string,
  signal: AbortSignal | undefined,
  least: number = leastWidened,
): Promise<ReadonlyMap<string, TensorTable>> {
  try {
    return await convertWeights(pipeline, weights, float32(least), cacheFolder, signal);
  } catch (error) {
    if (SparseEncoderError.is(error, "CACHE_UNWRITABLE")) return weights;
    throw error;
  }
}

function float32(least: number): WeightFormat {
  return {
    name: "fp32",
    version: "2",
    has: (used) => {
      const half = [...used.values()].filter(({ type }) => type === "F16" || type === "BF16");
      return half.reduce((sum, { byteLength }) => sum + byteLength, 0) < Math.max(1, least);
    },
    entries: ({ name, tensor }) => [{ name, type: "F32", shape: tensor.shape }],
    convert: widenTensor,
  };
}

/** Widens a tensor in blocks. */
async function widenTensor({ name, tensor }: SourceTensor, write: WriteValues): Promise<void> {
  const count = countOf(tensor.shape);
  for (let start = 0; start < count; start += valuesPerBlock) {
    const end = Math.min(start + valuesPerBlock, count);
    await write(name, await readTensorValues(tensor, start, end), start);
  }
}
