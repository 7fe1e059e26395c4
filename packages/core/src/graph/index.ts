export { type CompiledModel, compileModel } from "./compiled-model.ts";
export { deviceProbe } from "./device-probe.ts";
export { compileExportedModel } from "./exported-model.ts";
export { unsupportedPipeline } from "./head/splade-head.ts";
export { halveWeights } from "./weights/half-weights.ts";
export { quantiseWeights } from "./weights/int8.ts";
export { resolveTiedWeights } from "./weights/tied-weights.ts";
export { widenWeights } from "./weights/widened-weights.ts";
