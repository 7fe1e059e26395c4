export { defaultCacheFolder } from "./cache-folder.ts";
export type {
  DenseModule,
  ModelDescription,
  ModuleDescription,
  Pipeline,
  PoolingMode,
  PoolingModule,
  SparseAutoEncoderModule,
  SparseStaticEmbeddingModule,
  SpladePoolingModule,
  TransformerModule,
} from "./description.ts";
export { embeddedModelFolder } from "./embedded.ts";
export type { HubProgress } from "./hub.ts";
export { type JsonObject, readJsonObject, setting } from "./json-file.ts";
export { readModelFolder } from "./model-folder.ts";
export { locateModel, type ModelSourceOptions } from "./model-source.ts";
export { findOnnxExport, type OnnxExport, readOnnxExport } from "./onnx-export.ts";
export { readSafetensors } from "./safetensors.ts";
export { type SavedSettings, saveModel } from "./saved-model.ts";
export { readStaticWeights } from "./static-weights.ts";
export { type QuantisedTensor, type StoredTensor, TensorTable, type TensorType } from "./tensor.ts";
export { readTensorValues } from "./tensor-values.ts";
export { Tokenizer } from "./tokenizer.ts";
export { readWeights } from "./weights.ts";
