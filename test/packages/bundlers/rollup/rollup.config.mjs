import commonjs from "@rollup/plugin-commonjs";
import { nodeResolve } from "@rollup/plugin-node-resolve";

export default {
  input: "index.mjs",
  external: ["onnxruntime-node", "tokenizers", "piscina"],
  plugins: [nodeResolve({ preferBuiltins: true, exportConditions: ["node"] }), commonjs()],
};
