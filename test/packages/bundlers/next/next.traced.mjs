export default { output: "standalone", serverExternalPackages: ["@sparse-encoder/core"] };
