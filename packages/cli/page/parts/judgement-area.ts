import { api } from "../api.ts";
import type { PageFacts } from "../facts.ts";
import { messageOf, reportProblems } from "../notice.ts";
import { countText } from "../numbers.ts";
import { fileArea } from "./file-area.ts";
import { checkSize } from "./upload.ts";

/** A file that was read. */
interface ReadFile {
  readonly name: string;
  readonly text: string;
}

/** A place for a file of queries and a file of their judgements, which may come one after the other. */
export function judgementArea(
  { maxBodyBytes }: PageFacts,
  onChange: () => void,
): { readonly root: HTMLElement } {
  const given: { queries?: ReadFile; qrels?: ReadFile } = {};
  const area = fileArea({
    label: "Judgements",
    button: "Add judgements",
    hint: "Two files: queries.jsonl as in BEIR, and their judgements (qrels) as in BEIR or TREC.",
    accept: ".jsonl,.json,.tsv,.txt,.qrels,.trec",
    onFiles: (files) => void take(files),
  });
  const take = async (files: readonly File[]) => {
    const problems: string[] = [];
    for (const file of files) {
      try {
        checkSize(file, maxBodyBytes);
        const text = new TextDecoder("utf-8", { fatal: true }).decode(await file.arrayBuffer());
        // Queries are lines of JSON, judgements never are.
        given[/^\s*\{/.test(text) ? "queries" : "qrels"] = { name: file.name, text };
      } catch (error) {
        const message = error instanceof TypeError ? "The file is not text in UTF-8." : messageOf(error);
        problems.push(`${file.name}: ${message}`);
      }
    }
    if (given.queries === undefined || given.qrels === undefined) sayMissing();
    else await send(given.queries, given.qrels, problems);
    reportProblems(problems);
  };
  const sayMissing = () => {
    const known = given.queries ?? given.qrels;
    const missing = given.queries === undefined ? "the file of queries" : "the file of judgements";
    area.say(known === undefined ? "" : `${known.name} was read. Now add ${missing}.`);
  };
  const send = async (queries: ReadFile, qrels: ReadFile, problems: string[]) => {
    try {
      const taken = await api.sendJudgements(queries.text, qrels.text);
      const { documents, documents_found: found } = taken;
      area.say(
        `${countText(taken.queries, "judged query", "judged queries")}; the index has ${found.toLocaleString("en")} of ${countText(documents, "judged document", "judged documents")}.`,
      );
      onChange();
    } catch (error) {
      area.say("");
      problems.push(`${queries.name}, ${qrels.name}: ${messageOf(error)}`);
    }
    delete given.queries;
    delete given.qrels;
  };
  return { root: area.root };
}
