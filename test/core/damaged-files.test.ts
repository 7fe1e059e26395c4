import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { afterAll, expect, it } from "vitest";
import { attempt, type Outcome } from "../fuzz/attempts.ts";
import { readers } from "../fuzz/readers.ts";

const scratch = mkdtempSync(path.join(tmpdir(), "damaged-files-"));
afterAll(() => rmSync(scratch, { recursive: true, force: true }));

// The long round is `pnpm fuzz`.
it.each(Object.entries(readers))(
  "%s: damaged files are read or refused with a short error",
  async (_, read) => {
    const outcomes: Outcome[] = [];
    for (let seed = 1; seed <= 40; seed++) outcomes.push(await attempt(read, seed, scratch));
    expect(outcomes).toContain("refused");
  },
);
