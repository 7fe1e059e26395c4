import { SparseEncoderError } from "../../errors.ts";
import { type Pipeline, readTensorValues, type StoredTensor, type TensorTable } from "../../model/index.ts";
import {
  convertWeights,
  countOf,
  type SourceTensor,
  valuesPerBlock,
  type WeightFormat,
  type WriteValues,
} from "./converted-weights.ts";

/** The largest number of half precision; what rounds to more is an infinity there. */
const largestHalf = 65_504;
const firstInfinity = 65_520;

/** Biases and norms stay float32: they are small, and the decoder's bias is added in float32. */
const isHalved = ({ shape }: StoredTensor): boolean => shape.length > 1;

const fp16: WeightFormat = {
  name: "fp16",
  version: "2",
  // Checkpoints in half precision, and in bfloat16, are as small; the runtime casts those when it opens the model.
  has: (used) => [...used.values()].every((tensor) => !isHalved(tensor) || tensor.type !== "F32"),
  entries: ({ name, tensor }) => [{ name, type: isHalved(tensor) ? "F16" : "F32", shape: tensor.shape }],
  convert: async (source, write) => {
    if (isHalved(source.tensor)) await halveTensor(source, write);
    else await write(source.name, await readTensorValues(source.tensor), 0);
  },
};

/**
 * The weights of a pipeline's transformer in half precision, made once and kept in `cacheFolder`, and the weights of the other modules
 * as they are.
 *
 * @throws SparseEncoderError `WEIGHTS_INVALID`, `CACHE_UNWRITABLE` or `ABORTED`
 */
export function halveWeights(
  pipeline: Pipeline,
  weights: ReadonlyMap<string, TensorTable>,
  cacheFolder: string,
  signal: AbortSignal | undefined,
): Promise<Map<string, TensorTable>> {
  return convertWeights(pipeline, weights, fp16, cacheFolder, signal);
}

/** Converts a tensor in blocks. */
async function halveTensor({ name, tensor, origin }: SourceTensor, write: WriteValues): Promise<void> {
  const count = countOf(tensor.shape);
  for (let start = 0; start < count; start += valuesPerBlock) {
    const end = Math.min(start + valuesPerBlock, count);
    const values = await readTensorValues(tensor, start, end);
    const outside = values.find((value) => !(Math.abs(value) < firstInfinity));
    if (outside !== undefined) {
      throw new SparseEncoderError(
        "WEIGHTS_INVALID",
        `${origin} has ${outside} in "${name}", and fp16 ends at ${largestHalf}; load the model with dtype "fp32".`,
      );
    }
    await write(name, toHalf(values), start);
  }
}

const float = new Float32Array(1);
const bits = new Uint32Array(float.buffer);

/** The bits of each number in half precision, to nearest, ties to even. */
export function toHalf(values: Float32Array): Uint16Array {
  const half = new Uint16Array(values.length);
  for (let index = 0; index < values.length; index++) {
    float[0] = values[index]!;
    const sign = (bits[0]! >>> 16) & 0x8000;
    const magnitude = bits[0]! & 0x7fffffff;
    half[index] = sign | roundedMagnitude(magnitude);
  }
  return half;
}

/** Of the bits of a float32 without its sign. */
function roundedMagnitude(magnitude: number): number {
  const exponent = magnitude >>> 23;
  // NaN stays NaN; what is 65,520 or more is infinite.
  if (magnitude > 0x7f800000) return 0x7e00;
  if (magnitude >= 0x477ff000) return 0x7c00;
  if (exponent >= 113) {
    // 13 bits of the mantissa go; 112 is the difference of the two exponents' biases.
    const kept = magnitude - (112 << 23);
    return (kept + 0xfff + ((kept >>> 13) & 1)) >>> 13;
  }
  if (exponent < 102) return 0;
  // Subnormal: multiples of 2^-24.
  const mantissa = (magnitude & 0x7fffff) | 0x800000;
  const shift = 126 - exponent;
  const half = 1 << (shift - 1);
  return (mantissa + half - 1 + ((mantissa >>> shift) & 1)) >>> shift;
}
