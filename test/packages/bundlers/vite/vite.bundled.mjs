export default { ssr: { noExternal: ["@sparse-encoder/core"] } };
