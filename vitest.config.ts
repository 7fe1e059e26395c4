import { defineConfig } from "vitest/config";

export default defineConfig({
  test: {
    include: ["test/**/*.test.ts", "packages/*/src/**/*.test.ts"],
    // Some tests load the ONNX Runtime themselves.
    env: { ORT_DISABLE_TELEMETRY: "1" },
    testTimeout: 60_000,
    hookTimeout: 60_000,
  },
});
