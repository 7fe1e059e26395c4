import { defineConfig } from "vitest/config";

/** The tests of clusters whose nodes are killed, 20 times each: they start what they need, and nothing else. */
export default defineConfig({
  test: {
    include: ["test/services/opensearch-cluster.services.ts"],
    env: { SPARSE_ENCODER_KILLS: process.env.SPARSE_ENCODER_KILLS ?? "20" },
    fileParallelism: false,
  },
});
