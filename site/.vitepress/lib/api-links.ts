import { existsSync, readdirSync } from "node:fs";
import path from "node:path";
import type { MarkdownRenderer } from "vitepress";
import { kinds, modules } from "./modules.ts";
import { docs } from "./page-titles.ts";

type Token = ReturnType<MarkdownRenderer["parseInline"]>[number];

/** For each module, the page of each name that it exports. */
const pagesByModule = new Map(modules.map((name) => [name, exportedPages(name)]));

/**
 * Makes a link of each `Name` in code that the API exports. Pages of an adapter mean the adapter's class where core has one of
 * the same name.
 */
export function linkApiNames(markdown: MarkdownRenderer): void {
  markdown.core.ruler.push("link-api-names", ({ tokens, env, Token }) => {
    const page: string = env.relativePath ?? "";
    if (page.startsWith("reference/")) return;
    const own = modules.find((name) => page === `${name}.md`);
    const order = own === undefined ? modules : [own, ...modules];
    tokens.forEach(({ children }, index) => {
      if (children === null || tokens[index - 1]?.type === "heading_open") return;
      tokens[index]!.children = withLinks(
        children,
        (name) => {
          const found = order.map((module) => pagesByModule.get(module)?.get(name)).find(Boolean);
          return found === undefined ? undefined : path.posix.relative(path.posix.dirname(page), found);
        },
        Token,
      );
    });
  });
}

function withLinks(
  children: readonly Token[],
  pageOf: (name: string) => string | undefined,
  Token: new (type: string, tag: string, nesting: -1 | 0 | 1) => Token,
): Token[] {
  let linkDepth = 0;
  return children.flatMap((child) => {
    linkDepth += child.type === "link_open" ? 1 : child.type === "link_close" ? -1 : 0;
    const page = child.type === "code_inline" && linkDepth === 0 ? pageOf(child.content) : undefined;
    if (page === undefined) return [child];
    const open = new Token("link_open", "a", 1);
    open.attrSet("href", page.startsWith(".") ? page : `./${page}`);
    return [open, child, new Token("link_close", "a", -1)];
  });
}

function exportedPages(module: string): Map<string, string> {
  const folder = `reference/@sparse-encoder/${module}`;
  return new Map(
    kinds
      .map(({ folder: kind }) => `${folder}/${kind}`)
      .filter((place) => existsSync(path.join(docs, place)))
      .flatMap((place) => readdirSync(path.join(docs, place)).map((file) => `${place}/${file}`))
      .map((file) => [path.posix.basename(file, ".md"), file]),
  );
}
