import { type Command, Option } from "commander";
import { chosenOf, positiveNumber } from "../commands/option-values.ts";

/** Values of the options that say which model is used and how it runs. */
export interface ModelOptions {
  readonly model?: string | undefined;
  readonly revision?: string | undefined;
  readonly dtype?: "fp32" | "tf32" | "fp16" | "int8" | undefined;
  readonly device?: string | undefined;
  readonly workers?: number | undefined;
  readonly threads?: number | undefined;
  readonly maxSeqLength?: number | undefined;
  readonly maxActiveDims?: number | undefined;
  readonly cacheDir?: string | undefined;
  readonly offline?: boolean | undefined;
}

/** Adds the options of {@link ModelOptions} to a command. */
export function addModelOptions(command: Command): Command {
  return command
    .option(
      "-m, --model <model>",
      "model folder, or name on the Hugging Face hub (default: the embedded English model)",
    )
    .option("--revision <name>", "branch, tag or commit on the hub")
    .addOption(
      new Option("--dtype <format>", "number format of the weights").argParser(
        chosenOf("fp32", "tf32", "fp16", "int8"),
      ),
    )
    .option("--device <name>", "auto, cpu, cuda, cuda:<n>, dml, webgpu or coreml (default: auto)")
    .option("--workers <n>", "worker threads (default: the cores of this process, at most 8)", positiveNumber)
    .option("--threads <n>", "CPU threads of each worker", positiveNumber)
    .option("--max-seq-length <n>", "longest input in tokens", positiveNumber)
    .option("--max-active-dims <n>", "keep only this many weights of each embedding", positiveNumber)
    .option("--cache-dir <folder>", "folder of downloaded models")
    .option("--offline", "make no request to the hub");
}
