import { invalidArgument } from "../errors.ts";

/** Names of methods and properties of other libraries, and what is written here instead. */
type Words = Readonly<Record<string, string>>;

/**
 * Answers calls of methods that other libraries have with the ones that are here: each of `words`, and every method and property of
 * the class written with underscores, as in Python. They are not enumerable, and types do not show them. Names that programs test
 * for (such as `embedQuery`, `invoke` and `then`) must not be among them.
 *
 * @param target a class, for its static methods, or its prototype
 */
export function answerNeighbours(target: object, words: Words): void {
  const own = Object.entries(Object.getOwnPropertyDescriptors(target));
  for (const [name, { value }] of own) {
    const underscored = name.replaceAll(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`);
    if (underscored === name || /^[_A-Z]/.test(name)) continue;
    answer(target, underscored, typeof value === "function" ? `${name}()` : name);
  }
  for (const [name, here] of Object.entries(words)) {
    for (const spelling of new Set([name, name.replaceAll(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`)]))
      answer(target, spelling, here);
  }
}

function answer(target: object, name: string, here: string): void {
  if (name in target) return;
  function refuse(this: unknown): never {
    const owner = typeof this === "function" ? this.name : (this as object | undefined)?.constructor.name;
    throw invalidArgument(`${owner ?? "This"} has no ${name}; here it is ${here}.`);
  }
  const isProperty = !here.includes("(");
  Object.defineProperty(target, name, {
    configurable: true,
    enumerable: false,
    ...(isProperty ? { get: refuse, set: refuse } : { value: refuse, writable: true }),
  });
}
