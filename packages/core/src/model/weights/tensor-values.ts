import { SparseEncoderError } from "../../errors.ts";
import { openRegularFile } from "../regular-file.ts";
import type { StoredTensor } from "./tensor.ts";

/**
 * Reads elements [start, end) of a stored tensor as float32; default all. Half precision is widened exactly.
 *
 * @throws SparseEncoderError `WEIGHTS_INVALID` if the file has become shorter since its header was read
 */
export async function readTensorValues(
  tensor: StoredTensor,
  start = 0,
  end: number = tensor.shape.reduce((product, size) => product * size, 1),
): Promise<Float32Array> {
  const elementBytes = tensor.type === "F32" ? 4 : 2;
  const bytes = new Uint8Array((end - start) * elementBytes);
  const handle = await openRegularFile(tensor.file);
  try {
    const { bytesRead } = await handle.read(bytes, 0, bytes.length, tensor.offset + start * elementBytes);
    if (bytesRead < bytes.length) {
      throw new SparseEncoderError(
        "WEIGHTS_INVALID",
        `${tensor.file} ends before byte ${tensor.offset + end * elementBytes}.`,
      );
    }
  } finally {
    await handle.close();
  }
  switch (tensor.type) {
    case "F32":
      return new Float32Array(bytes.buffer);
    case "BF16":
      return widenBfloat16(new Uint16Array(bytes.buffer));
    case "F16":
      return widenFloat16(new Uint16Array(bytes.buffer));
    default:
      throw new SparseEncoderError(
        "WEIGHTS_INVALID",
        `${tensor.file}: ${tensor.type} is not a type of weights.`,
      );
  }
}

/** bfloat16 is the upper half of a float32. */
function widenBfloat16(halves: Uint16Array): Float32Array {
  const bits = new Uint32Array(halves.length);
  // A loop: the function that `from` calls per number takes thirty times as long.
  for (let place = 0; place < halves.length; place++) bits[place] = halves[place]! << 16;
  return new Float32Array(bits.buffer);
}

/** The float32 of each of the 65,536 numbers in half precision; made when a file first needs it. */
let float16Values: Float32Array | undefined;

function widenFloat16(halves: Uint16Array): Float32Array {
  float16Values ??= Float32Array.from({ length: 1 << 16 }, (_, half) => float16Value(half));
  const table = float16Values;
  const values = new Float32Array(halves.length);
  for (let place = 0; place < halves.length; place++) values[place] = table[halves[place]!]!;
  return values;
}

/** IEEE 754 half precision: 1 sign, 5 exponent and 10 fraction bits. */
function float16Value(half: number): number {
  const sign = half & 0x8000 ? -1 : 1;
  const exponent = (half >> 10) & 0x1f;
  const fraction = half & 0x3ff;
  if (exponent === 0) return sign * fraction * 2 ** -24;
  if (exponent === 0x1f) return fraction === 0 ? sign * Number.POSITIVE_INFINITY : Number.NaN;
  return sign * (1 + fraction / 1024) * 2 ** (exponent - 15);
}
