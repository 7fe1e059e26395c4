import { invalidArgument, received } from "../../errors.ts";
import { badLine, type DataFile, type FileLine, linesOf } from "./data-file.ts";

/** Layouts of judgements. */
const layouts = {
  /** Query id, document id and grade between tabs. */
  beir: {
    split: (text: string) => {
      const fields = text.split("\t");
      return fields.length === 3 ? (fields as [string, string, string]) : undefined;
    },
    expected: "query id, document id and grade between tabs",
  },
  /** Query id, an iteration that is ignored, document id and grade between blanks, as trec_eval takes them. */
  trec: {
    split: (text: string) => {
      const fields = text.trim().split(/\s+/);
      const [query, , document, grade] = fields as [string, string, string, string];
      return fields.length === 4 ? ([query, document, grade] as const) : undefined;
    },
    expected: '"query 0 document grade"',
  },
} as const;

/** A layout of judgements: the layout of BEIR, or the layout of TREC. */
export type QrelsLayout = keyof typeof layouts;

/**
 * Reads judgements in the layout of BEIR (query id, document id and grade between tabs, with or without a header) or of TREC
 * (query id, iteration, document id and grade between blanks). Ids are kept as they are, grades are whole numbers.
 *
 * @param file path of the file, which is unpacked where it ends in `.gz`, or its contents with a name for messages
 * @param layout default: by the first line, which has three fields between tabs in BEIR's layout
 * @returns grades by query id and document id
 * @throws SparseEncoderError `DATA_INVALID`, naming file and line
 */
export async function readQrels(
  file: DataFile,
  layout?: QrelsLayout,
): Promise<Map<string, Map<string, number>>> {
  if (layout !== undefined && !Object.hasOwn(layouts, layout)) {
    throw invalidArgument(`readQrels: layout must be "beir" or "trec", received ${received(layout)}.`);
  }
  const judgements = new Map<string, Map<string, number>>();
  let known = layout;
  let isFirst = true;
  for await (const line of linesOf(file)) {
    known ??= layouts.beir.split(line.text) === undefined ? "trec" : "beir";
    const { split, expected } = layouts[known];
    const fields = split(line.text);
    if (fields === undefined) {
      const both = isFirst && layout === undefined ? `${layouts.beir.expected}, or ${expected}` : expected;
      throw badLine(file, line, `expected ${both}, received ${received(line.text)}`);
    }
    const isHeader = known === "beir" && isFirst && /^(query[-_ ]?id|qid)$/i.test(fields[0]);
    isFirst = false;
    if (!isHeader) addJudgement(judgements, file, line, fields);
  }
  return judgements;
}

/**
 * Adds the judgement of a line.
 * @throws SparseEncoderError `DATA_INVALID` if the grade is not a whole number, or the pair was judged before
 */
function addJudgement(
  judgements: Map<string, Map<string, number>>,
  file: DataFile,
  line: FileLine,
  [query, document, text]: readonly [string, string, string],
): void {
  const grade = text.trim();
  if (!/^[+-]?\d+$/.test(grade)) {
    throw badLine(file, line, `the grade must be a whole number, received ${received(grade)}`);
  }
  const grades = judgements.get(query) ?? new Map<string, number>();
  if (grades.has(document)) {
    throw badLine(file, line, `document ${received(document)} is judged twice for query ${received(query)}`);
  }
  judgements.set(query, grades.set(document, Number(grade)));
}
