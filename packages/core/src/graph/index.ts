export { type CompiledModel, compileModel } from "./compiled-model.ts";
