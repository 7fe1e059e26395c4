import { Command } from "commander";
import { addModelOptions } from "../models/model-options.ts";
import { examples } from "./examples.ts";
import { positiveNumber } from "./option-values.ts";

/** Terms that are shown where no number is given. */
const defaultTerms = 20;

export function explainCommand(): Command {
  const command = new Command("explain")
    .summary("show which terms a text activates")
    .description(
      "Show which vocabulary terms a text activates, or which terms of a query and a document make their score.",
    )
    .argument("<query>", "a text; a query where a document is given too")
    .argument("[document]", "the text that the query is compared with")
    .option("-n, --terms <n>", "most terms", positiveNumber, defaultTerms)
    .option("--as-query", "encode a single text as a query")
    .option("--json", "write all terms as JSON");
  return addModelOptions(command)
    .addHelpText(
      "after",
      examples(
        'sparse-encoder explain "cheap flights to Rome"',
        'sparse-encoder explain "cheap flights" "Low-cost airlines fly to Italy."',
      ),
    )
    .action(async (query, document, options) => {
      const { explain } = await import("../explain/explain.ts");
      await explain(query, document, options);
    });
}
