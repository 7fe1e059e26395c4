import type { Command } from "commander";
import type { Shell } from "./shells.ts";

/** A script that completes commands and options: files otherwise. */
export function completionScript(shell: Shell, program: Command): string {
  if (shell === "fish") return fishScript(program);
  const script = bashScript(program);
  return shell === "bash" ? script : `autoload -U +X bashcompinit && bashcompinit\n${script}`;
}

function bashScript(program: Command): string {
  const cases = program.commands.map(
    (command) => `    ${command.name()}) words="${optionsOf(command).join(" ")}" ;;`,
  );
  return `_sparse_encoder() {
  local current="\${COMP_WORDS[COMP_CWORD]}" words
  COMPREPLY=()
  case "\${COMP_WORDS[1]}" in
${cases.join("\n")}
  esac
  if [ "$COMP_CWORD" -eq 1 ]; then
    words="${[...namesOf(program), ...optionsOf(program)].join(" ")}"
  elif [[ "$current" != -* ]]; then
    return
  fi
  COMPREPLY=($(compgen -W "$words" -- "$current"))
}
complete -o default -F _sparse_encoder sparse-encoder
`;
}

function fishScript(program: Command): string {
  const names = program.commands.map(
    (command) =>
      `complete -c sparse-encoder -n __fish_use_subcommand -a ${command.name()} -d ${quoted(command.summary())}`,
  );
  const options = program.commands.flatMap((command) =>
    command.options.flatMap(({ long, description }) =>
      long === undefined || long === null
        ? []
        : [
            `complete -c sparse-encoder -n "__fish_seen_subcommand_from ${command.name()}" -l ${long.slice(2)} -d ${quoted(description)}`,
          ],
    ),
  );
  return `${[...names, ...options].join("\n")}\n`;
}

function namesOf(program: Command): string[] {
  return program.commands.map((command) => command.name());
}

function optionsOf(command: Command): string[] {
  return [...command.options.flatMap(({ long }) => (long ? [long] : [])), "--help"];
}

function quoted(text: string): string {
  return `'${text.replace(/['\\]/g, "")}'`;
}
