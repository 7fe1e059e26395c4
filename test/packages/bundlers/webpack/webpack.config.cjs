module.exports = {
  mode: "production",
  target: "node",
  entry: "./index.mjs",
  output: { filename: "main.cjs" },
};
