import { Command } from "commander";
import packageFile from "../package.json" with { type: "json" };
import { completionCommand } from "./commands/completion-command.ts";
import { doctorCommand } from "./commands/doctor-command.ts";
import { encodeCommand } from "./commands/encode-command.ts";
import { evaluateCommand } from "./commands/evaluate-command.ts";
import { examples } from "./commands/examples.ts";
import { explainCommand } from "./commands/explain-command.ts";
import { indexCommand } from "./commands/index-command.ts";
import { cacheCommand, downloadCommand, infoCommand, quantizeCommand } from "./commands/model-commands.ts";
import { repairCommand } from "./commands/repair-command.ts";
import { searchCommand } from "./commands/search-command.ts";
import { serveCommand } from "./commands/serve-command.ts";

/** All commands. Their code is loaded when they run. */
export function createProgram(): Command {
  const program = new Command("sparse-encoder")
    .description(
      "Learned sparse retrieval (SPLADE) on the command line: encode, index, search, explain, evaluate, serve.",
    )
    .version(packageFile.version, "-V, --version", "show the version")
    .helpCommand("help [command]", "show the help of a command")
    .option("--config <file>", "config file (default: sparse-encoder.config.json here, if there is one)")
    .addCommand(indexCommand())
    .addCommand(searchCommand())
    .addCommand(explainCommand())
    .addCommand(encodeCommand())
    .addCommand(evaluateCommand())
    .addCommand(serveCommand())
    .addCommand(downloadCommand())
    .addCommand(cacheCommand())
    .addCommand(quantizeCommand())
    .addCommand(infoCommand())
    .addCommand(repairCommand())
    .addCommand(doctorCommand())
    .addHelpText(
      "after",
      examples(
        "sparse-encoder index docs                              index a folder of Markdown, text, HTML and PDF",
        'sparse-encoder search "how do I cancel an order?"      search it, by meaning and by word',
        'sparse-encoder explain "cheap flights"                 see what a text activates',
        "sparse-encoder serve                                   open a server, and a page that shows why",
      ),
    );
  return program.addCommand(completionCommand(program));
}
