import { Command } from "commander";
import { addCollectionOptions } from "./collection-options.ts";
import { examples } from "./examples.ts";
import { addSearchOptions } from "./search-options.ts";

export function searchCommand(): Command {
  const command = new Command("search")
    .summary("search an index")
    .description(
      "Search an index by meaning and by word, and see where each hit stands in the single rankings.",
    )
    .argument("<query>")
    .option("--explain", "show which terms matched")
    .option("--json", "write the hits as JSON");
  return addCollectionOptions(addSearchOptions(command))
    .addHelpText(
      "after",
      examples(
        'sparse-encoder search "how do I cancel an order?"',
        'sparse-encoder search "boundary layer" -k 3 --explain',
        "sparse-encoder search refunds --weights keyword=0.5 --fusion rrf --json",
      ),
    )
    .action(async (query, options) => {
      const { search } = await import("../search/search.ts");
      await search(query, options);
    });
}
