import { type Command, CommanderError } from "commander";
import { CommandError, exitCodes, messageOf } from "./command-error.ts";
import { applyConfig } from "./config/apply-config.ts";
import { createProgram } from "./program.ts";
import { plainText } from "./terminal/plain-text.ts";
import { checkOutput, note, OutputClosed, watchOutput } from "./terminal/standard-output.ts";

/** Runs the command of these arguments; gives the exit code. Nothing is thrown. */
export async function runProgram(parameters: readonly string[]): Promise<number> {
  watchOutput();
  const program = createProgram();
  for (const command of [program, ...program.commands]) prepare(command);
  program.hook("preAction", async (_program, command) => {
    const { config } = program.opts<{ readonly config?: string }>();
    await applyConfig(program, command, config);
  });
  try {
    await program.parseAsync(parameters, { from: "user" });
    return 0;
  } catch (error) {
    return await exitCodeOf(error);
  }
}

function prepare(command: Command): void {
  command.exitOverride().showHelpAfterError("(add --help for all options)").allowExcessArguments(false);
}

async function exitCodeOf(error: unknown): Promise<number> {
  // The reader has what it wanted.
  if (error instanceof OutputClosed) return 0;
  if (error instanceof CommanderError) {
    if (error.exitCode !== 0) return exitCodes.usage;
    // Help was written without waiting.
    return checkOutput().then(() => 0, exitCodeOf);
  }
  // Loaded here, as `--help` needs none of it.
  const { SparseEncoderError } = await import("@sparse-encoder/core");
  if (SparseEncoderError.is(error, "ABORTED") || isAbort(error)) {
    note("sparse-encoder: interrupted.");
    return exitCodes.interrupted;
  }
  const code = SparseEncoderError.is(error) ? ` [${error.code}]` : "";
  note(`sparse-encoder: ${plainText(messageOf(error))}${code}`);
  if (process.env.SPARSE_ENCODER_DEBUG && error instanceof Error) note(String(error.stack));
  if (error instanceof CommandError) return error.exitCode;
  const isUsage = code === " [INVALID_ARGUMENT]" || code === " [UNKNOWN_OPTION]";
  return isUsage ? exitCodes.usage : exitCodes.failure;
}

function isAbort(error: unknown): boolean {
  return error instanceof Error && (error.name === "AbortError" || error.message === "Interrupted");
}
