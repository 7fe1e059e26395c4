import { invalidArgument, received } from "../errors.ts";
import { didYouMean } from "./meant.ts";

/** Checks one option, and says what its value becomes. */
export interface Rule<Value> {
  /**
   * @param value as the caller wrote it; `undefined` if the option is absent
   * @param name the option as the caller knows it, for messages, such as `k` or `mmr.lambda`
   * @throws SparseEncoderError `INVALID_ARGUMENT` that says what was received and what is allowed
   */
  check(value: unknown, name: string): Value;
  /** The same rule, with a value for an absent option. */
  default(value: NonNullable<Value>): Rule<NonNullable<Value>>;
  /** The same rule, for an option that must be there. */
  required(): Rule<NonNullable<Value>>;
}

/**
 * A rule from a function that checks a value that is there. An absent option stays `undefined`.
 * @param check returns the value to use, or throws
 */
export function rule<Value>(check: (value: unknown, name: string) => Value): Rule<Value | undefined> {
  return {
    check: (value, name) => (value === undefined ? undefined : check(value, name)),
    default: (fallback) =>
      present((value, name) => (value === undefined ? fallback : check(value, name)) as NonNullable<Value>),
    required: () =>
      present((value, name) => {
        if (value === undefined) throw invalidArgument(`${name} is missing; this option has no default.`);
        return check(value, name) as NonNullable<Value>;
      }),
  };
}

function present<Value>(check: (value: unknown, name: string) => Value): Rule<NonNullable<Value>> {
  const self: Rule<NonNullable<Value>> = {
    check: check as (value: unknown, name: string) => NonNullable<Value>,
    default: () => self,
    required: () => self,
  };
  return self;
}

/** A whole number within limits. Default minimum: 1. */
export function count(limits: { readonly minimum?: number; readonly maximum?: number } = {}) {
  const { minimum = 1, maximum = Number.MAX_SAFE_INTEGER } = limits;
  return rule((value, name) => {
    if (typeof value !== "number" || !Number.isInteger(value) || value < minimum) {
      throw invalidArgument(
        `${name} must be a whole number of at least ${minimum}, received ${received(value)}.`,
      );
    }
    if (value > maximum) throw invalidArgument(`${name} must be at most ${maximum}, received ${value}.`);
    return value;
  });
}

/** A finite number from `minimum` to `maximum`, both included. */
export function number(limits: { readonly minimum?: number; readonly maximum?: number } = {}) {
  const { minimum = -Number.MAX_VALUE, maximum = Number.MAX_VALUE } = limits;
  const range =
    limits.maximum === undefined
      ? limits.minimum === undefined
        ? "a finite number"
        : `a finite number of at least ${minimum}`
      : `a number from ${minimum} to ${maximum}`;
  return rule((value, name) => {
    if (typeof value === "number" && value >= minimum && value <= maximum) return value;
    throw invalidArgument(`${name} must be ${range}, received ${received(value)}.`);
  });
}

/** `true` or `false`. */
export function flag() {
  return rule((value, name) => {
    if (typeof value === "boolean") return value;
    throw invalidArgument(`${name} must be true or false, received ${received(value)}.`);
  });
}

/** A string that is not empty. */
export function text() {
  return rule((value, name) => {
    if (typeof value === "string" && value !== "") return value;
    throw invalidArgument(`${name} must be a string that is not empty, received ${received(value)}.`);
  });
}

/**
 * One of some strings.
 * @param meant what other libraries call a choice, for messages
 */
export function oneOf<const Choice extends string, Meant extends Choice>(
  choices: readonly Choice[],
  meant: Readonly<Record<string, Meant>> = {},
) {
  return rule((value, name) => {
    const found = choices.find((choice) => choice === value);
    if (found !== undefined) return found;
    const other = typeof value === "string" ? value.toLowerCase() : "";
    const hint = didYouMean(
      choices.find((choice) => choice === other) ?? (Object.hasOwn(meant, other) ? meant[other] : undefined),
    );
    throw invalidArgument(
      `${name} must be one of ${choices.join(", ")}, received ${received(value)}.${hint}`,
    );
  });
}

/** A function. Its parameters and result cannot be checked. */
export function callback<Callback extends (...parameters: never[]) => unknown>() {
  return rule((value, name) => {
    if (typeof value === "function") return value as Callback;
    throw invalidArgument(`${name} must be a function, received ${received(value)}.`);
  });
}

/** An `AbortSignal`, of this realm or another one (test runners load modules in realms of their own). */
export function abortSignal() {
  return rule((value, name) => {
    if (isAbortSignal(value)) return value;
    throw invalidArgument(`${name} must be an AbortSignal, received ${received(value)}.`);
  });
}

/** Any value, unchecked: for what another part of the library checks itself. */
export function unchecked<Value>() {
  return rule((value) => value as Value);
}

function isAbortSignal(value: unknown): value is AbortSignal {
  return (
    value instanceof AbortSignal ||
    (Object.prototype.toString.call(value) === "[object AbortSignal]" &&
      typeof (value as AbortSignal).addEventListener === "function")
  );
}
