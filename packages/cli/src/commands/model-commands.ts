import { Command } from "commander";
import { addModelOptions } from "../models/model-options.ts";
import { examples } from "./examples.ts";

const modelArgument = [
  "[model]",
  "name on the Hugging Face hub, or a folder (default: the embedded model)",
] as const;

export function downloadCommand(): Command {
  const command = new Command("download")
    .summary("fetch a model into the cache")
    .description(
      "Fetch a model from the Hugging Face hub into the cache, check that it loads, and copy it if told to.",
    )
    .argument("<model>", "name on the hub")
    .option("-o, --output <folder>", "copy the model into a new folder")
    .option("--dense", "the model makes dense vectors");
  return addModelOptions(command)
    .addHelpText(
      "after",
      examples(
        "sparse-encoder download naver/splade-v3",
        "sparse-encoder download naver/splade-v3 -o ./splade-v3",
      ),
    )
    .action(async (model, options) => {
      const { download } = await import("../models/model-tasks.ts");
      await download({ ...options, model });
    });
}

export function quantizeCommand(): Command {
  const command = new Command("quantize")
    .summary("make the int8 weights of a model")
    .description(
      "Make the int8 weights of a model and keep them in the cache, so that --dtype int8 starts at once; show what they save and how much vectors differ.",
    )
    .argument(...modelArgument)
    .option("--json", "write the figures as JSON");
  return addModelOptions(command)
    .addHelpText("after", examples("sparse-encoder quantize", "sparse-encoder quantize naver/splade-v3"))
    .action(async (model, options) => {
      const { quantize } = await import("../models/model-tasks.ts");
      await quantize({ ...options, ...(model !== undefined && { model }) });
    });
}

export function infoCommand(): Command {
  const command = new Command("info")
    .summary("show what a model is")
    .description("Show what a model is: family, modules, dimension, prompts, files and device.")
    .argument(...modelArgument)
    .option("--dense", "the model makes dense vectors")
    .option("--json", "write it as JSON");
  return addModelOptions(command)
    .addHelpText("after", examples("sparse-encoder info", "sparse-encoder info ./my-model --json"))
    .action(async (model, options) => {
      const { info } = await import("../models/model-tasks.ts");
      await info({ ...options, ...(model !== undefined && { model }) });
    });
}
