import { Command } from "commander";
import { addCollectionOptions } from "./collection-options.ts";
import { examples } from "./examples.ts";

export function indexCommand(): Command {
  const command = new Command("index")
    .summary("index folders of documents")
    .description(
      "Index folders of Markdown, text, HTML and PDF files for search by meaning and by word. Run it again to take up changes: only new and changed files are encoded.",
    )
    .argument("<folders...>", "folders or files")
    .option("--json", "write what changed as JSON");
  return addCollectionOptions(command)
    .addHelpText(
      "after",
      examples(
        "sparse-encoder index docs",
        "sparse-encoder index docs notes --index ./index",
        "sparse-encoder index docs --dense sentence-transformers/all-MiniLM-L6-v2",
      ),
    )
    .action(async (folders, options) => {
      const { indexFolders } = await import("../collection/index-folders.ts");
      await indexFolders(folders, options);
    });
}
