import { readFile } from "node:fs/promises";
import { type Command, InvalidArgumentError, type Option } from "commander";
import { messageOf, systemCode, usageError } from "../command-error.ts";

/** The config file where none is named. */
export const defaultConfigFile = "sparse-encoder.config.json";

/** Values by the names of options in camel case, and by the names of commands values for these only. */
type Config = Readonly<Record<string, unknown>>;

/**
 * Sets options of a command that were not given from a config file: `{ "model": "naver/splade-v3", "serve": { "port": 9000 } }`.
 * @param file undefined for the usual one, which may be missing
 * @throws CommandError for a file that cannot be read, an unknown name or a wrong value
 */
export async function applyConfig(
  program: Command,
  command: Command,
  file: string | undefined,
): Promise<void> {
  const config = await readConfig(file);
  if (config === undefined) return;
  const name = file ?? defaultConfigFile;
  checkNames(program, config, name);
  const own = config[command.name()];
  const values = { ...config, ...(isObject(own) ? own : {}) };
  for (const option of command.options) {
    const value = values[option.attributeName()];
    const source = command.getOptionValueSource(option.attributeName());
    if (value === undefined || (source !== undefined && source !== "default")) continue;
    command.setOptionValueWithSource(option.attributeName(), parsed(option, value, name), "config");
  }
}

async function readConfig(file: string | undefined): Promise<Config | undefined> {
  let text: string;
  try {
    text = await readFile(file ?? defaultConfigFile, "utf8");
  } catch (error) {
    if (file === undefined && systemCode(error) === "ENOENT") return undefined;
    throw usageError(`The config file ${file ?? defaultConfigFile} cannot be read: ${messageOf(error)}`);
  }
  try {
    const value: unknown = JSON.parse(text);
    if (isObject(value)) return value;
  } catch (error) {
    throw usageError(`The config file ${file ?? defaultConfigFile} is not JSON: ${messageOf(error)}`);
  }
  throw usageError(`The config file ${file ?? defaultConfigFile} must hold a JSON object.`);
}

function checkNames(program: Command, config: Config, file: string): void {
  const all = new Set(program.commands.flatMap(optionNames));
  for (const [name, value] of Object.entries(config)) {
    const command = program.commands.find((candidate) => candidate.name() === name);
    if (command === undefined && !all.has(name)) {
      throw usageError(
        `${file}: there is no command and no option ${JSON.stringify(name)}. Options are written in camel case, such as maxActiveDims.`,
      );
    }
    if (command === undefined || !isObject(value)) continue;
    const known = optionNames(command);
    const unknown = Object.keys(value).find((option) => !known.includes(option));
    if (unknown !== undefined) {
      throw usageError(
        `${file}: ${name} has no option ${JSON.stringify(unknown)}. Valid: ${known.join(", ")}.`,
      );
    }
  }
}

function optionNames(command: Command): string[] {
  return command.options.map((option) => option.attributeName());
}

/** The value as if it had been written on the command line. */
function parsed(option: Option, value: unknown, file: string): unknown {
  const name = option.attributeName();
  if (option.isBoolean()) {
    if (typeof value === "boolean") return value;
    throw usageError(`${file}: ${name} is true or false.`);
  }
  const text = Array.isArray(value) ? value.join(",") : isObject(value) ? pairs(value) : String(value);
  try {
    return option.parseArg === undefined ? text : option.parseArg(text, undefined);
  } catch (error) {
    if (!(error instanceof InvalidArgumentError)) throw error;
    throw usageError(`${file}: ${name} is ${JSON.stringify(value)}. ${error.message}`);
  }
}

function pairs(value: Config): string {
  return Object.entries(value)
    .map(([name, part]) => `${name}=${String(part)}`)
    .join(",");
}

function isObject(value: unknown): value is Config {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
