import path from "node:path";
import { received, SparseEncoderError } from "../../errors.ts";
import { readJsonObject, setting } from "../json-file.ts";
import type { Tokenizer } from "../tokenizer/tokenizer.ts";
import type { TensorTable } from "./tensor.ts";
import { readTensorValues } from "./tensor-values.ts";
import { readWeights } from "./weights.ts";

/** Weights of tokens without inference. */
export interface StaticWeights {
  /** One weight per token id; may be shorter than the vocabulary. */
  readonly values: Float32Array;
  /** Where they come from, if from a weights file. */
  readonly tensors: TensorTable | undefined;
}

/**
 * Reads the token weights of a `SparseStaticEmbedding` folder: the tensor `weight`, or `idf.json`, which maps tokens to
 * weights. A `path` in `config.json` names another file than `idf.json`. Tokens that the vocabulary lacks are left out.
 *
 * @throws SparseEncoderError `MODEL_NOT_FOUND`, `MODEL_INVALID` or `WEIGHTS_INVALID`
 */
export async function readStaticWeights(folder: string, tokenizer: Tokenizer): Promise<StaticWeights> {
  const configFile = path.join(folder, "config.json");
  const named = setting((await readJsonObject(configFile)) ?? {}, "path", "", configFile);
  if (named === "") {
    const tensors = await readWeights(folder).catch((error: unknown) => {
      if (SparseEncoderError.is(error, "MODEL_NOT_FOUND")) return undefined;
      throw error;
    });
    if (tensors !== undefined) {
      const weight = tensors.get("weight", tensors.shapeOf("weight"));
      return { values: await readTensorValues(weight), tensors };
    }
  }
  const file = path.join(folder, named === "" ? "idf.json" : path.basename(named));
  const json = await readJsonObject(file);
  if (json === undefined) {
    throw new SparseEncoderError(
      "MODEL_NOT_FOUND",
      `${folder} has no token weights: neither model.safetensors nor ${path.basename(file)} is there.`,
    );
  }
  const values = new Float32Array(tokenizer.vocabularySize);
  for (const [token, weight] of Object.entries(json)) {
    if (typeof weight !== "number" || !Number.isFinite(weight)) {
      throw new SparseEncoderError(
        "MODEL_INVALID",
        `${file} gives "${token}" the weight ${received(weight)}.`,
      );
    }
    const id = tokenizer.idOf(token);
    if (id !== undefined) values[id] = weight;
  }
  return { values, tensors: undefined };
}
