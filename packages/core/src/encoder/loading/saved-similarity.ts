import { received, SparseEncoderError } from "../../errors.ts";
import type { ModelDescription } from "../../model/index.ts";
import { type SimilarityFunction, similarityFunctions } from "../../vector/index.ts";

/**
 * The similarity function of an encoder: the one that was asked for, else the one that the model names, else `fallback`.
 * @throws SparseEncoderError `MODEL_UNSUPPORTED` for a name that is not known, which another function would replace in silence
 */
export function chooseSimilarity(
  asked: SimilarityFunction | undefined,
  { folder, similarity }: ModelDescription,
  fallback: SimilarityFunction,
): SimilarityFunction {
  if (asked !== undefined) return asked;
  if (similarity === undefined) return fallback;
  const found = similarityFunctions.find((name) => name === similarity);
  if (found !== undefined) return found;
  throw new SparseEncoderError(
    "MODEL_UNSUPPORTED",
    `${folder} names the similarity function ${received(similarity)}, which is not supported. Choose one of ${similarityFunctions.join(", ")} with the option similarity.`,
  );
}
