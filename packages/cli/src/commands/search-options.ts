import type { Command } from "commander";
import { fusionNames } from "../search/fusion-names.ts";
import { chosenOf, positiveNumber, weights } from "./option-values.ts";

/** Hits that are shown where no number is given. */
const defaultHits = 5;

/** Adds the options of a search to a command. */
export function addSearchOptions(command: Command): Command {
  return command
    .option("-k, --hits <n>", "most hits", positiveNumber, defaultHits)
    .option(
      "--fusion <name>",
      `one ranking of several: ${fusionNames.join(", ")}`,
      chosenOf(...fusionNames),
      fusionNames[0],
    )
    .option(
      "--weights <name=n,…>",
      "what each ranking counts, such as sparse=1,keyword=0.5; 0 leaves it out",
      weights,
    );
}
