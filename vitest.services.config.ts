import { defineConfig } from "vitest/config";

/** Tests on real servers, which `global-setup.ts` installs and starts. */
export default defineConfig({
  test: {
    include: ["test/services/**/*.services.ts"],
    globalSetup: ["test/services/global-setup.ts"],
    testTimeout: 120_000,
    hookTimeout: 120_000,
    // A server that hangs must not hold up each test in turn.
    bail: 3,
    fileParallelism: false,
  },
});
