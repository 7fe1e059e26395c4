import { InvalidArgumentError } from "commander";

/** A whole number of at least 1. */
export function positiveNumber(text: string): number {
  const value = Number(text);
  if (!/^\d+$/.test(text) || value < 1 || !Number.isSafeInteger(value)) {
    throw new InvalidArgumentError("Expected a whole number of at least 1.");
  }
  return value;
}

/** A port, or 0 for any that is free. */
export function portNumber(text: string): number {
  const value = Number(text);
  if (!/^\d+$/.test(text) || value > 65_535)
    throw new InvalidArgumentError("Expected a port from 0 to 65535.");
  return value;
}

/** A finite number of at least 0. */
export function nonNegativeNumber(text: string): number {
  const value = Number(text);
  if (text.trim() === "" || !Number.isFinite(value) || value < 0) {
    throw new InvalidArgumentError("Expected a number of at least 0.");
  }
  return value;
}

/** One of these names. */
export function chosenOf<Name extends string>(...names: readonly Name[]): (text: string) => Name {
  return (text) => {
    const name = names.find((known) => known === text);
    if (name === undefined) throw new InvalidArgumentError(`Allowed: ${names.join(", ")}.`);
    return name;
  };
}

/** Some of these names, between commas. */
export function listOf<Name extends string>(...names: readonly Name[]): (text: string) => Name[] {
  const choose = chosenOf(...names);
  return (text) => [...new Set(text.split(",").map((name) => choose(name.trim())))];
}

/** Weights by name, such as `sparse=1,keyword=0.5`. */
export function weights(text: string): Record<string, number> {
  const entries = text.split(",").map((pair) => {
    const [name, weight] = pair.split("=").map((part) => part.trim());
    if (!name || weight === undefined) {
      throw new InvalidArgumentError("Expected names with weights, such as sparse=1,keyword=0.5.");
    }
    return [name, nonNegativeNumber(weight)] as const;
  });
  return Object.fromEntries(entries);
}

/** Adds to a list each time that an option is given. */
export function collect(text: string, before: readonly string[] | undefined): string[] {
  return [...(before ?? []), text];
}
