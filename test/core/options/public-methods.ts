import { readdirSync, readFileSync } from "node:fs";
import path from "node:path";
import { fileURLToPath } from "node:url";

const declarations = fileURLToPath(new URL("../../../packages/core/dist/esm/", import.meta.url));

/** Names of private and protected members by class, from the declarations: at run time they are as public as all others. */
function hiddenMembers(): Map<string, Set<string>> {
  const hidden = new Map<string, Set<string>>();
  for (const file of readdirSync(declarations, { recursive: true, encoding: "utf8" })) {
    if (!file.endsWith(".d.ts")) continue;
    const text = readFileSync(path.join(declarations, file), "utf8");
    for (const [block, name] of text.matchAll(/^export declare (?:abstract )?class (\w+)[\s\S]*?^\}$/gm)) {
      const members = block.matchAll(
        /^ {4}(?:private|protected) (?:static |abstract |readonly |get |set )*(\w+)/gm,
      );
      hidden.set(name!, new Set(Array.from(members, ([, member]) => member!)));
    }
  }
  return hidden;
}

type Class = abstract new (...parameters: never[]) => unknown;

/** True for classes, false for functions. */
export function isClass(value: unknown): value is Class {
  return typeof value === "function" && /^class\b/.test(Function.prototype.toString.call(value));
}

const hidden = hiddenMembers();

/**
 * Public methods of a class as `Class.method`, static ones as `Class.static.method`, with the methods of the classes that it extends,
 * and `Class.constructor`. Getters do not count.
 */
export function publicMethods(made: Class): string[] {
  const methods = [`${made.name}.constructor`];
  for (const name of Object.getOwnPropertyNames(made)) {
    const { value } = Object.getOwnPropertyDescriptor(made, name)!;
    if (typeof value === "function" && !isAnswer(value) && !hidden.get(made.name)?.has(name)) {
      methods.push(`${made.name}.static.${name}`);
    }
  }
  for (let level: object = made.prototype; ; level = Object.getPrototypeOf(level)) {
    const { name: owner } = level.constructor;
    if (level === Object.prototype || level === Error.prototype) return methods;
    for (const name of Object.getOwnPropertyNames(level)) {
      const { value } = Object.getOwnPropertyDescriptor(level, name)!;
      if (name === "constructor" || typeof value !== "function" || isAnswer(value)) continue;
      if (hidden.get(owner)?.has(name)) continue;
      methods.push(`${made.name}.${name}`);
    }
  }
}

/** True for what answers a name of another library with the name here. */
function isAnswer(method: { readonly name: string }): boolean {
  return method.name === "refuse";
}
