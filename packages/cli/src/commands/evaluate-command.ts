import { Command, InvalidArgumentError } from "commander";
import { armNames } from "../collection/arms.ts";
import { addModelOptions } from "../models/model-options.ts";
import { fusionNames } from "../search/fusion-names.ts";
import { examples } from "./examples.ts";
import { listOf, positiveNumber, weights } from "./option-values.ts";

export function evaluateCommand(): Command {
  const command = new Command("evaluate")
    .summary("measure search on judged queries")
    .description(
      "Measure how well a model and settings find the relevant documents of a BEIR collection, or measure a TREC run. Several values of an option are all tried.",
    )
    .argument("[folder]", "BEIR collection: corpus.jsonl, queries.jsonl and qrels/<split>.tsv")
    .option("--split <name>", "judgements that are used", "test")
    .option("--arms <names>", `arms of the search: ${armNames.join(", ")}`, listOf(...armNames), [
      "sparse",
      "keyword",
    ])
    .option("--dense <model>", "dense model for the arm dense")
    .option("--dims <n,…>", "weights of each sparse vector to keep: numbers or all", dimsList)
    .option("--fusion <names>", `fusions: ${fusionNames.join(", ")}`, listOf(...fusionNames), [
      fusionNames[0],
    ])
    .option("--weights <name=n,…>", "weights of the arms; may be given several times", collectWeights)
    .option("--plot <file>", "draw quality, size and speed as SVG")
    .option("-o, --output <file>", "write the ranking of the best settings as a TREC run")
    .option("--run <file>", "a TREC run to measure, in place of a collection")
    .option("--qrels <file>", "judgements of the run, in the layout of TREC or of BEIR")
    .option("--baseline <file>", "TREC run to compare with, by a paired randomisation test")
    .option("--json", "write the figures as JSON");
  return addModelOptions(command)
    .addHelpText(
      "after",
      examples(
        "sparse-encoder evaluate data/cranfield",
        "sparse-encoder evaluate data/cranfield --dims 16,32,64,all --fusion rrf,distributionScore --plot sweep.svg",
        "sparse-encoder evaluate --run new.trec --qrels qrels.txt --baseline old.trec",
      ),
    )
    .action(async (folder, options) => {
      const { evaluate } = await import("../evaluate/evaluate.ts");
      await evaluate(folder, options);
    });
}

function dimsList(text: string): (number | undefined)[] {
  return text.split(",").map((part) => (part.trim() === "all" ? undefined : positiveNumber(part.trim())));
}

function collectWeights(
  text: string,
  before: readonly Record<string, number>[] | undefined,
): Record<string, number>[] {
  const given = weights(text);
  const unknown = Object.keys(given).find((name) => !armNames.some((arm) => arm === name));
  if (unknown !== undefined)
    throw new InvalidArgumentError(`There is no arm ${unknown}: ${armNames.join(", ")}.`);
  return [...(before ?? []), given];
}
