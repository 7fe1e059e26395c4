import { Command } from "commander";
import { defaultIndexFolder } from "../collection/index-folder.ts";
import { examples } from "./examples.ts";

export function repairCommand(): Command {
  return new Command("repair")
    .summary("open a damaged index or store again")
    .description(
      "Show what is damaged in an index, or in the folder of a store, and what a repair would drop. With --yes, keep what can be read and set the damaged files aside.",
    )
    .argument("[folder]", "folder of an index or of a store", defaultIndexFolder)
    .option("--tenant <name>", "the tenant, of a store that has tenants")
    .option("-y, --yes", "drop what is damaged")
    .option("--json", "write what was found as JSON")
    .addHelpText("after", examples("sparse-encoder repair", "sparse-encoder repair ./store --yes"))
    .action(async (folder, options) => {
      const { repair } = await import("../repair/repair.ts");
      await repair(folder, options);
    });
}
