import { defineConfig } from "vitest/config";

/** Tests on real servers, which `global-setup.ts` installs and starts. */
export default defineConfig({
  test: {
    include: ["test/services/**/*.services.ts"],
    globalSetup: ["test/services/global-setup.ts"],
    testTimeout: 300_000,
    hookTimeout: 300_000,
    fileParallelism: false,
  },
});
