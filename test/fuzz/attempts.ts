import { SparseEncoderError } from "../../packages/core/src/errors.ts";
import { Random } from "./mutations.ts";
import { type Attempt, emptyFolder } from "./readers.ts";

/** Longest message of an error: whatever a file says, it must be read by people. */
const longestMessage = 2000;

/** What came of an attempt. */
export type Outcome = "accepted" | "refused";

/**
 * Makes one attempt. Its seed says everything about it.
 * @throws Error that says what went wrong: an error of another kind than the library's, or one that is too long
 */
export async function attempt(read: Attempt, seed: number, scratch: string): Promise<Outcome> {
  emptyFolder(scratch);
  try {
    await read(new Random(seed), scratch);
    return "accepted";
  } catch (error) {
    if (!SparseEncoderError.is(error)) throw new Error(`seed ${seed}: raw error`, { cause: error });
    const { length } = error.message;
    if (length > longestMessage)
      throw new Error(`seed ${seed}: message of ${length} characters`, { cause: error });
    return "refused";
  }
}
