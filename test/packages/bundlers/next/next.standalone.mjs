export default {
  output: "standalone",
  // This project lies in another one; most do not.
  outputFileTracingRoot: import.meta.dirname,
  serverExternalPackages: ["@sparse-encoder/core"],
  // Turbopack copies scripts, not the binaries and models that they open.
  outputFileTracingIncludes: {
    "/api/**": [
      "./node_modules/@sparse-encoder/core/{dist,models}/**",
      "./node_modules/onnxruntime-node/bin/napi-v6/linux/x64/**",
      "./node_modules/tokenizers/**/*",
      "./node_modules/piscina/**/*",
      "./node_modules/@napi-rs/nice*/**/*",
    ],
  },
};
