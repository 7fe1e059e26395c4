import { Command } from "commander";
import { type EncodeTask, encodeTasks } from "../encode/encode-tasks.ts";
import { parseShard } from "../encode/shard.ts";
import { inputFormats } from "../input/input-formats.ts";
import { addModelOptions } from "../models/model-options.ts";
import { examples } from "./examples.ts";
import { chosenOf, positiveNumber } from "./option-values.ts";

const defaultTask: EncodeTask = "document";

export function encodeCommand(): Command {
  const command = new Command("encode")
    .summary("encode texts into vectors")
    .description(
      "Encode the texts of files, or of standard input, into vectors: as lines of JSON or into a store.",
    )
    .argument(
      "[files...]",
      "lines, JSONL, CSV, TSV or Parquet, by their names; .gz and .zst are unpacked; - for standard input",
    )
    .option("-o, --output <file>", "file of JSON lines, packed by its name (default: standard output)")
    .option(
      "--store <address>",
      "store to write into, such as qdrant+http://localhost:6333/docs, in place of a file",
    )
    .option("--vector <name>", "name of the vectors in the store", "sparse")
    .option("--format <form>", `form of the input: ${inputFormats.join(", ")}`, chosenOf(...inputFormats))
    .option("--text-field <name>", "field of the text", "text")
    .option("--id-field <name>", "field of the id (default: id or _id, else the number of the line)")
    .option("--task <task>", `encode as: ${encodeTasks.join(", ")}`, chosenOf(...encodeTasks), defaultTask)
    .option("--dense", "the model makes dense vectors")
    .option("--batch-size <n>", "texts in one run of the model", positiveNumber, 32)
    .option("--tokens", "write weights by vocabulary piece in place of numbers of dims")
    .option("--keep-fields", "write the text and the other fields too")
    .option("--skip-invalid", "leave out records that cannot be read, instead of ending")
    .option("--shard <i/n>", "only this of n parts, counted from 0", parseShard)
    .option("--resume", "go on with a run that was ended")
    .option("--restart", "begin again, in place of a run that was ended")
    .option("--checkpoint <file>", "where a run into a store keeps how far it is");
  return addModelOptions(command)
    .addHelpText(
      "after",
      examples(
        "sparse-encoder encode texts.txt --tokens",
        "sparse-encoder encode corpus.jsonl.gz -o vectors.jsonl.gz --resume",
        "sparse-encoder encode corpus.csv --text-field body --store qdrant+http://localhost:6333/docs",
        "sparse-encoder encode corpus.jsonl -o part-$JOB_COMPLETION_INDEX.jsonl --shard $JOB_COMPLETION_INDEX/8",
        "cat queries.txt | sparse-encoder encode --task query > queries.jsonl",
      ),
    )
    .action(async (files, options) => {
      const { encode } = await import("../encode/encode.ts");
      await encode(files, options);
    });
}
