import { packageFile } from "../install/index.ts";

/**
 * Folder of the model that ships with the package.
 * @throws SparseEncoderError `MODEL_NOT_FOUND` where a bundler left it behind
 */
export function embeddedModelFolder(): string {
  return packageFile("model");
}
