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
  return new Float32Array(Uint32Array.from(halves, (half) => half << 16).buffer);
}

/** IEEE 754 half precision: 1 sign, 5 exponent and 10 fraction bits. */
function widenFloat16(halves: Uint16Array): Float32Array {
  return Float32Array.from(halves, (half) => {
    const sign = half & 0x8000 ? -1 : 1;
    const exponent = (half >> 10) & 0x1f;
    const fraction = half & 0x3ff;
    if (exponent === 0) return sign * fraction * 2 ** -24;
    if (exponent === 0x1f) return fraction === 0 ? sign * Number.POSITIVE_INFINITY : Number.NaN;
    return sign * (1 + fraction / 1024) * 2 ** (exponent - 15);
  });
}
