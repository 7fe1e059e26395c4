import { cpSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import path from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { root, run } from "../helpers/package-install.ts";
import { makeBareProject } from "./bare-project.ts";

/** Needs no binary: what an import gives must work where there is none. */
const script = `
import { Bm25Encoder, SparseEncoder, SparseVector } from "@sparse-encoder/core";
const sum = SparseVector.from({ 1: 2 }, 3).values[0];
const error = await SparseEncoder.load().catch((reason) => reason);
console.log(JSON.stringify({ sum, code: error.code, message: error.message }));
`;
const requireInCore = createRequire(path.join(root, "packages/core/package.json"));
let folder: string;

beforeAll(() => {
  folder = mkdtempSync(path.join(tmpdir(), "absent-binaries-"));
});

afterAll(() => rmSync(folder, { recursive: true, force: true }));

/** The real package without its binaries, as if it had been installed for another platform. */
function withoutBinaries(project: string, name: string): void {
  let installed = path.dirname(requireInCore.resolve(name));
  if (path.basename(installed) === "dist") installed = path.dirname(installed);
  cpSync(installed, path.join(project, "node_modules", name), {
    recursive: true,
    dereference: true,
    filter: (source) => !/\.node$|[\\/]bin$/.test(source),
  });
}

describe.each(["onnxruntime-node", "tokenizers"])("%s without a binary for this platform", (name) => {
  it("is named at the first use, with the platform, the supported ones and what to do", async () => {
    const project = makeBareProject(path.join(folder, name), [name]);
    withoutBinaries(project, name);
    if (name === "onnxruntime-node") {
      const common = path.dirname(
        path.dirname(createRequire(requireInCore.resolve(name)).resolve("onnxruntime-common")),
      );
      cpSync(path.dirname(common), path.join(project, "node_modules/onnxruntime-common"), {
        recursive: true,
        dereference: true,
      });
    }
    writeFileSync(path.join(project, "index.mjs"), script);
    const { sum, code, message } = JSON.parse(await run(project, process.execPath, "index.mjs"));
    expect({ sum, code }).toEqual({ sum: 2, code: "PLATFORM_UNSUPPORTED" });
    expect(message).toContain(`${name} has no binary here that fits ${process.platform} ${process.arch}`);
    expect(message).toMatch(/Supported: Linux on x64 with glibc 2\.28 or later/);
  });
});
