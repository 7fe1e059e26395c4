import { writeFile } from "node:fs/promises";
import { invalidArgument, received } from "../../errors.ts";
import { declareOptions, text } from "../../options/index.ts";
import type { RankedDocument, Run } from "../metrics/run.ts";
import { badLine, linesOf } from "./data-file.ts";
import { checkField } from "./trec-qrels.ts";

/**
 * Reads a run: lines of query id, `Q0`, document id, rank, score and tag, between blanks, as trec_eval takes them; `.gz` is
 * unpacked. Hits come by falling score, equal scores by rank. (trec_eval ranks those by falling document id, whatever the
 * rank.)
 *
 * @returns hits by query id, in the order in which queries first occur
 * @throws SparseEncoderError `DATA_INVALID`, naming file and line
 */
export async function readTrecRun(path: string): Promise<Map<string, RankedDocument[]>> {
  const found = new Map<string, Map<string, { rank: number; score: number }>>();
  for await (const line of linesOf(path)) {
    const fields = line.text.trim().split(/\s+/);
    if (fields.length !== 6) {
      throw badLine(
        path,
        line,
        `expected "query Q0 document rank score tag", received ${received(line.text)}`,
      );
    }
    const [query, , document, rank, score] = fields as [string, string, string, string, string];
    if (!/^\d+$/.test(rank)) {
      throw badLine(path, line, `the rank must be a whole number, received ${received(rank)}`);
    }
    if (!Number.isFinite(Number(score))) {
      throw badLine(path, line, `the score must be a number, received ${received(score)}`);
    }
    const hits = found.get(query) ?? new Map<string, { rank: number; score: number }>();
    if (hits.has(document)) {
      throw badLine(path, line, `document ${received(document)} comes twice for query ${received(query)}`);
    }
    found.set(query, hits.set(document, { rank: Number(rank), score: Number(score) }));
  }
  const run = new Map<string, RankedDocument[]>();
  for (const [query, hits] of found) {
    const ranked = [...hits].sort(([, a], [, b]) => b.score - a.score || a.rank - b.rank);
    run.set(
      query,
      ranked.map(([id, { score }]) => ({ id, score })),
    );
  }
  return run;
}

/** Options of {@link writeTrecRun}. */
export interface TrecRunOptions {
  /** Name of the run, without blanks. Default `sparse-encoder`. */
  readonly tag?: string | undefined;
}

const runOptions = declareOptions<TrecRunOptions>()({ tag: text().default("sparse-encoder") });

/**
 * Writes a run for trec_eval, in place of the file that was there. Ranks are from 1, in the order given.
 *
 * @throws SparseEncoderError `INVALID_ARGUMENT` for ids with blanks, scores that are not finite numbers, or hits that are
 *   not in the order of falling scores
 */
export async function writeTrecRun(path: string, run: Run, options?: TrecRunOptions): Promise<void> {
  const { tag } = runOptions.check("writeTrecRun", options);
  checkField("tag", tag);
  const lines: string[] = [];
  for (const [query, hits] of run) {
    checkField("query id", query);
    let before = Number.POSITIVE_INFINITY;
    hits.forEach(({ id, score }, position) => {
      checkField("document id", id);
      // Readers rank by score, so another order would be lost.
      if (!Number.isFinite(score) || score > before) {
        throw invalidArgument(
          `writeTrecRun: the scores of query ${received(query)} must be finite and never rise, received ${received(score)} for ${received(id)}.`,
        );
      }
      before = score;
      lines.push(`${query} Q0 ${id} ${position + 1} ${score} ${tag}\n`);
    });
  }
  await writeFile(path, lines.join(""));
}
