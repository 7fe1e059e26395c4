import { existsSync, readdirSync } from "node:fs";
import path from "node:path";
import { fileURLToPath } from "node:url";

/** Folder of the test fixtures. */
export const fixtures = fileURLToPath(new URL("../fixtures/", import.meta.url));

/** Folders whose folders are models, beside those of the fixtures. */
const corpora: string[] = [];

export function addCorpora(folders: readonly string[]): void {
  corpora.push(...folders.map((folder) => path.resolve(folder)));
}

/** Model folders that have a file of this name: some of the fixtures, and those of the corpora. */
export function modelsWith(file: string, names: readonly string[]): string[] {
  const own = names.map((name) => path.join(fixtures, "models", name));
  const added = corpora.flatMap((corpus) =>
    readdirSync(corpus)
      .map((name) => path.join(corpus, name))
      .filter((folder) => existsSync(path.join(folder, file))),
  );
  return [...own, ...added];
}
