import type { FusionName, Metadata, RetrievedDocument } from "@sparse-encoder/core";
import { Collection, type CollectionOptions } from "../collection/collection.ts";
import { CommandError } from "../command-error.ts";
import { Interruption } from "../interruption.ts";
import { oneLine, plainText } from "../terminal/plain-text.ts";
import { note, writeJson, writeLine } from "../terminal/standard-output.ts";
import { termBars } from "../terminal/term-bars.ts";

/** Options of the command. */
export interface SearchOptions extends CollectionOptions {
  readonly index: string;
  readonly hits: number;
  readonly fusion: FusionName;
  readonly weights?: Readonly<Record<string, number>> | undefined;
  readonly explain?: boolean | undefined;
  readonly json?: boolean | undefined;
}

/** Code points of a passage that are shown. */
const shownText = 240;

/** Terms of an arm that are shown. */
const shownTerms = 6;

/** Searches an index and shows the hits. */
export async function search(query: string, options: SearchOptions): Promise<void> {
  if (query.trim() === "") throw new CommandError("The query is empty.", 2);
  using interruption = new Interruption();
  const { signal } = interruption;
  await using collection = await Collection.open(options.index, options, signal, "read");
  if (collection.description.state === "writing") {
    note(`The last run of index did not end: hits may be missing. Run it again for ${options.index}.`);
  }
  const { hits: k, fusion, weights, explain = false } = options;
  const hits = await collection.retriever.retrieve(query, {
    k,
    fusion,
    signal,
    explain: explain || options.json === true,
    ...(weights !== undefined && { weights }),
  });
  if (options.json) await writeJson({ query, hits });
  else if (hits.length === 0) await writeLine("Nothing was found.");
  else for (const [position, hit] of hits.entries()) await writeHit(position + 1, hit, explain);
}

async function writeHit(rank: number, hit: RetrievedDocument, explain: boolean): Promise<void> {
  const place = placeOf(hit.metadata);
  const arms = Object.entries(hit.arms).map(
    ([name, arm]) => `${name} #${arm.rank} (${arm.score.toFixed(2)})`,
  );
  await writeLine(`${rank}. ${plainText(hit.id)}  ${plainText(place)}`);
  await writeLine(`   ${hit.score.toFixed(3)} = ${arms.join(" + ")}`);
  await writeLine(`   ${oneLine(hit.text, shownText)}`);
  if (explain) {
    for (const [name, { terms = [] }] of Object.entries(hit.arms)) {
      if (terms.length === 0) continue;
      const shown = terms.slice(0, shownTerms).map(({ token, index, contribution }) => ({
        term: token ?? `[${index}]`,
        weight: contribution,
      }));
      await writeLine(`   ${name}, ${terms.length} terms`);
      await writeLine(termBars(shown, "     "));
    }
  }
  await writeLine();
}

/** Title, headings and page of a passage; the headings begin with the title in most files. */
function placeOf({ title, heading, page }: Metadata): string {
  const [name, path] = [String(title ?? ""), String(heading ?? "")];
  const parts = [path.startsWith(name) ? "" : name, path || name, page === undefined ? "" : `page ${page}`];
  return [...new Set(parts)].filter((part) => part !== "").join(" › ");
}
