export { importNative, runtimeFailure, runtimeNotLoaded } from "./native-package.ts";
export { ownRuntime } from "./onnx-runtimes.ts";
export { packageFile } from "./package-file.ts";
