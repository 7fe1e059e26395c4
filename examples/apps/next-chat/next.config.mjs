import { fileURLToPath } from "node:url";

/** Native packages stay outside of the bundle. */
export default {
  serverExternalPackages: [
    "@sparse-encoder/core",
    "@sparse-encoder/langchain",
    "onnxruntime-node",
    "tokenizers",
    "piscina",
  ],
  turbopack: { root: fileURLToPath(new URL(".", import.meta.url)) },
};
