import { received, SparseEncoderError } from "../errors.ts";

/** What opens models that are not built here. */
export const exportHint =
  'An ONNX export of the model runs with the option fileName, such as "onnx/model.onnx".';

/** The error for a setting of a file that would give other vectors than the graphs built here. */
export function unsupportedSetting(
  file: string,
  key: string,
  value: unknown,
  supported: readonly unknown[],
): SparseEncoderError {
  const values = supported.length === 0 ? "none" : supported.map(received).join(", ");
  return new SparseEncoderError(
    "MODEL_UNSUPPORTED",
    `${file}: "${key}": ${received(value)} is not supported. Supported: ${values}. ${exportHint}`,
  );
}
