import { invalidArgument, received } from "../errors.ts";
import { count, rule } from "../options/index.ts";
import type { Filter } from "../stores/index.ts";
import { checkWeight } from "./weighted-rankings.ts";

/** Longest time that a timer of Node counts, in milliseconds: a longer one would be over at once. */
const maximumTimeout = 2 ** 31 - 1;

/** Milliseconds of a time limit. */
export const milliseconds = () => count({ maximum: maximumTimeout });

/** A score below which hits are dropped: any number but NaN. */
export const scoreFloor = () =>
  rule((value, name): number => {
    if (typeof value === "number" && !Number.isNaN(value)) return value;
    throw invalidArgument(`${name} must be a number, received ${received(value)}.`);
  });

/** What an arm counts. */
export const weight = () => rule((value, name) => checkWeight(name, value));

/** A filter. Only its outer form is checked here: the stores check the conditions. */
export const filterObject = () =>
  rule((value, name): Filter => {
    if (typeof value === "object" && value !== null && !Array.isArray(value)) return value as Filter;
    const functions =
      typeof value === "function"
        ? " A store does not run a function on each document; a SelfQueryRetriever of LangChain takes a BasicTranslator for its structuredQueryTranslator instead of a FunctionalTranslator."
        : "";
    throw invalidArgument(
      `${name} must be an object such as { year: { $gte: 2020 } }, received ${received(value)}.${functions}`,
    );
  });

/** A function, or false for none where a setting of the retriever has one. */
export function functionOrFalse<Callback extends (...parameters: never[]) => unknown>() {
  return rule((value, name): Callback | false => {
    if (value === false || typeof value === "function") return value as Callback | false;
    throw invalidArgument(`${name} must be a function, received ${received(value)}.`);
  });
}
