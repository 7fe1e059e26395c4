module.exports = {
  ...require("./webpack.config.cjs"),
  externals: { "@sparse-encoder/core": "commonjs @sparse-encoder/core" },
};
