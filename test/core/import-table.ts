import { posix } from "node:path";

/** What the files of one folder may import from other folders of the source. */
interface ImportRule {
  /** Folders that may be imported as values and as types. */
  readonly values: readonly string[];
  /** Folders whose types may be imported, not values. */
  readonly types?: readonly string[];
}

/** The ground floor: every room may import these. `errors.ts`, which imports nothing, is open to all as well. */
const groundFloor = ["options", "calls", "disk"];

/** Who may import whom beside the ground floor: docs/architecture.md shows this table. */
export const importTable: Readonly<Record<string, ImportRule>> = {
  options: { values: [] },
  calls: { values: [] },
  disk: { values: ["calls"] },
  vector: { values: [] },
  install: { values: [] },
  model: { values: ["install"] },
  graph: { values: ["model"], types: ["runtime"] },
  runtime: { values: ["install", "vector"] },
  encoder: { values: ["vector", "model", "graph", "runtime"] },
  index: { values: ["vector"] },
  stores: { values: ["vector", "index"] },
  retrieval: { values: ["vector", "stores"], types: ["encoder"] },
  evaluation: { values: ["vector"], types: ["encoder", "stores"] },
  internal: { values: ["stores", "retrieval"] },
  testing: { values: ["vector"], types: ["encoder", "stores"] },
};

const packageName = "@sparse-encoder/core";

interface ModuleImport {
  /** What is imported; undefined where it is computed. */
  readonly specifier: string | undefined;
  readonly typesOnly: boolean;
}

/**
 * Checks the imports of TypeScript files against {@link importTable}.
 *
 * @param sources path from the source folder, with forward slashes, to source text; tests left out
 * @returns one sentence a violation, beginning with the path; empty if all is well
 */
export function checkImports(sources: ReadonlyMap<string, string>): string[] {
  const problems: string[] = [];
  for (const [path, source] of sources) {
    const problem = checkPlace(path);
    if (problem !== undefined) {
      problems.push(`${path} ${problem}`);
      continue;
    }
    for (const found of readImports(source)) {
      const forbidden = checkImport(path, found);
      if (forbidden !== undefined) problems.push(`${path} ${forbidden}`);
    }
  }
  return problems;
}

/** The folder below the source folder that a path is in; undefined for files beside them. */
function folderOf(path: string): string | undefined {
  return path.includes("/") ? path.slice(0, path.indexOf("/")) : undefined;
}

function checkPlace(path: string): string | undefined {
  const folder = folderOf(path);
  if (folder === undefined) {
    return path === "errors.ts" || path === "index.ts" ? undefined : "belongs into a folder of the table";
  }
  return Object.hasOwn(importTable, folder) ? undefined : `is in the folder ${folder}, which the table lacks`;
}

function checkImport(path: string, { specifier, typesOnly }: ModuleImport): string | undefined {
  if (specifier === undefined) return "imports a computed path, which cannot be checked";
  if (specifier === packageName || specifier.startsWith(`${packageName}/`)) {
    return `imports its own package by name (${specifier})`;
  }
  if (!specifier.startsWith(".")) return undefined;
  const target = posix.join(posix.dirname(path), specifier);
  if (target === "errors.ts") return undefined;
  const from = folderOf(path);
  const to = folderOf(target);
  if (target.startsWith("..")) return `imports ${target}, outside of the source`;
  if (from !== undefined && from === to) return undefined;
  if (to === undefined) return `imports ${target}, which no folder may`;
  if (target !== `${to}/index.ts`) return `imports ${target} past ${to}/index.ts`;
  if (path === "index.ts") return undefined;
  const rule = from === undefined ? undefined : importTable[from];
  if (from !== undefined && groundFloor.includes(to) && !groundFloor.includes(from)) return undefined;
  if (rule?.values.includes(to)) return undefined;
  if (rule?.types?.includes(to))
    return typesOnly ? undefined : `imports values of ${to}, only types may be imported`;
  return `imports ${to}, which the table does not let ${from ?? path} do`;
}

/**
 * The imports and re-exports of a file: static, for side effects, dynamic, as types, by `require`. Read by pattern,
 * which is enough for formatted source, where each statement starts a line.
 */
export function readImports(source: string): ModuleImport[] {
  const code = withoutComments(source);
  const found: ModuleImport[] = [];
  for (const [, clause, specifier] of code.matchAll(
    /^[ \t]*(?:import|export)\b([^"'`;=()]*?)\bfrom\s*["']([^"']+)["']/gm,
  )) {
    found.push({ specifier, typesOnly: isTypesOnly(clause!) });
  }
  for (const [, specifier] of code.matchAll(/^[ \t]*import\s*["']([^"']+)["']/gm)) {
    found.push({ specifier, typesOnly: false });
  }
  // `import(…)` may also be a type; no matter, it counts as a value.
  for (const [, specifier] of code.matchAll(
    /(?<![\w$.#])(?:import|require)\s*\(\s*(?:["'`]([^"'`$]*)["'`]\s*[,)])?/g,
  )) {
    found.push({ specifier, typesOnly: false });
  }
  return found;
}

/** Whether an import clause names types only: `type { A }`, or `{ type A, type B }`. */
function isTypesOnly(clause: string): boolean {
  if (/^\s+type\s+[{*\w]/.test(clause)) return true;
  const names = /^\s*\{([^}]*)\}\s*$/.exec(clause)?.[1];
  const list = (names ?? "").split(",").filter((name) => name.trim() !== "");
  // An empty list still runs the module.
  return list.length > 0 && list.every((name) => /^\s*type\s+\w/.test(name));
}

/** Blanks out comments, but not what only looks like one within a string, a template or a regular expression. */
function withoutComments(source: string): string {
  return source.replace(
    /"(?:\\.|[^"\\\n])*"|'(?:\\.|[^'\\\n])*'|`(?:\\.|[^`\\])*`|(?<=[=(,:!&|?{};\n]\s*)\/(?![*/])(?:\\.|\[(?:\\.|[^\]\\\n])*\]|[^/\\\n[])+\/|\/\/[^\n]*|\/\*[\s\S]*?\*\//g,
    (match) => (match.startsWith("//") || match.startsWith("/*") ? " " : match),
  );
}
