export type { ModelDescription, SpladePooling } from "./description.ts";
export { embeddedModelFolder } from "./embedded.ts";
export { type JsonObject, setting } from "./json-file.ts";
export { readModelFolder } from "./model-folder.ts";
export { readSafetensors } from "./safetensors.ts";
export { type StoredTensor, TensorTable, type TensorType } from "./tensor.ts";
export { Tokenizer } from "./tokenizer.ts";
