export { type CachedModel, type CacheOptions, listCachedModels } from "./cache/cached-models.ts";
export { type DeleteCachedModelOptions, deleteCachedModel } from "./cache/delete-cached-model.ts";
export { defaultCacheFolder } from "./cache-folder.ts";
export {
  type ClassifierModule,
  type DenseModule,
  type DropoutModule,
  type LayerNormModule,
  type LexicalWeightsModule,
  type ModelDescription,
  type ModelType,
  type ModuleDescription,
  type PairTruncation,
  type Pipeline,
  type PoolingMode,
  type PoolingModule,
  pairTruncations,
  type SparseAutoEncoderModule,
  type SparseStaticEmbeddingModule,
  type SpladePoolingModule,
  type TaskLengths,
  type TransformerModule,
  type WantedModel,
} from "./description.ts";
export { embeddedModelFolder } from "./embedded.ts";
export { type ModelAddress, readModelAddress } from "./hub/address.ts";
export { type HubProgress, sourceRules } from "./hub/hub.ts";
export { isJsonObject, type JsonObject, readJsonObject, setting } from "./json-file.ts";
export { readModelFolder } from "./model-folder.ts";
export { locateModel, type ModelSourceOptions } from "./model-source.ts";
export { findOnnxExport, type OnnxExport, type OnnxValue, readOnnxExport } from "./onnx-export.ts";
export { type SavedSettings, saveModel } from "./saved-model.ts";
export type { TokenSpan } from "./tokenizer/token-span.ts";
export { type TextPair, type TokenizedText, Tokenizer } from "./tokenizer/tokenizer.ts";
export { readSafetensors } from "./weights/safetensors.ts";
export { readStaticWeights } from "./weights/static-weights.ts";
export { type QuantisedTensor, type StoredTensor, TensorTable, type TensorType } from "./weights/tensor.ts";
export { readTensorValues } from "./weights/tensor-values.ts";
export { readWeights } from "./weights/weights.ts";
