/** Exit codes of the command line; 0 is success. */
export const exitCodes = {
  /** The command ran and failed. */
  failure: 1,
  /** The arguments or the config file are wrong. */
  usage: 2,
  /** Ended by Ctrl-C: 128 + the number of SIGINT, as shells count. */
  interrupted: 130,
} as const;

/** A failure whose message is all that a person needs: no stack is shown. */
export class CommandError extends Error {
  readonly exitCode: number;

  constructor(message: string, exitCode: number = exitCodes.failure, options?: { cause?: unknown }) {
    super(message, options);
    this.name = "CommandError";
    this.exitCode = exitCode;
  }
}

/** An error in the arguments. */
export function usageError(message: string): CommandError {
  return new CommandError(message, exitCodes.usage);
}

/** The message of anything that was thrown. */
export function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

/** The code of a system error, such as `ENOENT`. */
export function systemCode(error: unknown): string | undefined {
  return error instanceof Error && "code" in error && typeof error.code === "string" ? error.code : undefined;
}
