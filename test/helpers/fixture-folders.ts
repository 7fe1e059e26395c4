import { cpSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { fileURLToPath } from "node:url";

const fixtures = fileURLToPath(new URL("../fixtures", import.meta.url));

/** A whole model folder from one that lacks its tokenizer, which it shares with a model of `test/fixtures/models`. */
export function withTokenizer(model: string, tokenizer: string): { folder: string; remove(): void } {
  const folder = mkdtempSync(path.join(tmpdir(), "model-"));
  for (const file of ["tokenizer.json", "tokenizer_config.json"]) {
    cpSync(path.join(fixtures, "models", tokenizer, file), path.join(folder, file));
  }
  // After the tokenizer's files: the model may have settings of its own.
  cpSync(path.join(fixtures, model), folder, { recursive: true });
  return { folder, remove: () => rmSync(folder, { recursive: true }) };
}
