export { type CompiledModel, compileModel } from "./compiled-model.ts";
export { deviceProbe } from "./device-probe.ts";
export { compileExportedModel } from "./exported-model.ts";
export { halveWeights } from "./half-weights.ts";
export { quantiseWeights } from "./int8.ts";
export { unsupportedPipeline } from "./splade-head.ts";
export { resolveTiedWeights } from "./tied-weights.ts";
