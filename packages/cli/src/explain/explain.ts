import type { SparseEncoder } from "@sparse-encoder/core";
import { Interruption } from "../interruption.ts";
import type { ModelOptions } from "../models/model-options.ts";
import { openSparseEncoder } from "../models/open-encoder.ts";
import { bar } from "../terminal/bar.ts";
import { plainText } from "../terminal/plain-text.ts";
import { writeJson, writeLine } from "../terminal/standard-output.ts";
import { table } from "../terminal/table.ts";
import { termBars } from "../terminal/term-bars.ts";
import { type SharedTerm, sharedTerms, textTerms } from "./term-share.ts";

/** Options of the command. */
export interface ExplainOptions extends ModelOptions {
  readonly terms: number;
  readonly asQuery?: boolean | undefined;
  readonly json?: boolean | undefined;
}

/** Shows the terms of a text, or what a query and a document share. */
export async function explain(
  query: string,
  document: string | undefined,
  options: ExplainOptions,
): Promise<void> {
  using interruption = new Interruption();
  const { signal } = interruption;
  await using encoder = await openSparseEncoder(options, signal);
  if (document === undefined) await explainText(encoder, query, options, signal);
  else await explainPair(encoder, query, document, options, signal);
}

async function explainText(
  encoder: SparseEncoder,
  text: string,
  { terms: limit, asQuery, json }: ExplainOptions,
  signal: AbortSignal,
): Promise<void> {
  const vector = await (asQuery
    ? encoder.encodeQuery(text, { signal })
    : encoder.encodeDocument(text, { signal }));
  const terms = await textTerms(encoder, text, vector);
  if (json) return writeJson({ text, activeDims: vector.activeDims, terms });
  const largest = Math.max(0, ...terms.map(({ weight }) => Math.abs(weight)));
  for (const [heading, isInText] of [
    ["In the text", true],
    ["Added by the model", false],
  ] as const) {
    const group = terms.slice(0, limit).filter((term) => term.isInText === isInText);
    if (group.length === 0) continue;
    await writeLine(heading);
    const bars = group.map(({ token, weight }) => ({ term: token, weight }));
    await writeLine(termBars(bars, "  ", largest));
  }
  await writeLine(`${vector.activeDims} active dims of ${vector.dimension}`);
}

async function explainPair(
  encoder: SparseEncoder,
  query: string,
  document: string,
  { terms: limit, json }: ExplainOptions,
  signal: AbortSignal,
): Promise<void> {
  const [left, right] = await Promise.all([
    encoder.encodeQuery(query, { signal }),
    encoder.encodeDocument(document, { signal }),
  ]);
  const score = left.dot(right);
  const terms = sharedTerms(encoder, left, right);
  if (json) return writeJson({ query, document, score, terms });
  await writeLine(`Score ${score.toFixed(3)}: ${terms.length} shared terms`);
  if (terms.length > 0) await writeLine(pairTable(terms.slice(0, limit)));
}

/** Characters of the longest bar of each side. */
const barWidth = 12;

function pairTable(terms: readonly SharedTerm[]): string {
  const most = (name: "queryWeight" | "documentWeight") =>
    Math.max(...terms.map((term) => Math.abs(term[name])));
  const [mostQuery, mostDocument] = [most("queryWeight"), most("documentWeight")];
  return table(
    [
      { heading: "query", isNumeric: true },
      { heading: "", isNumeric: true },
      { heading: "term" },
      { heading: "document" },
      { heading: "" },
      { heading: "share", isNumeric: true },
    ],
    terms.map(({ token, queryWeight, documentWeight, share }) => [
      bar(Math.abs(queryWeight) / mostQuery, barWidth),
      queryWeight.toFixed(2),
      plainText(token),
      documentWeight.toFixed(2),
      bar(Math.abs(documentWeight) / mostDocument, barWidth),
      `${(100 * share).toFixed(0)} %`,
    ]),
  );
}
