import { join } from "node:path";
import { invalidArgument, received } from "../../errors.ts";
import { declareOptions, text } from "../../options/index.ts";
import { badLine, type DataFile, type FileLine, firstExisting, linesOf } from "./data-file.ts";
import { readQrels } from "./qrels.ts";

/** A document of a {@link BeirCollection}. */
export interface BeirDocument {
  /** Id of the document. */
  readonly id: string;
  /** Empty if there is none. */
  readonly title: string;
  /** Title and text with a blank between, or only the text if there is no title: what an encoder takes. */
  readonly text: string;
}

/** A collection for retrieval, ready for `InformationRetrievalEvaluator` and `evaluateRun`. */
export interface BeirCollection {
  /** In the order of the file. */
  readonly documents: readonly BeirDocument[];
  /** Queries of all splits, in the order of the file. */
  readonly queries: readonly { readonly id: string; readonly text: string }[];
  /** Grades by query id and document id. */
  readonly judgements: ReadonlyMap<string, ReadonlyMap<string, number>>;
}

/** Options of {@link readBeirFolder}. */
export interface BeirFolderOptions {
  /** Name of the file of judgements in `qrels/`, without its ending. Default `test`. */
  readonly split?: string | undefined;
}

const folderOptions = declareOptions<BeirFolderOptions>()({ split: text().default("test") });

/**
 * Reads a collection in the layout of BEIR (Thakur et al., 2021): `corpus.jsonl` with `_id`, `title` and `text`,
 * `queries.jsonl` with `_id` and `text`, `qrels/{split}.tsv` with query id, document id and grade between tabs, its first
 * line a header that begins with `query-id`. Each may be packed, with `.gz` at the end of its name.
 *
 * @example
 * const { documents, queries, judgements } = await readBeirFolder("data/cranfield");
 * new InformationRetrievalEvaluator({ queries, corpus: documents, relevantDocuments: judgements });
 *
 * @throws SparseEncoderError `DATA_INVALID` for a file that is missing or malformed or has an id twice, naming file and
 *   line
 */
export async function readBeirFolder(
  folder: string,
  options: BeirFolderOptions = {},
): Promise<BeirCollection> {
  const { split } = folderOptions.check("readBeirFolder", options);
  if (typeof folder !== "string" || folder === "") {
    throw invalidArgument(`readBeirFolder: expected the path of a folder, received ${received(folder)}.`);
  }
  const file = (...parts: string[]) => {
    const path = join(folder, ...parts);
    return firstExisting([path, `${path}.gz`]);
  };
  // All three are looked for before the first, often large, is read.
  const [corpus, queries, qrels] = [
    await file("corpus.jsonl"),
    await file("queries.jsonl"),
    await file("qrels", `${split}.tsv`),
  ];
  return {
    documents: await readTexts(corpus),
    queries: await readBeirQueries(queries),
    judgements: await readQrels(qrels, "beir"),
  };
}

/**
 * Reads queries in the layout of BEIR: lines of JSON with `_id` and `text`.
 *
 * @param file path of the file, which is unpacked where it ends in `.gz`, or its contents with a name for messages
 * @returns the queries in the order of the file
 * @throws SparseEncoderError `DATA_INVALID`, naming file and line
 */
export async function readBeirQueries(
  file: DataFile,
): Promise<{ readonly id: string; readonly text: string }[]> {
  return (await readTexts(file)).map(({ id, text }) => ({ id, text }));
}

async function readTexts(path: DataFile): Promise<BeirDocument[]> {
  const texts: BeirDocument[] = [];
  const ids = new Set<string>();
  for await (const line of linesOf(path)) {
    const text = parseText(path, line);
    if (ids.has(text.id)) throw badLine(path, line, `the _id ${received(text.id)} comes twice`);
    ids.add(text.id);
    texts.push(text);
  }
  return texts;
}

function parseText(path: DataFile, line: FileLine): BeirDocument {
  let value: unknown;
  try {
    value = JSON.parse(line.text);
  } catch (error) {
    throw badLine(path, line, `not valid JSON, ${(error as Error).message}`);
  }
  const { _id: id, title, text } = (value ?? {}) as { _id?: unknown; title?: unknown; text?: unknown };
  if (typeof id !== "string" || typeof text !== "string") {
    throw badLine(path, line, `expected an object with strings _id and text, received ${received(value)}`);
  }
  if (title !== undefined && title !== null && typeof title !== "string") {
    throw badLine(path, line, `the title must be a string, received ${received(title)}`);
  }
  const heading = title ?? "";
  return { id, title: heading, text: heading === "" ? text : `${heading} ${text}` };
}
