import { describe, expect, it } from "vitest";
import { ownRuntime, runtimeConflict } from "./onnx-runtimes.ts";

describe("the message for two versions of onnxruntime-node", () => {
  const own = { version: "1.30.0", path: "/app/node_modules/onnxruntime-node" };
  const other = { version: "1.21.0", path: "/app/node_modules/fastembed/node_modules/onnxruntime-node" };

  it("names both with their places, and gives the lines for each package manager", () => {
    const message = runtimeConflict(own, [own, other]);
    expect(message).toContain("needs 1.30.0 at /app/node_modules/onnxruntime-node,");
    expect(message).toContain(
      "1.21.0 at /app/node_modules/fastembed/node_modules/onnxruntime-node was loaded first",
    );
    expect(message).toContain('npm: "overrides": { "onnxruntime-node": "1.30.0" }');
    expect(message).toContain("pnpm: overrides: { onnxruntime-node: 1.30.0 } in pnpm-workspace.yaml");
    expect(message).toContain('yarn: "resolutions": { "onnxruntime-node": "1.30.0" }');
  });

  it("says so where the other cannot be told", () => {
    expect(runtimeConflict(own, [])).toContain("another copy was loaded first");
  });
});

it("finds the version that this package uses", () => {
  expect(ownRuntime()?.version).toMatch(/^\d+\.\d+\.\d+$/);
});
