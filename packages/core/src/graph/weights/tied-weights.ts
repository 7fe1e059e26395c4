import { throwIfAborted } from "../../calls/index.ts";
import { type Pipeline, readTensorValues, type StoredTensor, TensorTable } from "../../model/index.ts";
import { familyOf, shapeOf } from "../checkpoint-family.ts";
import type { Family } from "../family.ts";

/** Values that are compared at once: 4 MB of float32. */
const valuesPerBlock = 1 << 20;

/**
 * Brings what a checkpoint stores of a masked-LM head's decoder into one form. Many checkpoints store a second copy of the
 * word embeddings as the decoder, and of the head's bias as the decoder's: copies are left out. What differs stays, whatever
 * `tie_word_embeddings` says, and a decoder without word embeddings stands for both. Source: `tie_weights` of transformers 5.
 *
 * @param weights tensors of each module that has some, by the module's folder
 * @returns `weights`, with the table of the transformer replaced if there was something to bring into form
 * @throws SparseEncoderError `MODEL_UNSUPPORTED`, `MODEL_INVALID`, `WEIGHTS_INVALID` or `ABORTED`
 */
export async function resolveTiedWeights(
  pipeline: Pipeline,
  weights: ReadonlyMap<string, TensorTable>,
  signal: AbortSignal | undefined,
): Promise<Map<string, TensorTable>> {
  const resolved = new Map(weights);
  const [transformer, head] = pipeline;
  if (transformer?.kind !== "Transformer" || head?.kind !== "SpladePooling") return resolved;
  const { config, configFile, folder } = transformer;
  const family = familyOf(config, configFile, "masked-lm");
  if (!shapeOf(family, config, configFile).tiedDecoder) return resolved;
  const table = weights.get(folder)!;
  const tensors = new Map(table.entries());
  for (const { source, copy } of tiedNames(family, tensors)) {
    const [original, stored] = [tensors.get(source), tensors.get(copy)];
    if (stored === undefined) continue;
    if (original === undefined) tensors.set(source, stored);
    else if (await areEqual(original, stored, signal)) tensors.delete(copy);
  }
  resolved.set(folder, new TensorTable(tensors, table.origin, table.metadata));
  return resolved;
}

/** Pairs of names: the second one stands for a copy of the first one. */
function tiedNames(
  { names }: Family,
  tensors: ReadonlyMap<string, StoredTensor>,
): { readonly source: string; readonly copy: string }[] {
  const [own, decoders] = names.head.bias;
  const isPrefixed = [...tensors.keys()].some((name) => name.startsWith(names.prefix));
  const words = (isPrefixed ? names.prefix : "") + names.words;
  const weight = { source: words, copy: names.head.decoder };
  return decoders === undefined ? [weight] : [weight, { source: own!, copy: decoders }];
}

async function areEqual(a: StoredTensor, b: StoredTensor, signal: AbortSignal | undefined): Promise<boolean> {
  if (a.shape.join() !== b.shape.join()) return false;
  // PyTorch stores tied tensors once, under both names.
  if (a.file === b.file && a.offset === b.offset && a.type === b.type) return true;
  const count = a.shape.reduce((product, size) => product * size, 1);
  for (let start = 0; start < count; start += valuesPerBlock) {
    throwIfAborted(signal);
    const end = Math.min(count, start + valuesPerBlock);
    const [left, right] = await Promise.all([
      readTensorValues(a, start, end),
      readTensorValues(b, start, end),
    ]);
    for (let place = 0; place < left.length; place++) if (left[place] !== right[place]) return false;
  }
  return true;
}
