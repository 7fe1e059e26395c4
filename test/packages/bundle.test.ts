import { copyFileSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { build, type Format } from "esbuild";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { expectVectors, type GoldenVector, readGolden, toMatrix } from "../helpers/golden-data.ts";
import { run } from "../helpers/package-install.ts";
import { makeBareProject } from "./bare-project.ts";

const golden = readGolden("splade-tiny");
const script = `
import { MemoryStore, SparseEncoder } from "@sparse-encoder/core";
import { PostgresStore } from "@sparse-encoder/core/stores";
async function main() {
  const encoder = await SparseEncoder.load();
  const vector = await encoder.encode(${JSON.stringify(golden.texts[0])});
  await encoder.close();
  const refusal = await PostgresStore.open({ url: "postgres://localhost:1/db" }).catch((error) => error.code);
  console.log(JSON.stringify({ vector, refusal, store: typeof MemoryStore }));
}
main().catch((error) => console.log(JSON.stringify({ code: error.code, message: error.message })));
`;
/** What bundlers cannot take in: binaries, and a package that starts threads from files of its own. */
const natives = ["onnxruntime-node", "piscina", "tokenizers"];

let folder: string;
let project: string;

beforeAll(() => {
  folder = mkdtempSync(path.join(tmpdir(), "bundle-"));
  project = makeBareProject(path.join(folder, "project"));
  writeFileSync(path.join(project, "index.ts"), script);
});

afterAll(() => rmSync(folder, { recursive: true, force: true }));

async function bundle(format: Format): Promise<string> {
  const outfile = path.join(project, "out", `index.${format === "esm" ? "mjs" : "cjs"}`);
  await build({
    entryPoints: [path.join(project, "index.ts")],
    outfile,
    format,
    bundle: true,
    platform: "node",
    external: natives,
    logLevel: "silent",
  });
  return outfile;
}

async function answerOf(file: string): Promise<Record<string, unknown>> {
  return JSON.parse(await run(path.dirname(file), process.execPath, file)) as Record<string, unknown>;
}

describe.each(["esm", "cjs"] as const)("bundled by esbuild into %s with natives external", (format) => {
  it("finds its model and its worker in the installed package, and names a client that is absent", async () => {
    const { vector, refusal } = await answerOf(await bundle(format));
    expectVectors(toMatrix([vector as GoldenVector], golden.embedding_dimension), [golden.encode[0]!]);
    expect(refusal).toBe("MISSING_PACKAGE");
  });

  it("says what to do where the installed package is out of reach", async () => {
    const away = path.join(folder, `away-${format}`);
    mkdirSync(away);
    const file = path.join(away, path.basename(await bundle(format)));
    copyFileSync(path.join(project, "out", path.basename(file)), file);
    const { code, message } = await answerOf(file);
    expect(code).toBe("MODEL_NOT_FOUND");
    expect(message).toContain('serverExternalPackages: ["@sparse-encoder/core"]');
    expect(message).toContain("SPARSE_ENCODER_FOLDER");
  });
});

it("runs a bundle elsewhere if SPARSE_ENCODER_FOLDER names the package", async () => {
  const away = path.join(folder, "named");
  mkdirSync(away);
  const file = path.join(away, "index.mjs");
  copyFileSync(await bundle("esm"), file);
  const installed = path.join(project, "node_modules/@sparse-encoder/core");
  const environment = `process.env.SPARSE_ENCODER_FOLDER = ${JSON.stringify(installed)};`;
  writeFileSync(path.join(away, "start.mjs"), `${environment}\nawait import("./index.mjs");\n`);
  const { vector } = await answerOf(path.join(away, "start.mjs"));
  expectVectors(toMatrix([vector as GoldenVector], golden.embedding_dimension), [golden.encode[0]!]);
});

describe("a package with binaries that is absent", () => {
  it.each(natives)("%s is named at the first use, and importing throws nothing", async (name) => {
    const bare = makeBareProject(path.join(folder, `without-${name}`), [name]);
    writeFileSync(path.join(bare, "index.mjs"), script);
    const { code, message } = await answerOf(path.join(bare, "index.mjs"));
    expect(code).toBe("INSTALLATION_INCOMPLETE");
    expect(message).toContain(`The package ${name} cannot be found.`);
  });
});
