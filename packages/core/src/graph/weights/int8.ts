import { SparseEncoderError } from "../../errors.ts";
import { type Pipeline, readTensorValues, type TensorTable } from "../../model/index.ts";
import { largestInteger } from "../layers.ts";
import {
  convertWeights,
  type SourceTensor,
  valuesPerBlock,
  type WeightFormat,
  type WriteValues,
} from "./converted-weights.ts";

/**
 * Matrices of linear layers, the word embeddings and the decoder get one scale per row, symmetric: row = int8 x scale, scale =
 * largest absolute value / 63. Everything else is kept as float32.
 */
const int8: WeightFormat = {
  name: "int8",
  version: "3",
  has: () => false,
  entries: ({ name, tensor, quantisable }) =>
    quantisable
      ? [
          { name: `${name}_scale`, type: "F32", shape: [tensor.shape[0]!] },
          { name, type: "I8", shape: tensor.shape },
        ]
      : [{ name, type: "F32", shape: tensor.shape }],
  convert: async (source, write) => {
    if (source.quantisable) await quantiseTensor(source, write);
    else await write(source.name, await readNumbers(source), 0);
  },
};

/**
 * The weights of a pipeline's transformer as int8, made once and kept in `cacheFolder`, and those of the other modules as they
 * are: they run once per text.
 *
 * @throws SparseEncoderError `WEIGHTS_INVALID`, `CACHE_UNWRITABLE` or `ABORTED`
 */
export function quantiseWeights(
  pipeline: Pipeline,
  weights: ReadonlyMap<string, TensorTable>,
  cacheFolder: string,
  signal: AbortSignal | undefined,
): Promise<Map<string, TensorTable>> {
  return convertWeights(pipeline, weights, int8, cacheFolder, signal);
}

/** Values that stay float32. A NaN among them would vanish in the products behind them; an infinity is found in the vectors. */
async function readNumbers({ name, tensor, origin }: SourceTensor): Promise<Float32Array> {
  const values = await readTensorValues(tensor);
  if (values.some(Number.isNaN)) throw notFinite(name, origin);
  return values;
}

/** Quantises a matrix in blocks of rows. */
async function quantiseTensor({ name, tensor, origin }: SourceTensor, write: WriteValues): Promise<void> {
  const [rows, width] = tensor.shape as [number, number];
  const rowsPerBlock = Math.max(1, Math.floor(valuesPerBlock / width));
  for (let start = 0; start < rows; start += rowsPerBlock) {
    const end = Math.min(start + rowsPerBlock, rows);
    const block = await readTensorValues(tensor, start * width, end * width);
    const { values, scales } = quantiseRows(block, width);
    if (!scales.every(Number.isFinite)) throw notFinite(name, origin);
    await write(name, values, start * width);
    await write(`${name}_scale`, scales, start);
  }
}

function notFinite(name: string, origin: string): SparseEncoderError {
  return new SparseEncoderError("WEIGHTS_INVALID", `${origin} has numbers in "${name}" that are not finite.`);
}

/** One scale per row: the largest absolute value becomes 63. The scale of a row with numbers that are not finite is NaN. */
export function quantiseRows(
  weights: Float32Array,
  width: number,
): { values: Int8Array; scales: Float32Array } {
  const rows = weights.length / width;
  const values = new Int8Array(weights.length);
  const scales = new Float32Array(rows);
  for (let row = 0; row < rows; row++) {
    let largest = 0;
    let sum = 0;
    for (let index = row * width; index < (row + 1) * width; index++) {
      const magnitude = Math.abs(weights[index]!);
      if (magnitude > largest) largest = magnitude;
      sum += magnitude;
    }
    // Comparisons pass over NaN; the sum does not.
    scales[row] = Number.isFinite(sum) ? (largest === 0 ? 1 : largest / largestInteger) : Number.NaN;
    const inverse = 1 / scales[row]!;
    for (let index = row * width; index < (row + 1) * width; index++) {
      // `Math.round` takes four times as long.
      values[index] = Math.floor(weights[index]! * inverse + 0.5);
    }
  }
  return { values, scales };
}
