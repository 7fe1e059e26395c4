import { invalidArgument, received, SparseEncoderError } from "../errors.ts";

/** Which collection an alias is to name. */
export interface AliasTarget {
  /** The alias: a name by which stores are opened. Made if missing. */
  readonly alias: string;
  /** What it is to name: a collection that a store of this library made. */
  readonly to: string;
  /** What it must name so far; nothing is changed if it names something else. Default: whatever it names. */
  readonly from?: string | undefined;
}

/** What a switch of an alias did. */
export interface AliasResult {
  /** What the alias named before; undefined if there was no such alias. */
  readonly from: string | undefined;
}

/** What an engine does about aliases. */
export interface AliasEngine {
  /** The function that the user called, for messages. */
  readonly call: string;
  /** What the engine calls what an alias names, such as `index`. */
  readonly what: string;
  /** The collection that an alias names; undefined if there is no such alias. */
  targetOf(alias: string): Promise<string | undefined>;
  /** True if there is a collection of this name, not an alias. */
  exists(collection: string): Promise<boolean>;
  /** @throws SparseEncoderError `STORE_MISMATCH` for a collection that no store of this library made */
  check(collection: string): Promise<void>;
  /** Lets the alias name another collection, in one step. Repeating it does no harm. */
  point(alias: string, to: string, from: string | undefined): Promise<void>;
}

/**
 * Lets an alias name another collection.
 * @throws SparseEncoderError `INVALID_ARGUMENT` for a collection that does not exist; `STORE_MISMATCH` for one of another
 * program, for an alias that does not name `from`, and for the name of a collection itself; errors of the engine
 */
export async function switchAlias(
  engine: AliasEngine,
  { alias, to, from }: AliasTarget,
): Promise<AliasResult> {
  const { call, what } = engine;
  const current = await engine.targetOf(alias);
  if (current === undefined && (await engine.exists(alias))) {
    throw new SparseEncoderError(
      "STORE_MISMATCH",
      `${call}: ${received(alias)} is the name of a ${what} itself; choose another alias, or copy the ${what} to another name with copyStore and delete it first.`,
    );
  }
  if (from !== undefined && current !== from) {
    throw new SparseEncoderError(
      "STORE_MISMATCH",
      `${call}: the alias ${received(alias)} names ${current === undefined ? "nothing yet" : received(current)}, not ${received(from)} as the option from says; it was not switched.`,
    );
  }
  if ((await engine.targetOf(to)) !== undefined) {
    throw invalidArgument(
      `${call}: to must be the name of a ${what}, but ${received(to)} is an alias itself.`,
    );
  }
  if (!(await engine.exists(to))) {
    throw invalidArgument(
      `${call}: there is no ${what} ${received(to)}; open a store with that name and fill it first.`,
    );
  }
  await engine.check(to);
  if (current !== to) {
    await engine.point(alias, to, current).catch(async (error: unknown) => {
      // Made, but the answer was lost and the second try refused.
      if ((await engine.targetOf(alias)) !== to) throw error;
    });
  }
  return { from: current };
}

/** @throws SparseEncoderError `INVALID_ARGUMENT` for an alias that is what it is to name */
export function checkAliasNames(call: string, { alias, to }: AliasTarget): void {
  if (alias !== to) return;
  throw invalidArgument(`${call}: alias and to must differ, received ${received(alias)} for both.`);
}

/**
 * Checks that the alias by which a store was opened still names what the store keeps to.
 * @throws SparseEncoderError `STORE_MISMATCH`
 */
export async function checkAlias(
  { targetOf }: Pick<AliasEngine, "targetOf">,
  alias: string,
  opened: string,
): Promise<void> {
  const current = await targetOf(alias);
  if (current !== opened) throw aliasMoved(alias, opened, current);
}

/**
 * The error of a change through a store that was opened by an alias which names something else by now.
 * @param opened what it named when the store was opened
 */
function aliasMoved(alias: string, opened: string, current: string | undefined): SparseEncoderError {
  return new SparseEncoderError(
    "STORE_MISMATCH",
    `The alias ${received(alias)} names ${current === undefined ? "nothing" : received(current)} by now; this store was opened when it named ${received(opened)}, and changes nothing there any more. Open it again to write.`,
  );
}

/** What to do when the collection of a store is gone, for the end of a message. */
export function goneAdvice(what: string): string {
  return `The ${what} is gone: if an alias names another one by now, open the store again.`;
}
