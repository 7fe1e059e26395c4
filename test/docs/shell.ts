import { execFile } from "node:child_process";
import { chmodSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { promisify } from "node:util";
import { gzipSync } from "node:zlib";
import { binary } from "../cli/run-cli.ts";
import type { CodeBlock } from "./code-blocks.ts";
import type { BlockSetup } from "./page-setups.ts";

/** A folder with what readers of the pages have: documents, a corpus, a collection, an index, and the command on the path. */
export class ShellFolder {
  readonly folder = mkdtempSync(path.join(tmpdir(), "shell-"));
  private readonly env: NodeJS.ProcessEnv;

  constructor(env: NodeJS.ProcessEnv) {
    const bin = path.join(this.folder, "bin");
    mkdirSync(bin);
    const command = path.join(bin, "sparse-encoder");
    writeFileSync(command, `#!/bin/sh\nexec "${process.execPath}" "${binary}" "$@"\n`);
    chmodSync(command, 0o755);
    this.env = { ...process.env, NO_COLOR: "1", PATH: `${bin}:${process.env.PATH}`, ...env };
    mkdirSync(path.join(this.folder, "docs"));
    writeFileSync(
      path.join(this.folder, "docs/orders.md"),
      "# Orders\n\nAn order is cancelled on its page.\n\n# Flights\n\nCheap flights to Rome.\n",
    );
    const records = ["a lovely day", "a sunny afternoon"].map((text, id) => JSON.stringify({ id, text }));
    writeFileSync(path.join(this.folder, "corpus.jsonl.gz"), gzipSync(`${records.join("\n")}\n`));
    this.writeCollection(path.join(this.folder, "data/cranfield"));
  }

  /** A small collection in place of Cranfield, which takes minutes on a busy machine. */
  private writeCollection(folder: string): void {
    mkdirSync(path.join(folder, "qrels"), { recursive: true });
    const lines = (texts: readonly string[]) =>
      texts.map((text, index) => JSON.stringify({ _id: String(index + 1), text })).join("\n");
    writeFileSync(path.join(folder, "corpus.jsonl"), lines(["The weather is lovely.", "He drove away."]));
    writeFileSync(path.join(folder, "queries.jsonl"), lines(["lovely weather"]));
    writeFileSync(path.join(folder, "qrels/test.tsv"), "query-id\tcorpus-id\tscore\n1\t1\t1\n");
  }

  /** Runs a block of shell commands to its end, each of which must succeed; returns what they print. */
  async runBlock(
    block: CodeBlock,
    { before = "", after = "", replace = [] }: BlockSetup = {},
  ): Promise<string> {
    const code = replace.reduce((text, [from, to]) => {
      if (!text.includes(from)) throw new Error(`${block.page}:${block.line} does not have '${from}'.`);
      return text.replaceAll(from, to);
    }, block.code);
    return this.run(`${before}\n${code}\n${after}`);
  }

  /** Runs commands of which each must succeed, without standard input; returns what they print. */
  async run(commands: string): Promise<string> {
    const { stdout } = await promisify(execFile)("sh", ["-c", `set -e\nexec < /dev/null\n${commands}`], {
      cwd: this.folder,
      env: this.env,
      maxBuffer: 1 << 26,
    });
    return stdout;
  }

  remove(): void {
    rmSync(this.folder, { recursive: true, force: true });
  }
}
