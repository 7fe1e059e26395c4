import { Command } from "commander";
import { type Shell, shells } from "../completion/shells.ts";
import { examples } from "./examples.ts";
import { chosenOf } from "./option-values.ts";

export function completionCommand(program: Command): Command {
  return new Command("completion")
    .summary("write a script for the shell's completion")
    .description("Write a script that lets a shell complete commands and options.")
    .argument("<shell>", shells.join(", "), chosenOf(...shells))
    .addHelpText(
      "after",
      examples(
        'eval "$(sparse-encoder completion bash)"      in ~/.bashrc',
        'eval "$(sparse-encoder completion zsh)"       in ~/.zshrc',
        "sparse-encoder completion fish > ~/.config/fish/completions/sparse-encoder.fish",
      ),
    )
    .action(async (shell: Shell) => {
      const [{ completionScript }, { writeOutput }] = await Promise.all([
        import("../completion/completion-script.ts"),
        import("../terminal/standard-output.ts"),
      ]);
      await writeOutput(completionScript(shell, program));
    });
}
