// The search of scipy and of Seismic (https://doi.org/10.1145/3626772.3657769), over the vectors that bench/search.ts made.
import { execFileSync } from "node:child_process";
import { appendFileSync, existsSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { fileURLToPath } from "node:url";
import type { SparseMatrix } from "@sparse-encoder/core";

export type ReferenceFigures = Record<string, Record<string, number>>;

/** A temporary folder with the documents and queries, for another program. */
export class ReferenceSearch implements Disposable {
  private readonly folder = mkdtempSync(path.join(tmpdir(), "sparse-encoder-search-"));
  private readonly entries = new Map<string, number>();

  /** Appends rows to a matrix, in CSR form: offsets as float64, indices as uint32, values as float32. */
  append(name: "documents" | "queries", { offsets, indices, values, dimension }: SparseMatrix): void {
    const before = this.entries.get(name);
    const first = offsets[0]!;
    const ends = Float64Array.from(offsets.subarray(1), (end) => (before ?? 0) + end - first);
    this.write("dimension", Float64Array.of(dimension));
    if (before === undefined) this.write(`${name}.offsets`, Float64Array.of(0));
    appendFileSync(this.file(`${name}.offsets`), bytesOf(ends));
    appendFileSync(this.file(`${name}.indices`), bytesOf(indices));
    appendFileSync(this.file(`${name}.values`), bytesOf(values));
    this.entries.set(name, ends.at(-1)!);
  }

  /**
   * Speed and recall of each.
   * @param exact the numbers of the documents that each query is to find, `topK` a query
   */
  measure(exact: readonly (readonly number[])[], topK: number): ReferenceFigures {
    const python = fileURLToPath(new URL("../.reference/bin/python", import.meta.url));
    if (!existsSync(python))
      execFileSync(fileURLToPath(new URL("setup.sh", import.meta.url)), { stdio: "inherit" });
    this.write("exact", Uint32Array.from(exact.flat()));
    const script = fileURLToPath(new URL("search.py", import.meta.url));
    const output = execFileSync(python, [script, this.folder, String(topK)], {
      stdio: ["ignore", "pipe", "inherit"],
    });
    // Seismic says what it does, too.
    return JSON.parse(output.toString("utf8").trimEnd().split("\n").at(-1)!);
  }

  [Symbol.dispose](): void {
    rmSync(this.folder, { recursive: true, force: true });
  }

  private write(name: string, numbers: Float64Array | Uint32Array): void {
    writeFileSync(this.file(name), bytesOf(numbers));
  }

  private file(name: string): string {
    return path.join(this.folder, name);
  }
}

function bytesOf({ buffer, byteOffset, byteLength }: ArrayBufferView): Uint8Array {
  return new Uint8Array(buffer, byteOffset, byteLength);
}
