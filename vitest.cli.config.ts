import { defineConfig } from "vitest/config";

/** Tests of the command line that take long: a browser, many kills, a server under load. */
export default defineConfig({
  test: {
    include: ["test/cli/**/*.long.ts"],
    testTimeout: 600_000,
    hookTimeout: 120_000,
    fileParallelism: false,
  },
});
