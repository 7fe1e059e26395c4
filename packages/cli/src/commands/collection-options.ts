import type { Command } from "commander";
import { defaultIndexFolder } from "../collection/index-folder.ts";
import { addModelOptions } from "../models/model-options.ts";

/** Adds the options that name an index and its models to a command. */
export function addCollectionOptions(command: Command): Command {
  return addModelOptions(
    command
      .option("-i, --index <folder>", "folder of the index", defaultIndexFolder)
      .option("--dense <model>", "dense model, folder or name, for a third arm"),
  );
}
