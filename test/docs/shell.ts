import { execFile } from "node:child_process";
import { chmodSync, cpSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { promisify } from "node:util";
import { gzipSync } from "node:zlib";
import { binary } from "../cli/run-cli.ts";
import { type CodeBlock, root } from "./code-blocks.ts";
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
    cpSync(path.join(root, "examples/data/cranfield"), path.join(this.folder, "data/cranfield"), {
      recursive: true,
    });
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
