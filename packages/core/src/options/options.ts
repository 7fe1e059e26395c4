import { invalidArgument, received, SparseEncoderError } from "../errors.ts";
import { didYouMean, optionHint } from "./meant.ts";
import { count, type Rule } from "./rule.ts";

/** One rule per option of an options interface: a name too few or too many does not compile. */
export type OptionRules<Options> = {
  readonly [Name in keyof Options]-?: Rule<Options[Name] | undefined>;
};

/** What checked options are: the names of the rules, with the types that the rules give. */
export type CheckedOptions<Rules> = {
  readonly [Name in keyof Rules]: Rules[Name] extends Rule<infer Value> ? Value : never;
};

/** Refuses the rules of names that the options interface lacks. */
type NoOtherNames<Options, Rules> = { readonly [Name in Exclude<keyof Rules, keyof Options>]: never };

/** The declaration of one options object: its names, its checks and its checked type. */
export interface OptionsDeclaration<Rules> {
  /** For declarations that build on this one: `{ ...declaration.rules, more }`. */
  readonly rules: Rules;
  /** The valid names, in the order of the declaration. */
  readonly names: readonly string[];
  /**
   * Checks an options object: names first, then values.
   * @param call the function as the user wrote it, for messages
   * @param options `undefined` stands for `{}`
   * @param naming what stands before the names in messages, such as `mmr.`, or what messages call an option; default the
   *   bare name
   * @throws SparseEncoderError `UNKNOWN_OPTION` with the valid names, `INVALID_ARGUMENT`
   */
  check(call: string, options: unknown, naming?: string | ((name: string) => string)): CheckedOptions<Rules>;
}

/**
 * Declares the options of a call, once.
 *
 * @example
 * const searchOptions = declareOptions<SearchOptions>()({ k: count().default(10), signal: abortSignal() });
 * const { k, signal } = searchOptions.check("search", options);
 */
export function declareOptions<Options extends object>() {
  return <const Rules extends OptionRules<Options>>(
    rules: Rules & NoOtherNames<Options, Rules>,
  ): OptionsDeclaration<Rules> => {
    const names = Object.keys(rules);
    return {
      rules,
      names,
      check(call, options, naming = "") {
        checkOptionNames(call, options, names);
        const values = (options ?? {}) as Readonly<Record<string, unknown>>;
        const table = rules as Readonly<Record<string, Rule<unknown>>>;
        const nameOf = typeof naming === "function" ? naming : (name: string) => `${naming}${name}`;
        // A loop, since searches of a few microseconds come through here.
        const checked: Record<string, unknown> = {};
        for (const name of names) checked[name] = table[name]!.check(values[name], nameOf(name));
        return checked as CheckedOptions<Rules>;
      },
    };
  };
}

/**
 * Checks that `options` is an options object and has no names beyond `valid`.
 * @param call names the function, for the message
 */
export function checkOptionNames(call: string, options: unknown, valid: readonly string[]): void {
  if (options === undefined) return;
  if (typeof options !== "object" || options === null || Array.isArray(options)) {
    throw invalidArgument(
      `${call}: options must be an object, received ${received(options)}.${argumentHint(options, valid)}`,
    );
  }
  for (const name of Object.keys(options)) {
    if (!valid.includes(name)) {
      const list = valid.length === 0 ? "It takes none." : `Valid options: ${valid.join(", ")}.`;
      const hint = optionHint(call, name, valid);
      throw new SparseEncoderError(
        "UNKNOWN_OPTION",
        `${call}: unknown option ${received(name)}.${hint} ${list}`,
      );
    }
  }
}

/** What a value in place of options may mean, as other libraries take it by its position. */
function argumentHint(value: unknown, valid: readonly string[]): string {
  if (typeof value === "number") {
    const counted = ["k", "topK", "maxTokens", "batchSize"].find((name) => valid.includes(name));
    return counted === undefined ? "" : didYouMean(`{ ${counted}: ${value} }`);
  }
  return typeof value === "string" && valid.includes("batchSize") ? " Several texts are one array." : "";
}

/** The options that are not undefined: an undefined one would hide the value that it is spread over. */
export function defined<Options extends object>(options: Options): Defined<Options> {
  return Object.fromEntries(
    Object.entries(options).filter(([, value]) => value !== undefined),
  ) as Defined<Options>;
}

/** What {@link defined} leaves of options. */
export type Defined<Options> = { [Name in keyof Options]?: Exclude<Options[Name], undefined> };

/** Returns `value` if it is a whole number of at least 1 (and at most `maximum`): for arguments beside the options. */
export function positiveInteger(name: string, value: unknown, maximum?: number): number {
  return count(maximum === undefined ? {} : { maximum })
    .required()
    .check(value, name);
}
