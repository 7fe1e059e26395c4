import { Command } from "commander";
import { addModelOptions } from "../models/model-options.ts";
import { examples } from "./examples.ts";
import { chosenOf } from "./option-values.ts";

const modelArgument = [
  "[model]",
  "name on the Hugging Face hub, or a folder (default: the embedded model)",
] as const;

export function downloadCommand(): Command {
  return new Command("download")
    .summary("fetch a model into the cache")
    .description(
      "Fetch what loading a model needs from the Hugging Face hub into the cache, and copy it if told to. The model is not opened: this fits a build step, such as building an image.",
    )
    .argument("<model>", "name on the hub, or its address")
    .option("-o, --output <folder>", "copy the model into a new folder")
    .option("--revision <name>", "branch, tag or commit on the hub")
    .option("--cache-dir <folder>", "folder of downloaded models")
    .option("--offline", "make no request to the hub")
    .addHelpText(
      "after",
      examples(
        "sparse-encoder download naver/splade-v3",
        "sparse-encoder download naver/splade-v3 -o ./splade-v3",
      ),
    )
    .action(async (model, options) => {
      const { download } = await import("../models/download.ts");
      await download({ ...options, model });
    });
}

export function cacheCommand(): Command {
  return new Command("cache")
    .summary("list the models in the cache, or delete one")
    .description(
      "List the models of the Hugging Face hub that are in the cache, models that Python downloaded included, or delete one.",
    )
    .argument("<action>", "list or delete", chosenOf("list", "delete"))
    .argument("[model]", "name on the hub of the model to delete")
    .option("--revision <name>", "delete this branch, tag or commit only")
    .option("--cache-dir <folder>", "folder of downloaded models")
    .option("--json", "write the models, or the bytes that are free now, as JSON")
    .addHelpText(
      "after",
      examples("sparse-encoder cache list", "sparse-encoder cache delete naver/splade-v3"),
    )
    .action(async (action: "list" | "delete", model: string | undefined, options) => {
      const { deleteModel, listModels } = await import("../models/cache-tasks.ts");
      await (action === "list" ? listModels(model, options) : deleteModel(model, options));
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
